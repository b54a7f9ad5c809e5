/** Signs in with the authorization code flow and PKCE: steps 1 to 6. @module */

import { agreement, side } from './agreement.js'
import { read, remove, write } from './database.js'
import { loadInteractions } from './demo-server.js'
import { randomText, sha256 } from './encoding.js'
import { loadOrCreateKeyPair, thumbprintOf, toPublicJwk, tryToExport } from './keys.js'
import { chosenApi, saveCurrent } from './page.js'
import { agreements, heading, paragraph } from './sections.js'
import { redeem } from './tokens.js'

/**
 * Leaves for the authorization server.
 *
 * @param {object} wish
 * @param {string} wish.scope
 * @param {string} [wish.acrValues] how the user must sign in (RFC 9470 §5)
 * @param {string} [wish.prompt]
 * @param {object} [wish.next] the request to send after the sign-in
 */
export async function startSignIn(page, { scope, acrValues, prompt, next = { method: 'GET' } }) {
  const state = randomText()
  const codeVerifier = randomText()
  const query = {
    response_type: 'code',
    client_id: page.config.clientId,
    redirect_uri: page.config.redirectUri,
    scope,
    state,
    code_challenge: await sha256(codeVerifier),
    code_challenge_method: 'S256',
    ...(acrValues && { acr_values: acrValues }),
    ...(prompt && { prompt })
  }
  const parameters = [...Object.entries(query), ...page.config.apis.map(({ url }) => ['resource', url])]
  await write(`sign-in ${state}`, { codeVerifier, parameters, next })
  page.reset(1)
  await page.show(1, {
    state: 'done',
    fact: acrValues ? 'sign-in with a second factor' : `sign-in for ${scope}`,
    sections: [paragraph(`After the sign-in, the page calls ${chosenApi(page).name} with ${next.method} /notes.`)]
  })
  await saveCurrent(page)
  location.assign(`${page.metadata.authorization_endpoint}?${new URLSearchParams(parameters)}`)
}

/**
 * Completes the sign-in with the parameters of the redirect.
 *
 * @param {URLSearchParams} received
 * @returns {Promise<{ method: string, text?: string }>} the request to send next
 */
export async function completeSignIn(page, received) {
  const state = received.get('state') ?? ''
  const started = await read(`sign-in ${state}`)
  if (!started) throw new Error('This response belongs to no sign-in of this page.')
  await remove(`sign-in ${state}`)
  const sent = new Map(started.parameters)
  await tellRedirects(page, started, received, await loadInteractions(state))
  if (received.get('iss') !== page.config.issuer) throw new Error('The response is of another authorization server.')
  if (received.has('error')) throw new Error(`The authorization server responded with ${received.get('error')}.`)

  await tellKey(page, await loadOrCreateKeyPair())
  const { codeVerifier, next } = started
  const codeChallenge = { sent: sent.get('code_challenge'), own: await sha256(codeVerifier) }
  // Tokens of an earlier sign-in have fewer scopes or another acr.
  page.session.tokens = {}
  await redeem(page, chosenApi(page), { code: received.get('code'), codeVerifier, codeChallenge })
  page.session.scope = sent.get('scope')
  await saveCurrent(page)
  return next
}

async function tellRedirects(page, { parameters }, received, interactions) {
  const { authorization_endpoint: endpoint } = page.metadata
  const { pathname } = new URL(endpoint)
  const sent = new Map(parameters)
  const first = interactions[0]?.path
  const pages = interactions.filter(({ method }) => method === 'GET')
  const forms = interactions.filter(({ method }) => method === 'POST')
  const names = pages.map(({ title }) => title).join(', ') || 'none: you are still signed in'
  await page.show(2, {
    state: 'done',
    fact: `GET ${pathname} with PKCE`,
    sections: [
      { kind: 'request', title: 'Request', method: 'GET', url: endpoint, headers: {}, query: parameters, isUnmarked: true },
      ...(first ? [{ kind: 'response', title: 'Response', status: 303, headers: { location: first }, body: '' }] : [])
    ]
  })
  await page.show(3, {
    state: 'done',
    fact: names,
    sections: pages.flatMap(({ title, path, status }) => [
      heading(title),
      { kind: 'request', title: 'Request', method: 'GET', url: `${page.config.issuer}${path}`, headers: {}, isUnmarked: true },
      { kind: 'response', title: 'Response', status, headers: { 'content-type': 'text/html' }, body: '' }
    ])
  })
  await page.show(4, {
    state: 'done',
    fact: forms.map(({ form }) => form.answer ?? `name ${form.name}`).join(', ') || 'nothing to send',
    sections: forms.flatMap(({ title, path, form, status }) => [
      heading(title),
      {
        kind: 'request',
        title: 'Request',
        method: 'POST',
        url: `${page.config.issuer}${path}`,
        headers: {},
        isUnmarked: true,
        query: Object.entries(form)
      },
      { kind: 'response', title: 'Response', status, headers: {}, body: '' }
    ])
  })
  const isRejected = received.has('error')
  await page.show(5, {
    state: isRejected ? 'rejected' : 'done',
    fact: isRejected ? received.get('error') : 'redirect with code and state',
    sections: [
      {
        kind: 'request',
        title: 'Request',
        method: 'GET',
        url: page.config.redirectUri,
        headers: {},
        query: [...received],
        isUnmarked: true
      },
      agreements([
        agreement('state', side('state of step 2', sent.get('state')), side('state of the redirect', received.get('state')))
      ])
    ]
  })
}

async function tellKey(page, { keyPair, isNew }) {
  const jwk = await toPublicJwk(keyPair)
  const thumbprint = await thumbprintOf(jwk)
  await page.show(6, {
    state: 'done',
    fact: `${isNew ? 'new' : 'kept in IndexedDB'}, thumbprint ${thumbprint.slice(0, 8)}…`,
    sections: [
      { kind: 'json', title: 'Public key', value: jwk },
      { kind: 'json', title: 'Thumbprint (RFC 7638)', value: { jkt: thumbprint } },
      {
        kind: 'json',
        title: 'Private key',
        value: {
          extractable: keyPair.privateKey.extractable,
          usages: keyPair.privateKey.usages,
          exportKey: await tryToExport(keyPair)
        }
      }
    ]
  })
}
