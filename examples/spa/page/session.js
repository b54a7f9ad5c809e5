/**
 * The session of the user: authorization code flow with PKCE, an access token that is bound to the key of this browser, and requests to the
 * API. openid-client creates the proofs, stores nonces, and repeats a request that is rejected with `use_dpop_nonce`.
 */

import * as oidc from 'openid-client'
import { loadKeyPair } from './key-store.js'

export async function createSession({ issuer, clientId, api }) {
  const config = await oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests] // this example is on loopback; remove it for https
  })
  const DPoP = oidc.getDPoPHandle(config, await loadKeyPair())

  return {
    isSignedIn: () => sessionStorage.getItem('token') !== null,

    /** Sends the user to the authorization server. */
    async signIn() {
      const pending = { codeVerifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState() }
      sessionStorage.setItem('pending', JSON.stringify(pending))
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: `${location.origin}/`,
        scope: 'notes:read',
        resource: api,
        state: pending.state,
        code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: 'S256',
        dpop_jkt: await DPoP.calculateThumbprint()
      })
      location.assign(url)
    },

    /** Exchanges the code in the URL for a token. Without a code it does nothing. */
    async completeSignIn() {
      const url = new URL(location.href)
      const pending = JSON.parse(sessionStorage.getItem('pending'))
      if (pending === null || !url.searchParams.has('state')) return
      sessionStorage.removeItem('pending')
      history.replaceState(null, '', '/')
      const checks = { expectedState: pending.state, pkceCodeVerifier: pending.codeVerifier }
      const tokens = await oidc.authorizationCodeGrant(config, url, checks, { resource: api }, { DPoP })
      sessionStorage.setItem('token', tokens.access_token)
    },

    /** Sends a request with the token and a new proof. Resolves to the response, also if it is a rejection. */
    async callApi(method, path) {
      const token = sessionStorage.getItem('token')
      try {
        return await oidc.fetchProtectedResource(config, token, new URL(`${api}${path}`), method, undefined, undefined, { DPoP })
      } catch (error) {
        if (!(error instanceof oidc.WWWAuthenticateChallengeError)) throw error
        if (error.response.status === 401) sessionStorage.removeItem('token')
        return error.response
      }
    }
  }
}
