/** Fetches documents of an issuer in bounded time and memory. @module */

import type { VerifierConfig } from '../config/config.js'
import type { Fetch, FetchInit } from '../options.js'

type FetchConfig = Pick<VerifierConfig, 'fetch'>
type Request = Pick<FetchInit, 'method' | 'headers' | 'body'>

const FETCH_TIMEOUT_MS = 5_000
const MAX_DOCUMENT_BYTES = 1_048_576

/** Fetches a JSON document. */
export async function fetchJson(url: string, config: FetchConfig): Promise<unknown> {
  return parseJson(await fetchDocument(url, { headers: { accept: 'application/json' } }, config))
}

/** Parses a document. The error of `JSON.parse` would quote it, and a document may repeat credentials. */
export function parseJson(document: string): unknown {
  try {
    return JSON.parse(document)
  } catch {
    throw new Error('The document is not JSON')
  }
}

/** Fetches a document. Throws unless the response is 200 with at most one megabyte within five seconds. Redirects are not followed. */
export async function fetchDocument(url: string, request: Request, { fetch }: FetchConfig): Promise<string> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
  const timeout = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  // The race covers a custom fetch that ignores the signal. It also handles the rejection of the promise that settles last.
  return await Promise.race([readDocument(url, { ...request, redirect: 'manual', signal }, fetch), timeout])
}

async function readDocument(url: string, init: FetchInit, fetch: Fetch): Promise<string> {
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new Error(`The request to ${url} failed`, { cause })
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`The response status of ${url} is ${response.status}, not 200`)
  }
  return await readText(response)
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > MAX_DOCUMENT_BYTES) throw new Error('The document is too large')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
