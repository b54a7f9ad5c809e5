/** The client: a web application on openid-client, with a DPoP key of its own for each user. @module */

import { randomUUID } from 'node:crypto'
import * as oidc from 'openid-client'

const COOKIE = 'client_session'

/**
 * @param {object} settings
 * @param {string} settings.issuer
 * @param {string} settings.clientId
 * @param {string} settings.url where the client itself is
 * @param {string[]} settings.apis the base URLs of the APIs it may use
 * @param {typeof globalThis.fetch} [settings.fetch]
 */
export async function createClient({ issuer, clientId, url, apis, fetch = globalThis.fetch }) {
  const config = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
    // Loopback only: everywhere else the client refuses http.
    execute: [oidc.allowInsecureRequests],
    [oidc.customFetch]: fetch
  })
  const sessions = new Map()

  /** Sends the user to the authorization server, with PKCE (RFC 7636). */
  async function start(target, response) {
    const api = target.searchParams.get('api')
    if (!apis.includes(api)) return response.writeHead(400).end('There is no such API')
    const session = { config, api, state: oidc.randomState(), codeVerifier: oidc.randomPKCECodeVerifier() }
    const sessionId = randomUUID()
    sessions.set(sessionId, session)
    const location = oidc.buildAuthorizationUrl(config, {
      redirect_uri: `${url}/callback`,
      scope: 'notes:read notes:write',
      resource: api,
      state: session.state,
      code_challenge: await oidc.calculatePKCECodeChallenge(session.codeVerifier),
      code_challenge_method: 'S256'
    })
    response
      .writeHead(302, { Location: location.href, 'Set-Cookie': `${COOKIE}=${sessionId}; HttpOnly; SameSite=Lax; Path=/` })
      .end()
  }

  /** Trades the code for a token that is bound to a new key, and shows the user what the API has. */
  async function callback(target, session, response) {
    if (session === undefined) return response.writeHead(400).end('There is no such session')
    session.keyPair = await oidc.randomDPoPKeyPair('ES256')
    // Kept with the session, since it also stores the nonces of servers.
    session.dpop = oidc.getDPoPHandle(config, session.keyPair)
    const tokens = await oidc.authorizationCodeGrant(
      config,
      target,
      { expectedState: session.state, pkceCodeVerifier: session.codeVerifier },
      { resource: session.api },
      { DPoP: session.dpop }
    )
    session.token = tokens.access_token
    session.refreshToken = tokens.refresh_token
    const answer = await callApi(session, 'GET', '/notes')
    response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(await answer.text())
  }

  return {
    url,
    /** The sessions of its users, by cookie. */
    sessions,
    /** @type {import('node:http').RequestListener} */
    async handler(request, response) {
      const target = new URL(request.url ?? '/', url)
      try {
        if (target.pathname === '/start') await start(target, response)
        else if (target.pathname === '/callback') await callback(target, sessions.get(sessionIdOf(request)), response)
        else response.writeHead(404).end()
      } catch (error) {
        response.writeHead(502, { 'Content-Type': 'text/plain' }).end(error.message)
      }
    }
  }
}

/** Calls the API of a session with its token and a new proof. */
export function callApi({ config, api, dpop, token }, method, path, body) {
  return oidc.fetchProtectedResource(
    config,
    token,
    new URL(`${api}${path}`),
    method,
    body && JSON.stringify(body),
    new Headers(body && { 'Content-Type': 'application/json' }),
    { DPoP: dpop }
  )
}

/** Gets a session another token, bound to the same key. The previous one stays valid until it expires. */
export async function refresh(session) {
  const { config, api, dpop, refreshToken } = session
  const tokens = await oidc.refreshTokenGrant(config, refreshToken, { resource: api }, { DPoP: dpop })
  session.token = tokens.access_token
}

function sessionIdOf({ headers: { cookie = '' } }) {
  return cookie
    .split('; ')
    .find((pair) => pair.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1)
}
