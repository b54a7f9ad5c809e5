/** The requests of the endurance test, and which response each must have. */

import { createTestClient } from 'dpop-guard/testing'

const PARALLEL_KEYS = 64
const BODY = JSON.stringify({ text: 'a note' })

/** Creates clients, some at a time. */
export async function createClients(count, onProgress) {
  const clients = []
  while (clients.length < count) {
    const size = Math.min(PARALLEL_KEYS, count - clients.length)
    clients.push(...(await Promise.all(Array.from({ length: size }, () => createTestClient()))))
    onProgress?.(clients.length)
  }
  return clients
}

/** `count(kind, problem?, latencyMs?)` is called for each request; a problem is a response that is not the required one. */
export function createTraffic({ http, issuer, clients, attacker, apiUrl, largeBytes, count, random = Math.random }) {
  const actions = [
    [60, valid],
    [8, withNonce],
    [6, onNewConnection],
    [6, post],
    [8, replay],
    [8, invalid],
    [3, opaque],
    [4, broken],
    [0.5, slow]
  ]
  const total = actions.reduce((sum, [weight]) => sum + weight, 0)
  let nonce

  const anyOf = (list) => list[Math.floor(random() * list.length)]
  const prove = (client, token, path, more) => client.headers({ url: apiUrl + path, token, ...more })

  async function newRequest(path = '/notes', more = {}) {
    const client = anyOf(clients)
    return { path, ...more, headers: await prove(client, await issuer.tokenFor(client.jkt), path, more) }
  }

  /** Sends a request, and compares status, `error` of the challenge and length of the body with the required ones. */
  async function expectResponse(kind, request, required, send = http.send) {
    const beginMs = performance.now()
    const response = await send(request)
    const latencyMs = performance.now() - beginMs
    const isRequired = Object.entries(required).every(([name, value]) => [value].flat().includes(response[name]))
    count(kind, isRequired ? undefined : `${kind}: ${response.status} ${response.error ?? ''}`.trim(), latencyMs)
    return response
  }

  async function valid() {
    await expectResponse('valid', await newRequest(), { status: 200 })
  }

  async function withNonce() {
    const client = anyOf(clients)
    const token = await issuer.tokenFor(client.jkt)
    const headers = await prove(client, token, '/nonce/notes', nonce && { nonce })
    const first = await http.send({ path: '/nonce/notes', headers })
    nonce = first.nonce ?? nonce
    if (first.error !== 'use_dpop_nonce')
      return count('nonce', first.status === 200 ? undefined : `nonce: ${first.status} ${first.error}`)
    const again = await prove(client, token, '/nonce/notes', { nonce: first.nonce })
    await expectResponse('nonce', { path: '/nonce/notes', headers: again }, { status: 200 })
  }

  async function onNewConnection() {
    await expectResponse('new connection', { ...(await newRequest()), isNewConnection: true }, { status: 200 })
  }

  async function post() {
    await expectResponse('post', { ...(await newRequest('/notes', { method: 'POST' })), body: BODY }, { status: [200, 201] })
  }

  /** Two concurrent copies of one proof, and a third: exactly one is accepted. */
  async function replay() {
    const request = await newRequest()
    const both = await Promise.all([http.send(request), http.send({ ...request, isNewConnection: true })])
    const accepted = both.filter(({ status }) => status === 200).length
    count('race', accepted === 1 ? undefined : `race: ${accepted} of two copies were accepted`)
    await expectResponse('replay', request, { status: 401, error: 'invalid_dpop_proof' })
  }

  async function invalid() {
    const client = anyOf(clients)
    const token = await issuer.tokenFor(client.jkt)
    const iat = Math.floor(Date.now() / 1000)
    const [create, error] = anyOf([
      [() => prove(attacker, token, '/notes'), 'invalid_token'],
      [() => prove(client, token, '/other'), 'invalid_dpop_proof'],
      [() => prove(client, token, '/notes', { method: 'POST' }), 'invalid_dpop_proof'],
      [() => prove(client, token, '/notes', { claims: { iat: iat - 600 } }), 'invalid_dpop_proof'],
      [() => prove(client, token, '/notes', { claims: { ath: 'x' } }), 'invalid_dpop_proof'],
      [async () => prove(client, await issuer.forgedTokenFor(client.jkt), '/notes'), 'invalid_token'],
      [async () => prove(client, await issuer.expiredTokenFor(client.jkt), '/notes'), 'invalid_token'],
      [() => prove(client, crypto.randomUUID(), '/notes'), 'invalid_token'],
      [async () => ({ Authorization: `Bearer ${token}` }), 'invalid_token'],
      [async () => ({}), undefined]
    ])
    await expectResponse('invalid', { path: '/notes', headers: await create() }, { status: 401, error })
  }

  async function opaque() {
    const client = anyOf(clients)
    const headers = await prove(client, issuer.opaqueTokenFor(client.jkt), '/notes')
    await expectResponse('opaque', { path: '/notes', headers }, { status: 200 })
  }

  /** There is no response to compare. */
  async function broken() {
    const isPost = random() < 0.3
    const request = { ...(await newRequest('/notes', isPost ? { method: 'POST' } : {})), ...(isPost && { body: BODY }) }
    await (isPost ? anyOf([http.abort, http.abortBody]) : anyOf([http.abort, http.abortHeaders]))(request)
    count('aborted')
  }

  async function slow() {
    const request = await newRequest('/large')
    if (random() < 0.3) {
      await http.stopReading(request)
      return count('aborted')
    }
    await expectResponse('slow reader', request, { status: 200, bytes: largeBytes }, http.readSlowly)
  }

  return {
    /** One request with each kind of token from each client: the caches of the server fill. */
    async visitAll(lanes, onProgress) {
      const all = clients.entries()
      let done = 0
      const lane = async () => {
        for (const [, client] of all) {
          for (const token of [await issuer.tokenFor(client.jkt), issuer.opaqueTokenFor(client.jkt)]) {
            const headers = await prove(client, token, '/notes')
            await expectResponse('first', { path: '/notes', headers }, { status: 200 })
          }
          onProgress(++done)
        }
      }
      await Promise.all(Array.from({ length: lanes }, lane))
    },
    /** One request of a random kind. */
    async sendAny() {
      let left = random() * total
      for (const [weight, action] of actions) {
        left -= weight
        if (left < 0) return await action()
      }
    },
    /** Replaces some clients by clients with new keys. */
    async rotateClients(number) {
      for (const client of await createClients(number)) clients[Math.floor(random() * clients.length)] = client
    }
  }
}
