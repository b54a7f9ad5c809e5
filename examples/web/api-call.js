/** Calls the API with an access token and a new proof: steps 11 to 13. @module */

import { agreementsOf } from './agreement.js'
import { explain } from './demo-server.js'
import { errorOf, parse, send } from './exchange.js'
import { loadOrCreateKeyPair } from './keys.js'
import { withNonceRetry } from './nonces.js'
import { chosenApi, saveCurrent } from './page.js'
import { createProof } from './proof.js'
import { agreements, checks, perAttempt, proofSections, requestOf, responseOf } from './sections.js'
import { ensureToken } from './tokens.js'

/** @typedef {{ method: string, url: string, token: string, proof?: string, nonce?: string, text?: string, scheme?: string }} ApiRequest */

/**
 * Calls the chosen API as its client.
 *
 * @param {import('./page.js').Page} page
 * @param {{ method: string, text?: string }} request a new note with POST
 */
export async function callApi(page, { method, text }) {
  const api = chosenApi(page)
  const token = await ensureToken(page, api)
  const { keyPair } = await loadOrCreateKeyPair()
  const url = `${api.url}/notes`
  const attempts = await withNonceRetry(page.session.nonces, url, async (nonce) => {
    const proof = await createProof(keyPair, { method, url, token, nonce })
    return await explainAndSend(api, { method, url, token, proof, nonce, text })
  })
  await tell(page, attempts)
  await saveCurrent(page)
  return attempts.at(-1)
}

/**
 * Has the verifier of the API explain a request, then sends it.
 *
 * @param {import('./demo-server.js').Api} api
 * @param {ApiRequest} request
 */
export async function explainAndSend(api, request) {
  const { method, url, token, proof, text, scheme = 'DPoP' } = request
  const headers = {
    Authorization: `${scheme} ${token}`,
    ...(proof && { DPoP: proof }),
    ...(text !== undefined && { 'Content-Type': 'application/json' })
  }
  const results = await explain(api, { method, url, headers })
  const body = text === undefined ? undefined : JSON.stringify({ text })
  return { ...request, checks: results, exchange: await send(method, url, { headers, body }) }
}

/** Whether the API accepted the request. */
export function isAccepted({ exchange: { response } }) {
  return response.status < 400
}

/** The first failed check: the one that caught the request. */
export function failedCheck({ checks: results }) {
  return results.find(({ outcome }) => outcome === 'fail')
}

/** Status and OAuth error of a response. */
export function outcomeOf({ exchange }) {
  return [exchange.response.status, errorOf(exchange)].filter(Boolean).join(' ')
}

/** The notes of a response. */
export function notesOf({ exchange }) {
  return parse(exchange.response.body)?.notes ?? []
}

async function tell(page, attempts) {
  const last = attempts.at(-1)
  const { pathname } = new URL(last.url)
  const retry = attempts.length > 1 ? ', sent again with a nonce' : ''
  const passed = last.checks.filter(({ outcome }) => outcome === 'pass').length
  const state = isAccepted(last) ? 'done' : 'rejected'
  await page.show(11, {
    state: 'done',
    fact: `${last.method} ${pathname}${retry}`,
    sections: await perAttempt(attempts, async (attempt) => [requestOf(attempt.exchange), ...(await proofSections(attempt))])
  })
  await page.show(12, {
    state,
    fact: state === 'done' ? `${passed} checks passed` : `rejected by the check “${failedCheck(last)?.rule}”`,
    sections: await perAttempt(attempts, async (attempt) => [checks(attempt.checks), agreements(await agreementsOf(attempt))])
  })
  await page.show(13, {
    state,
    fact: attempts.map(outcomeOf).join(', then '),
    sections: await perAttempt(attempts, async ({ exchange }) => [responseOf(exchange)])
  })
}
