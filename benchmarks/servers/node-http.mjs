/** No framework. */

import { createServer } from 'node:http'

const body = JSON.stringify({ notes: [] })

export function start({ raw, verifier, verify = verifier && ((request) => verifier.verifyRequest(request)) }, work) {
  const answer = (response) => {
    work()
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  }
  const refuse = (response, error) => response.writeHead(error.status ?? 500).end()
  if (verify === undefined) {
    return createServer((request, response) => {
      raw?.(request)
      answer(response)
    })
  }
  return createServer((request, response) => {
    verify(request).then(
      () => answer(response),
      (error) => refuse(response, error)
    )
  })
}
