/** `npm run demo:mcp`: an MCP client signs in, calls tools and follows a stream; its token is useless to others. @module */

import { createTestClient } from 'dpop-guard/testing'
import { startWorld } from './world.mjs'

const world = await startWorld({ nonce: { secrets: ['a secret of at least 32 random bytes'] } })
let passed = 0

/** Prints one line, and ends the demo if what was observed is not what was expected. */
function expect(what, observed, expected) {
  if (JSON.stringify(observed) !== JSON.stringify(expected)) throw new Error(`${what}: ${JSON.stringify(observed)}`)
  passed += 1
  console.log(`  ✓ ${what.padEnd(44)} ${[observed].flat().join(', ')}`)
}

/** The status and the OAuth error of a request. */
async function outcomeOf(headers) {
  const response = await fetch(world.resource, { method: 'POST', headers })
  await response.body?.cancel()
  return `${response.status} ${/error="(\w+)"/.exec(response.headers.get('www-authenticate') ?? '')?.[1] ?? ''}`.trim()
}

const textsOf = ({ content }) => content.map(({ text }) => text)

try {
  console.log(`MCP over Streamable HTTP with DPoP: ${world.resource}, authorization server ${world.issuer}\n`)
  const last = { headers: undefined }
  const client = await world.connect((url, init) => {
    if (new Headers(init?.headers).has('dpop')) last.headers = new Headers(init.headers)
    return fetch(url, init)
  })
  expect('the user signs in, asked for', client.asked, ['notes:read'])
  expect('the token has the type', client.session.tokens.token_type, 'DPoP')
  expect('list', textsOf(await client.callTool('list')), ['Water the plants'])

  expect('add, for which the user is asked for', textsOf(await client.callTool('add', { text: 'Buy milk' })).slice(-1), [
    'Buy milk'
  ])
  expect('further scopes', client.asked.slice(1), ['notes:read notes:write'])

  const streamed = []
  let adding
  const onprogress = ({ progress, message }) => {
    streamed.push(message)
    if (progress === 0) adding = client.callTool('add', { text: 'Call Bob' })
  }
  const followed = await client.callTool('follow', { count: 1 }, { onprogress })
  await adding
  expect('follow, a stream that ends with', textsOf(followed), ['Call Bob'])
  expect('notifications before its end', streamed, ['following', 'Call Bob'])

  const { access_token: token } = client.session.tokens
  const attacker = await createTestClient()
  expect('an attacker sends the token as Bearer', await outcomeOf({ Authorization: `Bearer ${token}` }), '401 invalid_token')
  const proof = await attacker.headers({ method: 'POST', url: world.resource, token })
  expect('with a proof of another key', await outcomeOf(proof), '401 invalid_token')
  expect('with a proof that was used', await outcomeOf(last.headers), '401 invalid_dpop_proof')
  console.log(`\n✓ ${passed} steps passed`)
} catch (error) {
  console.log(`\n✗ ${error.message}`)
  process.exitCode = 1
} finally {
  await world.close()
}
