/** What an attacker tries who has the access token and observes requests, but does not have the key of this browser. @module */

import { agreementsOf } from './agreement.js'
import { callApi, explainAndSend, failedCheck, isAccepted } from './api-call.js'
import { decodeJwt, encodeJson } from './encoding.js'
import { createKeyPair, loadOrCreateKeyPair } from './keys.js'
import { chosenApi, saveCurrent } from './page.js'
import { createProof } from './proof.js'
import { refresh } from './tokens.js'

const TEN_MINUTES = 600

/**
 * @typedef {object} Attack
 * @property {string} id
 * @property {string} title
 * @property {string} text
 * @property {(stage: Stage) => Promise<Partial<import('./api-call.js').ApiRequest>>} prepare what differs from the request of the client
 *
 * @typedef {object} Stage
 * @property {import('./api-call.js').ApiRequest} observed a request of the client that was accepted
 * @property {(changes?: object) => Promise<string>} intercept a proof of the client that never arrived
 * @property {() => Promise<string>} otherToken another access token of the client, bound to the same key
 */

/** @type {Attack[]} */
export const attacks = [
  {
    id: 'replay',
    title: 'Replay the last proof',
    text: 'Sends a request of the client a second time, unchanged.',
    prepare: async () => ({})
  },
  {
    id: 'key',
    title: 'Use another key',
    text: 'Signs a proof with a key of the attacker. The proof is valid, but the token is bound to another key.',
    async prepare({ observed }) {
      return { proof: await createProof(await createKeyPair(), observed) }
    }
  },
  {
    id: 'method',
    title: 'Use another method',
    text: 'Sends a proof for `GET` with a `POST` request.',
    prepare: async ({ intercept }) => ({ method: 'POST', text: 'The attacker was here', proof: await intercept() })
  },
  {
    id: 'url',
    title: 'Use another URL',
    text: 'Sends a proof for `/notes/1` with a request for `/notes`.',
    prepare: async ({ intercept, observed }) => ({ proof: await intercept({ url: `${observed.url}/1` }) })
  },
  {
    id: 'bearer',
    title: 'Use the token as Bearer',
    text: 'Sends the token alone, with the scheme `Bearer` and without a proof.',
    prepare: async () => ({ scheme: 'Bearer', proof: undefined })
  },
  {
    id: 'missing',
    title: 'Send no proof',
    text: 'Keeps the scheme `DPoP`, but leaves the proof out.',
    prepare: async () => ({ proof: undefined })
  },
  {
    id: 'old',
    title: 'Use an old proof',
    text: 'Sends a proof that was signed ten minutes ago and never arrived. If nonces are required, it has none.',
    async prepare({ intercept }) {
      return { proof: await intercept({ iat: Math.floor(Date.now() / 1000) - TEN_MINUTES, nonce: undefined }) }
    }
  },
  {
    id: 'tampered',
    title: 'Tamper with a proof',
    text: 'Changes `jti`, so that the proof looks new. The signature is that of the original proof.',
    prepare: async ({ observed }) => ({ proof: changeJti(observed.proof) })
  },
  {
    id: 'token',
    title: 'Use a proof for another token',
    text: 'Sends a proof that was made for another access token of the same client.',
    prepare: async ({ intercept, otherToken }) => ({ proof: await intercept({ token: await otherToken() }) })
  }
]

/**
 * Runs an attack. The client calls the API before and after it: an API that rejects every request would not pass.
 *
 * @param {import('./page.js').Page} page
 * @param {Attack} attack
 */
export async function runAttack(page, attack) {
  const api = chosenApi(page)
  const observed = await callApi(page, { method: 'GET' })
  if (!isAccepted(observed)) throw new Error(`The request of the client was rejected with ${observed.exchange.response.status}.`)
  const { method, url, token, proof } = observed
  const nonce = page.session.nonces[new URL(url).origin]
  const changes = await attack.prepare({
    observed: { method, url, token, proof, nonce },
    async intercept(changed = {}) {
      const { keyPair } = await loadOrCreateKeyPair()
      return await createProof(keyPair, { method, url, token, nonce, ...changed })
    },
    otherToken: () => refreshKeepingToken(page, api)
  })
  const sent = await explainAndSend(api, { method, url, token, proof, ...changes })
  const rows = sent.proof ? await agreementsOf({ ...sent, nonce }) : []
  const control = await callApi(page, { method: 'GET' })
  await saveCurrent(page)
  return { ...sent, rows, caught: failedCheck(sent), control }
}

/** Another token for the same API. The page goes on with the one it had, which stays valid. */
async function refreshKeepingToken(page, api) {
  const current = page.session.tokens[api.id]
  const other = await refresh(page, api, false)
  page.session.tokens[api.id] = current
  return other
}

/** Other claims under the same signature. */
function changeJti(proof) {
  const [header, , signature] = proof.split('.')
  const claims = { ...decodeJwt(proof).claims, jti: crypto.randomUUID() }
  return [header, encodeJson(claims), signature].join('.')
}
