/** Nonces of servers (RFC 9449 §8, §9): each server has its own, and the last one is sent with the next proof. @module */

import { errorOf } from './exchange.js'

/**
 * Sends a request, and once more if the server requires a nonce.
 *
 * @template {{ exchange: import('./exchange.js').Exchange }} Attempt
 * @param {Record<string, string>} nonces the last one of each server
 * @param {string} url
 * @param {(nonce: string | undefined) => Promise<Attempt>} attempt
 * @returns {Promise<Attempt[]>} one, or two
 */
export async function withNonceRetry(nonces, url, attempt) {
  const first = await attemptWithNonce(nonces, url, attempt)
  if (errorOf(first.exchange) !== 'use_dpop_nonce') return [first]
  return [first, await attemptWithNonce(nonces, url, attempt)]
}

async function attemptWithNonce(nonces, url, attempt) {
  const { origin } = new URL(url)
  const sent = await attempt(nonces[origin])
  const next = sent.exchange.response.headers['dpop-nonce']
  if (next) nonces[origin] = next
  return sent
}
