/** The attempts of an attacker who has the token and observes requests, but does not have the key of the client. @module */

import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oidc from 'openid-client'
import { callApi } from './client.mjs'

const TEN_MINUTES = 600

/**
 * @typedef {object} Attack
 * @property {string} name
 * @property {'GET' | 'POST'} method
 * @property {{ status: number, error: string, code: import('dpop-guard').DPoPErrorCode }} refusal what must come back
 * @property {(loot: Loot) => Promise<Record<string, string>>} headers what the attacker sends
 *
 * @typedef {ReturnType<typeof eavesdrop>} Loot
 */

/** @type {Attack[]} */
export const attacks = [
  {
    name: 'a proof of another key',
    method: 'GET',
    refusal: { status: 401, error: 'invalid_token', code: 'ERR_DPOP_TOKEN_BINDING' },
    headers: async ({ token, overhear }) => withProof(token, await resign(await overhear()))
  },
  {
    name: 'a proof that was used',
    method: 'GET',
    refusal: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_REPLAYED' },
    headers: async ({ token, overhear }) => withProof(token, await overhear())
  },
  {
    name: 'a proof of another URL',
    method: 'GET',
    refusal: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_HTU' },
    headers: async ({ token, intercept }) => withProof(token, await intercept({ path: '/notes/1' }))
  },
  {
    name: 'a proof of another method',
    method: 'POST',
    refusal: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_HTM' },
    headers: async ({ token, intercept }) => withProof(token, await intercept())
  },
  {
    name: 'the token as Bearer',
    method: 'GET',
    refusal: { status: 401, error: 'invalid_token', code: 'ERR_DPOP_SCHEME_NOT_ALLOWED' },
    headers: async ({ token }) => ({ Authorization: `Bearer ${token}` })
  },
  {
    name: 'a proof ten minutes old',
    method: 'GET',
    refusal: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_IAT' },
    headers: async ({ token, intercept }) => withProof(token, await intercept({ secondsAgo: TEN_MINUTES }))
  },
  {
    name: 'a proof of another token',
    method: 'GET',
    refusal: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_ATH' },
    headers: async ({ token, otherToken, intercept }) => withProof(token, await intercept({ token: otherToken }))
  },
  {
    name: 'a used proof, another jti',
    method: 'GET',
    refusal: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_SIGNATURE' },
    headers: async ({ token, overhear }) => withProof(token, changeJti(await overhear()))
  },
  {
    name: 'no proof',
    method: 'GET',
    refusal: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_MISSING' },
    headers: async ({ token }) => ({ Authorization: `DPoP ${token}` })
  }
]

const GRAFFITI = 'The attacker was here'

/**
 * Sends a request of the attacker and describes the rejection. A valid request of the client for the same resource must pass
 * afterwards: what refuses everybody refuses no attacker.
 *
 * @param {Attack} attack
 * @param {Loot} loot
 */
export async function attempt({ method, refusal, headers }, loot, session, fetch) {
  const sends = (text) => (method === 'POST' ? { text } : undefined)
  const answer = await fetch(`${session.api}/notes`, {
    method,
    headers: { ...(await headers(loot)), 'Content-Type': 'application/json' },
    ...(method === 'POST' && { body: JSON.stringify(sends(GRAFFITI)) })
  })
  const challenge = /\bDPoP error="\w+"/.exec(answer.headers.get('www-authenticate') ?? '')?.[0]
  const { code } = await answer.json().catch(() => ({}))
  const outcome = describe(answer.status, challenge, code)
  const due = describe(refusal.status, `DPoP error="${refusal.error}"`, refusal.code)
  if (outcome !== due) throw new Error(`answered ${outcome}, where ${due} was due`)

  const control = await callApi(session, method, '/notes', sends('Call Bob'))
  if (!control.ok) throw new Error(`the client's own request was answered ${control.status}`)
  if (method === 'POST' && (await control.text()).includes(GRAFFITI)) throw new Error('the refused request took effect')
  return outcome
}

function describe(status, challenge = '(no challenge)', code = '(no code)') {
  return `${status}  ${challenge.padEnd(31)}  ${code}`
}

/**
 * What an attacker gets who sits between client and API. All of it is made by the client: the attacker cannot make a proof.
 *
 * @param {object} session the client's, with a token
 * @param {string} otherToken another token of the same client, for the same API, bound to the same key
 */
export function eavesdrop(session, otherToken) {
  const { token } = session

  /** Has the client call the API, and keeps its proof. */
  async function tap(deliver, { path = '/notes', token, secondsAgo = 0 }) {
    let proof
    const { client_id } = session.config.clientMetadata()
    const config = new oidc.Configuration(session.config.serverMetadata(), client_id, { [oidc.clockSkew]: -secondsAgo })
    oidc.allowInsecureRequests(config)
    config[oidc.customFetch] = (url, init) => {
      proof = new Headers(init.headers).get('dpop')
      return deliver(url, init)
    }
    const dpop = oidc.getDPoPHandle(config, session.keyPair)
    const response = await callApi({ ...session, config, dpop, token }, 'GET', path)
    if (!response.ok) throw new Error(`the client's own request was answered ${response.status}`)
    return proof
  }

  return {
    token,
    otherToken,
    /** A proof that arrived. */
    overhear: () => tap(session.config[oidc.customFetch], { token }),
    /** A proof that the attacker kept from arriving, and that is therefore unused. */
    intercept: (request = {}) => tap(async () => new Response(), { token, ...request })
  }
}

function withProof(token, proof) {
  return { Authorization: `DPoP ${token}`, DPoP: proof }
}

/** The same claims under a key that the attacker has. */
async function resign(proof) {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const claims = { ...decode(proof.split('.')[1]), jti: crypto.randomUUID() }
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) }
  return await new SignJWT(claims).setProtectedHeader(header).sign(privateKey)
}

/** Other claims under the same signature. */
function changeJti(proof) {
  const [header, claims, signature] = proof.split('.')
  const changed = { ...decode(claims), jti: crypto.randomUUID() }
  return [header, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
}

function decode(segment) {
  return JSON.parse(Buffer.from(segment, 'base64url').toString())
}
