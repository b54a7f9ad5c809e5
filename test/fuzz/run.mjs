// Runs every property of test/fuzz for a while: npm run fuzz -- --seconds 60 [--seed 1]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { progress } from '../support/progress.mjs'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } } })
const folder = fileURLToPath(new URL('.', import.meta.url))
const sources = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
const properties = sources.flatMap((name) => readFileSync(folder + name, 'utf8').match(/^ *fuzz\(/gm) ?? []).length
const env = { ...process.env, FUZZ_SECONDS: String(Number(values.seconds) / properties) }
if (values.seed !== undefined) env.FUZZ_SEED = values.seed
const args = ['vitest', 'run', 'test/fuzz/', '--no-file-parallelism', '--disable-console-intercept']

const startMs = Date.now()
const vitest = spawn('npx', args, { stdio: ['ignore', 'pipe', 'inherit'], env })
const timer = setInterval(() => {
  progress.show(`fuzz: ${Math.round((Date.now() - startMs) / 1000)} of about ${values.seconds} s, ${properties} properties`)
}, 1000)
createInterface(vitest.stdout).on('line', progress.print)
const [code] = await once(vitest, 'close')
clearInterval(timer)
process.exitCode = code ?? 1
