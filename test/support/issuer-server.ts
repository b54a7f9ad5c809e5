/** An authorization server on 127.0.0.1 with configurable responses that records the requested paths. */

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** The response of a path: a JSON document, or a function that writes it. */
export type Answer = object | string | ((response: ServerResponse) => void)

export interface IssuerServer {
  readonly origin: string
  /** The responses by path; 404 for any other. */
  readonly answers: Record<string, Answer>
  /** The requested paths in order. */
  readonly asked: string[]
}

export async function startIssuerServer(
  answersOf: (origin: string) => Record<string, Answer> = () => ({})
): Promise<IssuerServer> {
  const asked: string[] = []
  let answers: Record<string, Answer> = {}
  const server = createServer((request, response) => {
    asked.push(request.url as string)
    const answer = answers[request.url as string]
    if (answer === undefined) response.writeHead(404).end('not here')
    else if (typeof answer === 'function') answer(response)
    else response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  answers = answersOf(origin)
  return { origin, answers, asked }
}
