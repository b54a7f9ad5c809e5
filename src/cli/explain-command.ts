/** `dpop-guard explain`: runs all checks of a request and prints their results. @module */

import { readFile } from 'node:fs/promises'
import { parseArgs, styleText } from 'node:util'
import { isLoopback } from '../config/option-validation.js'
import type { ExplainedCheck } from '../diagnostics/explain.js'
import { decodeJsonObject } from '../encoding/compact-jws.js'
import { onOneLine } from '../encoding/printable.js'
import type { VerifierOptions } from '../options.js'
import type { PlainRequest } from '../request/request.js'
import { createVerifier } from '../verifier.js'
import { parseRawRequest, type RawRequest } from './raw-request.js'

/** The streams of the process. */
export interface Terminal {
  /** Reads stdin to its end. */
  readInput(): Promise<string>
  print(line: string): void
  printError(line: string): void
  readonly hasColors: boolean
}

/** The exit status: accepted, rejected, or wrong usage. */
export type ExitStatus = 0 | 1 | 2

const help = `Usage: dpop-guard explain [options]

Runs all checks of a request and prints their results. The request is read from stdin as raw HTTP, or given by --method, --url,
--token and --proof.

  --method METHOD      the method of the request (default GET)
  --url URL            the URL of the request
  --token TOKEN        the access token
  --proof PROOF        the DPoP proof
  --issuer URL         the issuer identifier (default: iss of the token, not verified)
  --audience VALUE     the accepted aud (default: the base URL)
  --base-url URL       the public URL of the API (default: origin of --url, or of the request: http for a loopback Host)
  --options FILE       JSON file with options of createVerifier()
  --at TIME            time of the request, ISO 8601 or seconds since the epoch (default: now)
  --offline            do not fetch metadata and keys; the access token and its binding are not verified
  --json               print JSON
  --help               print this help

Exit status: 0 accepted, or not rejected with --offline, 1 rejected, 2 wrong usage.`

const options = {
  method: { type: 'string' },
  url: { type: 'string' },
  token: { type: 'string' },
  proof: { type: 'string' },
  issuer: { type: 'string' },
  audience: { type: 'string' },
  'base-url': { type: 'string' },
  options: { type: 'string' },
  at: { type: 'string' },
  offline: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' }
} as const

type Flags = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

/** Runs the command with the arguments after `dpop-guard`. */
export async function runCommand(args: readonly string[], terminal: Terminal): Promise<ExitStatus> {
  try {
    const { values: flags, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (flags.help || args.length === 0) {
      terminal.print(help)
      return flags.help ? 0 : 2
    }
    if (positionals.length !== 1 || positionals[0] !== 'explain') throw new SyntaxError('The command must be "explain"')
    return await explain(flags, terminal)
  } catch (error) {
    terminal.printError(`dpop-guard: ${(error as Error).message}`)
    terminal.printError('Run "dpop-guard --help" for help.')
    return 2
  }
}

async function explain(flags: Flags, terminal: Terminal): Promise<ExitStatus> {
  const raw = flags.url === undefined ? parseRawRequest(await terminal.readInput()) : requestOf(flags, flags.url)
  const { method, target, headers } = raw
  const request: PlainRequest = { method, target, headers: headers as Iterable<readonly [string, string]> }
  const verifier = createVerifier(await optionsOf(flags, raw))
  const explained = (await verifier.explain(request)).map(withoutReplay)
  const timed = flags.at === undefined ? explained.map(withTimeHint) : explained
  const checks = flags.offline ? timed.map(withoutKeys) : timed
  const failed = checks.find(({ outcome }) => outcome === 'fail')
  // null: without its access token, a request is neither accepted nor rejected.
  const withoutFailure = checks.some(isUnverifiedToken) ? null : true
  const isAccepted = failed === undefined ? withoutFailure : false
  if (flags.json) terminal.print(JSON.stringify({ isAccepted, checks }, undefined, 2))
  else printChecks(checks, failed, isAccepted, terminal)
  return failed === undefined ? 0 : 1
}

function requestOf({ method = 'GET', token, proof }: Flags, url: string): RawRequest {
  if (!URL.canParse(url)) throw new SyntaxError('--url must be an absolute URL')
  const { host, pathname, search } = new URL(url)
  return {
    method,
    target: pathname + search,
    headers: [
      ['Host', host],
      ...(token === undefined ? [] : [['Authorization', `DPoP ${token}`] as const]),
      ...(proof === undefined ? [] : [['DPoP', proof] as const])
    ]
  }
}

/** Options of the file, overridden by flags, with defaults from the request. */
async function optionsOf(flags: Flags, request: RawRequest): Promise<VerifierOptions> {
  const file = flags.options === undefined ? {} : await readOptions(flags.options)
  const issuer = flags.issuer ?? file.issuer ?? issuerOf(request)
  if (issuer === undefined) throw new SyntaxError('--issuer is required: the request has no JWT access token with iss')
  const at = flags.at === undefined ? undefined : timeOf(flags.at)
  return {
    ...file,
    issuer,
    baseUrl: flags['base-url'] ?? file.baseUrl ?? originOf(flags, request),
    ...(flags.audience !== undefined && { audience: flags.audience }),
    replay: false,
    ...(at !== undefined && { clock: () => at }),
    ...(flags.offline && { fetch: () => Promise.reject(new Error('--offline')) })
  }
}

async function readOptions(path: string): Promise<Partial<VerifierOptions>> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Partial<VerifierOptions>
  } catch {
    throw new SyntaxError('--options must be a readable JSON file')
  }
}

function fieldOf({ headers }: RawRequest, name: string): string | undefined {
  return headers.find(([field]) => field.toLowerCase() === name)?.[1]
}

function issuerOf(request: RawRequest): string | undefined {
  const [, payload = ''] = (fieldOf(request, 'authorization') ?? '').split('.')
  const iss = decodeJsonObject(payload)?.['iss']
  return typeof iss === 'string' ? iss : undefined
}

function originOf({ url }: Flags, request: RawRequest): string {
  if (url !== undefined) return new URL(url).origin
  if (URL.canParse(request.target)) return new URL(request.target).origin
  const host = fieldOf(request, ':authority') ?? fieldOf(request, 'host')
  if (host === undefined) throw new SyntaxError('--base-url is required: the request has no Host')
  return `${request.scheme ?? (isLoopbackHost(host) ? 'http' : 'https')}://${host}`
}

function isLoopbackHost(host: string): boolean {
  return URL.canParse(`http://${host}`) && isLoopback(new URL(`http://${host}`).hostname)
}

function timeOf(at: string): number {
  const timeMs = /^\d+(\.\d+)?$/.test(at) ? Number(at) * 1000 : Date.parse(at)
  if (Number.isNaN(timeMs)) throw new SyntaxError('--at must be ISO 8601 or seconds since the epoch')
  return timeMs
}

/** The proofs that the API has consumed are not known here. */
function withoutReplay(check: ExplainedCheck): ExplainedCheck {
  const { rule, section } = check
  return rule === 'replay'
    ? { rule, section, outcome: 'skipped', hint: 'whether the API has consumed the proof is not known here' }
    : check
}

/** The time of a request that was copied is not known. */
function withTimeHint(check: ExplainedCheck): ExplainedCheck {
  if (check.code !== 'ERR_DPOP_PROOF_IAT') return check
  return { ...check, hint: `${check.hint}; if the request was copied earlier, set --at to its time` }
}

/** With --offline, missing keys are not a failure. */
function withoutKeys(check: ExplainedCheck): ExplainedCheck {
  if (check.code !== 'ERR_DPOP_KEYS_UNAVAILABLE') return check
  const { rule, section } = check
  return { rule, section, outcome: 'skipped', hint: unverified }
}

function isUnverifiedToken({ hint }: ExplainedCheck): boolean {
  return hint === unverified
}

const unverified = '--offline: the access token was not verified'

const marks = { pass: '✓', fail: '✗', skipped: '-' } as const
const colors = { pass: 'green', fail: 'red', skipped: 'gray' } as const

function printChecks(
  checks: readonly ExplainedCheck[],
  failed: ExplainedCheck | undefined,
  isAccepted: boolean | null,
  { print, hasColors }: Terminal
): void {
  const paint = (color: 'green' | 'red' | 'gray', text: string) =>
    hasColors ? styleText(color, text, { validateStream: false }) : text
  for (const { rule, section, outcome, expected, received, hint } of checks) {
    print(`${paint(colors[outcome], marks[outcome])} ${rule.padEnd(18)} ${section}`)
    if (expected !== undefined) print(`    expected: ${onOneLine(expected)}`)
    if (received !== undefined) print(`    received: ${onOneLine(received)}`)
    if (hint !== undefined) print(`    ${hint}`)
  }
  print('')
  if (failed !== undefined) print(paint('red', `rejected: ${failed.code}`))
  else print(isAccepted ? paint('green', 'accepted') : 'not rejected; the access token was not verified')
}
