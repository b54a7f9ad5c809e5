/**
 * Imports the compiled program that the first argument names, and calls the Fetch handler that it exports with three requests: with a
 * bound token and its proof, with another key, and without credentials. Prints each status.
 */

import { createTestClient, createTestIssuer } from 'dpop-guard/testing'

const baseUrl = 'https://api.example'
const issuer = await (await createTestIssuer({ audience: baseUrl })).listen()
Object.assign(process.env, { DPOP_ISSUER: issuer.issuer, DPOP_BASE_URL: baseUrl })
const program = await import(process.argv[2])
const handle = program.fetch ?? program.GET

const [client, attacker] = await Promise.all([createTestClient(), createTestClient()])
const url = `${baseUrl}/notes`
const token = await issuer.issue({ jkt: client.jkt, scope: 'notes:read' })
const credentials = [await client.headers({ url, token }), await attacker.headers({ url, token }), {}]
const responses = await Promise.all(credentials.map((headers) => handle(new Request(url, { headers }))))
console.log(responses.map(({ status }) => status).join(' '))
await issuer.close()
