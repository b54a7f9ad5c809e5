// Runs every property of test/fuzz for a while: npm run fuzz -- --seconds 60 [--seed 1]
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } } })
const folder = fileURLToPath(new URL('.', import.meta.url))
const sources = readdirSync(folder).filter((name) => name.endsWith('.test.ts'))
const properties = sources.flatMap((name) => readFileSync(folder + name, 'utf8').match(/^ *fuzz\(/gm) ?? []).length
const env = { ...process.env, FUZZ_SECONDS: String(Number(values.seconds) / properties) }
if (values.seed !== undefined) env.FUZZ_SEED = values.seed
const args = ['vitest', 'run', 'test/fuzz/', '--no-file-parallelism', '--disable-console-intercept']
process.exitCode = spawnSync('npx', args, { stdio: 'inherit', env }).status ?? 1
