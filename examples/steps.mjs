/** The thirteen steps from sign-in to resource, each checked against the transmitted messages and printed on one line. @module */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader } from 'jose'
import { shorten } from './report.mjs'

/**
 * @typedef {object} Walk what one sign-in left behind
 * @property {import('./wire.mjs').Exchange[]} exchanges
 * @property {import('dpop-guard').VerifiedEvent[]} verified what the API's guard published
 * @property {{ client: string, issuer: string, api: string, user: string }} parties
 */

/** @type {{ who: string, tell(walk: Walk): string | Promise<string> }[]} */
export const steps = [
  {
    who: 'user → client',
    tell(walk) {
      const { url, response } = startOf(walk)
      assert.equal(response.status, 302, 'the client did not redirect')
      return `GET ${url.pathname}?api=${url.searchParams.get('api')} → ${response.status}`
    }
  },
  {
    who: 'client → AS',
    tell(walk) {
      const { searchParams: sent } = authorizationOf(walk).url
      assert.equal(sent.get('response_type'), 'code')
      assert.equal(sent.get('redirect_uri'), `${walk.parties.client}/callback`)
      assert.equal(sent.get('resource'), walk.parties.api, 'the resource is not the API')
      assert.equal(sent.get('code_challenge_method'), 'S256', 'there is no PKCE')
      return `GET /auth response_type=code client_id=${sent.get('client_id')} resource=${sent.get('resource')} state=${shorten(sent.get('state'))}`
    }
  },
  {
    who: 'AS → user',
    tell(walk) {
      const pages = interactionsOf(walk, 'GET').map(({ response }) => response)
      const titles = pages.map(({ text }) => /<title>(.*)<\/title>/.exec(text)?.[1])
      assert.deepEqual(titles, ['Sign in', 'Allow access'], 'the pages were others')
      return `${pages.map(({ status }, index) => `${status} "${titles[index]}"`).join(', ')} for ${/asks for <strong>(.*)<\/strong> at/.exec(pages[1].text)?.[1]}`
    }
  },
  {
    who: 'user → AS',
    tell(walk) {
      const [login, consent] = interactionsOf(walk, 'POST').map(({ form }) => form)
      assert.equal(login?.get('name'), walk.parties.user, 'the user did not sign in')
      assert.equal(consent?.get('answer'), 'allow', 'the user did not consent')
      return `POST name=${login.get('name')} password=***, POST answer=${consent.get('answer')}`
    }
  },
  {
    who: 'AS → client',
    tell(walk) {
      const { status, sent } = redirectOf(walk)
      assert.ok(sent.has('code'), `no code came back, but ${sent}`)
      assert.equal(sent.get('state'), authorizationOf(walk).url.searchParams.get('state'), 'the state is another')
      return `${status} /callback?code=${shorten(sent.get('code'))}&state=${shorten(sent.get('state'))}`
    }
  },
  {
    who: 'client',
    async tell(walk) {
      const { jwk } = decodeProtectedHeader(proofOf(tokenRequestOf(walk)))
      assert.ok(!('d' in jwk), 'the proof gives the private key away')
      return `new key ${jwk.kty} ${jwk.crv}, jkt=${shorten(await thumbprintOf(walk))}`
    }
  },
  {
    who: 'client',
    tell(walk) {
      const request = tokenRequestOf(walk)
      const { typ, alg } = decodeProtectedHeader(proofOf(request))
      assert.equal(typ, 'dpop+jwt')
      return `proof ${alg} ${claimsOf(request)}`
    }
  },
  {
    who: 'client → AS',
    tell(walk) {
      const { form } = tokenRequestOf(walk)
      const { code, code_verifier } = Object.fromEntries(form)
      assert.equal(form.get('grant_type'), 'authorization_code')
      assert.equal(code, redirectOf(walk).sent.get('code'), 'the code is another')
      const challenge = authorizationOf(walk).url.searchParams.get('code_challenge')
      assert.equal(sha256(code_verifier), challenge, 'the verifier does not fit its challenge')
      return `POST /token code=${shorten(code)} code_verifier=${shorten(code_verifier)} + proof`
    }
  },
  {
    who: 'AS',
    async tell(walk) {
      const { cnf } = decodeJwt(tokenOf(walk).access_token)
      assert.equal(cnf?.jkt, await thumbprintOf(walk), 'the token is not bound to the key of the client')
      return `token bound to that key: cnf.jkt=${shorten(cnf.jkt)}`
    }
  },
  {
    who: 'AS → client',
    tell(walk) {
      const { access_token, token_type } = tokenOf(walk)
      const { aud, iss, sub, scope } = decodeJwt(access_token)
      assert.match(token_type, /^dpop$/i)
      assert.equal(decodeProtectedHeader(access_token).typ, 'at+jwt')
      assert.deepEqual({ aud, iss, sub }, { aud: walk.parties.api, iss: walk.parties.issuer, sub: walk.parties.user })
      return `200 token_type=${token_type} ${shorten(access_token)} sub=${sub} aud=${aud} scope="${scope}"`
    }
  },
  {
    who: 'client → API',
    tell(walk) {
      const { access_token } = tokenOf(walk)
      const request = apiRequestOf(walk)
      assert.equal(request.headers.get('authorization'), `DPoP ${access_token}`)
      const { ath, jti } = decodeJwt(proofOf(request))
      assert.equal(ath, sha256(access_token), 'the proof is for another token')
      assert.notEqual(jti, decodeJwt(proofOf(tokenRequestOf(walk))).jti, 'the proof is not new')
      return `GET ${request.url.pathname} DPoP ${shorten(access_token)} + proof ${claimsOf(request)}`
    }
  },
  {
    who: 'API',
    async tell(walk) {
      const [event] = walk.verified
      assert.ok(event, 'nothing was verified')
      const { scheme, issuer, jkt } = event
      assert.deepEqual({ scheme, issuer, jkt }, { scheme: 'DPoP', issuer: walk.parties.issuer, jkt: await thumbprintOf(walk) })
      return `verified token, proof and binding: ${scheme} jkt=${shorten(jkt)} issuer=${issuer}`
    }
  },
  {
    who: 'API → client',
    tell(walk) {
      const { status, text } = apiRequestOf(walk).response
      assert.equal(status, 200, `the API answered ${status} ${text}`)
      assert.equal(JSON.parse(text).owner, walk.parties.user, 'the notes belong to another user')
      return `${status} ${text}`
    }
  }
]

/** Collects what the guard of an API says that it has verified: step 12 does not go over a wire. */
export function watchVerified() {
  const verified = []
  const keep = (event) => verified.push(event)
  subscribe('dpop-guard:verified', keep)
  return { verified, stop: () => unsubscribe('dpop-guard:verified', keep) }
}

const startOf = ({ exchanges, parties }) => one(exchanges, 'start', ({ url }) => url.href.startsWith(`${parties.client}/start?`))
const authorizationOf = ({ exchanges, parties }) =>
  one(exchanges, 'authorization request', ({ url }) => url.href.startsWith(`${parties.issuer}/auth?`))
const interactionsOf = ({ exchanges }, method) =>
  exchanges.filter((exchange) => exchange.url.pathname.startsWith('/interaction/') && exchange.method === method)
const tokenRequestOf = ({ exchanges, parties }) =>
  one(exchanges, 'token request', ({ url }) => url.href === `${parties.issuer}/token`)
const apiRequestOf = ({ exchanges, parties }) => one(exchanges, 'request to the API', ({ url }) => url.origin === parties.api)

function redirectOf({ exchanges, parties }) {
  const leadsToClient = ({ response }) => response.headers.get('location')?.startsWith(`${parties.client}/callback?`)
  const { response } = one(exchanges, 'redirect to the client', leadsToClient)
  return { status: response.status, sent: new URL(response.headers.get('location')).searchParams }
}

function one(exchanges, what, isIt) {
  const found = exchanges.filter(isIt)
  assert.equal(found.length, 1, `there should be one ${what}, and were ${found.length}`)
  return found[0]
}

function proofOf({ headers }) {
  const proof = headers.get('dpop')
  assert.ok(proof, 'the request has no proof')
  return proof
}

function tokenOf(walk) {
  const { status, text } = tokenRequestOf(walk).response
  assert.equal(status, 200, `the authorization server answered ${status} ${text}`)
  return JSON.parse(text)
}

function claimsOf(request) {
  const { htm, htu, jti, ath } = decodeJwt(proofOf(request))
  assert.equal(htm, request.method)
  assert.equal(htu, request.url.href)
  return [`htm=${htm}`, `htu=${htu}`, `jti=${shorten(jti)}`, ...(ath ? [`ath=${shorten(ath)}`] : [])].join(' ')
}

const thumbprintOf = (walk) => calculateJwkThumbprint(decodeProtectedHeader(proofOf(tokenRequestOf(walk))).jwk)
const sha256 = (text) => createHash('sha256').update(text).digest('base64url')
