/** The parts of what a step shows, as plain values: they are stored with the session and rendered by render.js. @module */

import { agreementsOf } from './agreement.js'
import { decodeJwt } from './encoding.js'

/**
 * @typedef {object} StepData
 * @property {'done' | 'rejected'} state
 * @property {string} fact one line beside the title
 * @property {Section[]} sections
 *
 * @typedef {{ kind: string, title?: string, [member: string]: unknown }} Section
 */

export const heading = (title) => ({ kind: 'heading', title })
export const paragraph = (text) => ({ kind: 'paragraph', text })
export const agreements = (rows) => ({ kind: 'agreements', title: 'Values that must agree', rows })
export const checks = (results) => ({ kind: 'checks', title: 'Checks of the API, in their order', results })

/** @param {import('./exchange.js').Exchange} exchange */
export function requestOf({ request }, title = 'Request') {
  return { kind: 'request', title, ...request }
}

/** @param {import('./exchange.js').Exchange} exchange */
export function responseOf({ response }, title = 'Response') {
  return { kind: 'response', title, ...response }
}

export function decoded(title, jwt) {
  return { kind: 'jwt', title, jwt, ...decodeJwt(jwt) }
}

/** The content of a proof, and the values that must agree with it. */
export async function proofSections(request) {
  return [decoded('Decoded proof', request.proof), agreements(await agreementsOf(request))]
}

/** The sections of each attempt; with a title for each if the nonce was retried. */
export async function perAttempt(attempts, sectionsOf) {
  const lists = await Promise.all(attempts.map(sectionsOf))
  if (lists.length === 1) return lists[0]
  const titles = ['First attempt, without a valid nonce', 'Second attempt, with the nonce of the response']
  return lists.flatMap((sections, index) => [heading(titles[index]), ...sections])
}
