/** Gets DPoP-bound access tokens from the token endpoint: steps 7 to 10. @module */

import { agreement, side } from './agreement.js'
import { decodeJwt } from './encoding.js'
import { errorOf, parse, send } from './exchange.js'
import { loadOrCreateKeyPair, thumbprintOf } from './keys.js'
import { withNonceRetry } from './nonces.js'
import { saveCurrent } from './page.js'
import { createProof } from './proof.js'
import { agreements, decoded, perAttempt, proofSections, requestOf, responseOf } from './sections.js'

const SAFETY_MS = 5000

/** The access token for an API: the stored one, or another one if that has expired. */
export async function ensureToken(page, api) {
  const stored = page.session.tokens[api.id]
  return stored && stored.expiresAtMs > Date.now() + SAFETY_MS ? stored.accessToken : await refresh(page, api)
}

/** Gets another access token for an API, bound to the same key; without steps in the diagram unless `isShown`. */
export async function refresh(page, api, isShown = true) {
  const { refreshToken } = page.session
  const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, resource: api.url })
  return await requestToken(page, api, form, { isShown })
}

/** Redeems the code of a sign-in. */
export async function redeem(page, api, { code, codeVerifier, codeChallenge }) {
  const { redirectUri } = page.config
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    code_verifier: codeVerifier,
    redirect_uri: redirectUri,
    resource: api.url
  })
  const rows = [
    agreement('pkce', side('code_challenge of step 2', codeChallenge.sent), side('SHA-256 of code_verifier', codeChallenge.own)),
    agreement('code', side('code of step 5', code), side('code of this request', form.get('code')))
  ]
  return await requestToken(page, api, form, { rows })
}

async function requestToken(page, api, form, { rows = [], isShown = true }) {
  form.set('client_id', page.config.clientId)
  const url = page.metadata.token_endpoint
  const { keyPair } = await loadOrCreateKeyPair()
  const attempts = await withNonceRetry(page.session.nonces, url, async (nonce) => {
    const proof = await createProof(keyPair, { method: 'POST', url, nonce })
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded', DPoP: proof }
    return { proof, nonce, exchange: await send('POST', url, { headers, body: String(form) }) }
  })
  const { exchange } = attempts.at(-1)
  const tokens = parse(exchange.response.body)
  if (exchange.response.status !== 200) {
    await saveCurrent(page)
    throw new Error(`The authorization server responded with ${exchange.response.status} ${errorOf(exchange) ?? ''}. Start over.`)
  }
  page.session.refreshToken = tokens.refresh_token ?? page.session.refreshToken
  page.session.tokens[api.id] = { accessToken: tokens.access_token, expiresAtMs: Date.now() + tokens.expires_in * 1000 }
  if (isShown) await tell(page, attempts, form, rows, tokens)
  return tokens.access_token
}

async function tell(page, attempts, form, rows, tokens) {
  const { exchange, proof } = attempts.at(-1)
  const { url } = exchange.request
  const retry = attempts.length > 1 ? ', after a retry with a nonce' : ''
  const { header } = decodeJwt(proof)
  const { claims } = decodeJwt(tokens.access_token)
  await page.show(7, {
    state: 'done',
    fact: `ES256, for POST ${new URL(url).pathname}`,
    sections: await perAttempt(attempts, ({ proof, nonce }) => proofSections({ method: 'POST', url, proof, nonce }))
  })
  await page.show(8, {
    state: 'done',
    fact: `POST ${new URL(url).pathname}, ${form.get('grant_type')}${retry}`,
    sections: [
      ...(await perAttempt(attempts, async ({ exchange }) => [requestOf(exchange)])),
      ...(rows.length > 0 ? [agreements(rows)] : [])
    ]
  })
  await page.show(9, {
    state: 'done',
    fact: `cnf.jkt ${claims.cnf.jkt.slice(0, 8)}…`,
    sections: [
      decoded('Decoded access token', tokens.access_token),
      agreements([
        agreement(
          'key',
          side('thumbprint of jwk in the proof', await thumbprintOf(header.jwk)),
          side('cnf.jkt in the access token', claims.cnf.jkt)
        )
      ])
    ]
  })
  await page.show(10, {
    state: 'done',
    fact: `${exchange.response.status} token_type ${tokens.token_type}, expires in ${tokens.expires_in} s`,
    sections: await perAttempt(attempts, async ({ exchange }) => [responseOf(exchange)])
  })
}
