/** The script of a page that calls an API with openid-client: a key that cannot be exported, and what the page can read. */

import * as oauth from 'openid-client'

/** A request of the page. */
export interface PageCall {
  readonly url: string
  readonly token: string
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly credentials?: RequestCredentials
}

/** What the page could read. */
export interface PageOutcome {
  /** Every response: a second one follows a nonce. */
  readonly responses: { readonly status: number; readonly nonce: string | null; readonly total: string | null }[]
  /** The challenges of the last response, as the client parsed them. */
  readonly challenges: oauth.WWWAuthenticateChallenge[]
  /** The body of a response without a challenge. */
  readonly body: string
}

declare global {
  interface Window {
    client: typeof client
  }
}

let keyPair: oauth.CryptoKeyPair | undefined

const client = {
  /** Creates a key pair and returns its thumbprint. A page with an opaque origin has no storage. */
  async createKey(): Promise<string> {
    keyPair = await oauth.randomDPoPKeyPair()
    if (window.origin !== 'null') await resultOf((await keysOf('readwrite')).put(keyPair, 'dpop'))
    return await oauth.getDPoPHandle(newConfiguration(), keyPair).calculateThumbprint()
  },

  /** The error of an attempt to export the private key. */
  async exportKey(): Promise<string> {
    const { privateKey } = await loadKeyPair()
    return await crypto.subtle.exportKey('jwk', privateKey).then(JSON.stringify, String)
  },

  async call({ url, token, method = 'GET', headers, credentials = 'same-origin' }: PageCall): Promise<PageOutcome> {
    const responses: PageOutcome['responses'] = []
    const config = newConfiguration()
    config[oauth.customFetch] = async (target, init) => {
      const response = await fetch(target, { ...(init as RequestInit), credentials })
      const { status, headers } = response
      responses.push({ status, nonce: headers.get('dpop-nonce'), total: headers.get('x-total') })
      return response
    }
    const DPoP = oauth.getDPoPHandle(config, await loadKeyPair())
    const body = method === 'POST' ? '{}' : null
    try {
      const response = await oauth.fetchProtectedResource(config, token, new URL(url), method, body, new Headers(headers), {
        DPoP
      })
      return { responses, challenges: [], body: await response.text() }
    } catch (error) {
      if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
      return { responses, challenges: error.cause, body: '' }
    }
  }
}
window.client = client

function newConfiguration(): oauth.Configuration {
  const config = new oauth.Configuration({ issuer: 'https://issuer.example' }, 'page')
  // The APIs of the tests are on loopback.
  oauth.allowInsecureRequests(config)
  return config
}

async function loadKeyPair(): Promise<oauth.CryptoKeyPair> {
  keyPair ??= await resultOf((await keysOf('readonly')).get('dpop'))
  return keyPair as oauth.CryptoKeyPair
}

async function keysOf(mode: IDBTransactionMode): Promise<IDBObjectStore> {
  const opening = indexedDB.open('test')
  opening.onupgradeneeded = () => void opening.result.createObjectStore('keys')
  return (await resultOf(opening)).transaction('keys', mode).objectStore('keys')
}

function resultOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
