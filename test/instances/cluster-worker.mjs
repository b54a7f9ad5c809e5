/** Two workers of node:cluster, each of which creates two verifiers and reports its warnings. Runs the built package. */

import cluster from 'node:cluster'
import { subscribe } from 'node:diagnostics_channel'
import { createVerifier, memoryReplayStore } from 'dpop-guard'

if (cluster.isPrimary) {
  for (let i = 0; i < 2; i++) cluster.fork()
  cluster.on('message', (_worker, reported) => console.log(JSON.stringify(reported)))
} else {
  const published = []
  const warned = []
  subscribe('dpop-guard:misconfigured', (event) => published.push(event))
  process.on('warning', ({ name, code }) => warned.push({ name, code }))
  const options = { issuer: 'https://issuer.example', baseUrl: 'https://api.example' }
  createVerifier(options)
  createVerifier({ ...options, replay: memoryReplayStore() })
  setImmediate(() => process.send({ published, warned }, () => process.disconnect()))
}
