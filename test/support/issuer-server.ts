/** An authorization server on 127.0.0.1 with configurable responses that records the requested paths. */

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** The response of a path: a JSON document, or a function that writes it. */
export type PathResponse = object | string | ((response: ServerResponse) => void)

export interface IssuerServer {
  readonly origin: string
  /** The responses by path; 404 for any other. */
  readonly responses: Record<string, PathResponse>
  /** The requested paths in order. */
  readonly requested: string[]
}

export async function startIssuerServer(
  responsesOf: (origin: string) => Record<string, PathResponse> = () => ({})
): Promise<IssuerServer> {
  const requested: string[] = []
  let responses: Record<string, PathResponse> = {}
  const server = createServer((request, response) => {
    requested.push(request.url as string)
    const document = responses[request.url as string]
    if (document === undefined) response.writeHead(404).end('not found')
    else if (typeof document === 'function') document(response)
    else response.end(typeof document === 'string' ? document : JSON.stringify(document))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  responses = responsesOf(origin)
  return { origin, responses, requested }
}
