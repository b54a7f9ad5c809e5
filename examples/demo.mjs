/** `npm run demo`: exit code 0 if all went as it should, 1 if not. @module */

import { runDemo } from './run-demo.mjs'

process.exitCode = (await runDemo()) ? 0 : 1
// For what may still be running when the time is up.
setTimeout(() => process.exit(), 2000).unref()
