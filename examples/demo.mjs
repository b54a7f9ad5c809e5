/** `npm run demo`, or `npm run demo -- --instances 4 --redis`: exit code 0 if all went as it should, 1 if not. @module */

import { parseArgs } from 'node:util'
import { runDemo } from './run-demo.mjs'

const help = `Usage: npm run demo -- [options]

Runs the whole flow with a real authorization server and client against the API in each framework, and
attacks that each API must reject.

  --instances N   N processes of one API behind one URL share a replay store (default 4 with --redis)
  --redis         the replay store is a Redis server that the demo starts
  --help          print this help

Exit status: 0 if every step passed and every attack was rejected, otherwise 1.`

const { values } = parseArgs({
  options: { instances: { type: 'string' }, redis: { type: 'boolean', default: false }, help: { type: 'boolean' } }
})
if (values.help) {
  console.log(help)
  process.exit()
}
const instances = Number(values.instances ?? (values.redis ? 4 : 0))
if (!(Number.isInteger(instances) && instances >= 0 && instances <= 16)) throw new TypeError('"--instances" must be from 0 to 16')

process.exitCode = (await runDemo({ instances, redis: values.redis, timeoutSeconds: instances > 0 ? 60 : 30 })) ? 0 : 1
// For what may still be running when the time is up.
setTimeout(() => process.exit(), 2000).unref()
