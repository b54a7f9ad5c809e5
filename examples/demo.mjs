/** `npm run demo`, or `npm run demo -- --instances 4 --redis`: exit code 0 if all went as it should, 1 if not. @module */

import { parseArgs } from 'node:util'
import { runDemo } from './run-demo.mjs'

const { values } = parseArgs({ options: { instances: { type: 'string' }, redis: { type: 'boolean', default: false } } })
const instances = Number(values.instances ?? (values.redis ? 4 : 0))
if (!(Number.isInteger(instances) && instances >= 0 && instances <= 16)) throw new TypeError('"--instances" must be from 0 to 16')

process.exitCode = (await runDemo({ instances, redis: values.redis, timeoutSeconds: instances > 0 ? 60 : 30 })) ? 0 : 1
// For what may still be running when the time is up.
setTimeout(() => process.exit(), 2000).unref()
