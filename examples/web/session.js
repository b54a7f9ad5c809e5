/** What the page keeps between reloads, beside its key. @module */

import { clear, read, write } from './database.js'

const NAME = 'session'

/**
 * @typedef {object} Session
 * @property {string} issuer
 * @property {string} api the identifier of the chosen API
 * @property {string} [refreshToken] absent before the sign-in
 * @property {Record<string, { accessToken: string, expiresAtMs: number }>} tokens by API
 * @property {Record<string, string>} nonces the last one of each server
 * @property {Record<string, import('./sections.js').StepData>} steps what each step of the diagram shows
 */

/** @returns {Promise<Session>} a new one if the stored one is of an authorization server that no longer runs */
export async function loadSession({ issuer, apis }) {
  const stored = await read(NAME)
  if (stored?.issuer === issuer) return stored
  await clear()
  return { issuer, api: apis[0].id, tokens: {}, nonces: {}, steps: {} }
}

export async function saveSession(session) {
  await write(NAME, session)
}
