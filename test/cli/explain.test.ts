import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { styleText } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { runCommand } from '../../src/cli/explain-command.js'
import { parseRawRequest } from '../../src/cli/raw-request.js'
import { startIssuerServer } from '../support/issuer-server.js'
import { createWorld, encode, NOW, type World } from '../support/world.js'

let world: World
let folder: string
let file: string
beforeAll(async () => {
  world = await createWorld()
  folder = await mkdtemp(join(tmpdir(), 'dpop-guard-'))
  file = join(folder, 'options.json')
  const { clock: _clock, ...options } = world.options
  await writeFile(file, JSON.stringify(options))
})
afterAll(() => rm(folder, { recursive: true }))

async function run(args: readonly string[], input = '', hasColors = false) {
  const [out, err]: [string[], string[]] = [[], []]
  const status = await runCommand(args, {
    readInput: async () => input,
    print: (line) => void out.push(line),
    printError: (line) => void err.push(line),
    hasColors
  })
  return { status, output: out.join('\n'), errors: err.join('\n') }
}

async function rawRequest(url = 'https://api.example/notes'): Promise<string> {
  const token = await world.issuer.issue({ jkt: world.client.jkt })
  const { Authorization, DPoP } = await world.client.headers({ url, token })
  return `GET /notes HTTP/1.1\r\nHost: api.example\r\nAuthorization: ${Authorization}\r\nDPoP: ${DPoP}\r\n\r\nbody`
}
const at = ['--at', String(NOW)]

describe('dpop-guard explain', () => {
  test('accepts a valid raw request with status 0', async () => {
    const { status, output } = await run(['explain', '--options', file, ...at], await rawRequest())
    expect([status, output.split('\n').at(-1)]).toEqual([0, 'accepted'])
    expect(output).toContain('- replay             RFC 9449 §11.1\n    whether the API has consumed the proof is not known here')
  })

  test('does not print control characters of a request, which could change what the terminal shows', async () => {
    const input = await rawRequest('https://evil.example/\u001b[2K\n✓ htu accepted')
    const { output } = await run(['explain', '--options', file, ...at], input)
    expect(output).toContain('received: https://evil.example/?[2K?✓ htu accepted')
    expect(output).not.toContain('\u001b')
  })

  test('rejects an invalid one with status 1, and prints expected and received values, but no token and no proof', async () => {
    const input = await rawRequest('http://api.example/notes')
    const { status, output } = await run(['explain', '--options', file, ...at], input)
    expect(status).toBe(1)
    expect(output).toContain(
      '✗ htu                RFC 9449 §4.3 #9\n    expected: https://api.example/notes\n    received: http://api.example/notes'
    )
    expect(output).toContain('scheme differs')
    expect(output.split('\n').at(-1)).toBe('rejected: ERR_DPOP_PROOF_HTU')
    expect(output).not.toContain('eyJ')
  })

  test('reads the request from flags, and issuer and base URL from the request', async () => {
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    const proof = await world.client.proof({ method: 'POST', url: 'https://api.example/notes', token })
    const flags = [
      '--method',
      'POST',
      '--url',
      'https://api.example/notes',
      '--token',
      token,
      '--proof',
      proof,
      '--offline',
      '--json'
    ]
    const { status, output } = await run(['explain', ...flags, '--at', new Date(NOW * 1000).toISOString()])
    const { isAccepted, checks } = JSON.parse(output)
    // Without the access token, the request is neither accepted nor rejected.
    expect([status, isAccepted]).toEqual([0, null])
    expect(checks.find(({ rule }: { rule: string }) => rule === 'htm').outcome).toBe('pass')
    expect(checks.find(({ rule }: { rule: string }) => rule === 'access token')).toEqual({
      rule: 'access token',
      section: 'RFC 9068 §4',
      outcome: 'skipped',
      hint: '--offline: the access token was not verified'
    })
  })

  test('without --at, an iat outside the window has the hint to set it', async () => {
    const input = await rawRequest()
    const hint = '; if the request was copied earlier, set --at to its time'
    expect((await run(['explain', '--options', file], input)).output).toContain(hint)
    const late = await run(['explain', '--options', file, '--at', String(NOW + 900)], input)
    expect(late.output).toContain('iat is 900 seconds in the past')
    expect(late.output).not.toContain(hint)
  })

  test('flags override the options of the file', async () => {
    const args = ['explain', '--options', file, '--base-url', 'https://other.example', '--audience', 'urn:other', ...at]
    const { output } = await run(args, await rawRequest())
    expect(output).toContain('expected: https://other.example/notes')
    expect(output).toContain('expected one of ["urn:other"]')
  })

  test('reads the base URL from an absolute target, :authority or Host', async () => {
    const expectedOf = async (head: string) => {
      const { Authorization, DPoP } = (await world.request({ url: 'https://x.example/' })).headers as Record<string, string>
      const input = `${head}\nAuthorization: ${Authorization}\nDPoP: ${DPoP}`
      return /expected: (\S+)/.exec((await run(['explain', '--offline', ...at], input)).output)?.[1]
    }
    expect(await expectedOf('GET https://a.example/notes HTTP/1.1')).toBe('https://a.example/notes')
    expect(await expectedOf(':method: GET\n:path: /notes\n:authority: b.example')).toBe('https://b.example/notes')
    expect(await expectedOf('GET /notes HTTP/1.1\nhost: c.example')).toBe('https://c.example/notes')
    expect(await expectedOf('GET /notes HTTP/1.1\nhost: 127.0.0.1:3000')).toBe('http://127.0.0.1:3000/notes')
    expect(await expectedOf('GET /notes HTTP/1.1\nhost: localhost')).toBe('http://localhost/notes')
    expect(await expectedOf(':method: GET\n:scheme: https\n:path: /notes\n:authority: localhost:3000')).toBe(
      'https://localhost:3000/notes'
    )
  })

  test('--offline fetches nothing; without it, the keys are those of the issuer', async () => {
    const server = await startIssuerServer((origin) => ({
      '/.well-known/oauth-authorization-server': { issuer: origin, jwks_uri: `${origin}/keys` },
      '/keys': world.issuer.jwks
    }))
    const token = await world.issuer.issue({ jkt: world.client.jkt, claims: { iss: server.origin } })
    const url = 'https://api.example/notes'
    const flags = ['explain', '--url', url, '--token', token, '--proof', await world.client.proof({ url, token }), ...at]
    const offline = await run([...flags, '--offline'])
    expect([offline.status, offline.output.split('\n').at(-1)]).toEqual([0, 'not rejected; the access token was not verified'])
    expect(server.requested).toEqual([])
    const { status, output } = await run(flags)
    expect([status, output.split('\n').at(-1)]).toEqual([0, 'accepted'])
    expect(server.requested).toContain('/keys')
  })

  test('the audience is that of the flag, otherwise of the file, otherwise the base URL', async () => {
    const withAudience = join(folder, 'audience.json')
    await writeFile(withAudience, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), audience: 'urn:file' }))
    const outputOf = async (...args: string[]) => (await run(['explain', ...args, ...at], await rawRequest())).output
    expect(await outputOf('--options', withAudience)).toContain('expected one of ["urn:file"]')
    expect(await outputOf('--options', withAudience, '--audience', 'urn:flag')).toContain('expected one of ["urn:flag"]')
  })

  test.each([String(NOW), `${NOW}.25`, new Date(NOW * 1000).toISOString(), new Date(NOW * 1000).toUTCString()])(
    '--at %s is the time of the request',
    async (time) => {
      const input = await rawRequest()
      expect((await run(['explain', '--options', file, '--at', time], input)).status).toBe(0)
    }
  )

  test('without --at, the time is now', async () => {
    const { output } = await run(['explain', '--options', file], await rawRequest())
    expect(output).toMatch(/rejected: ERR_DPOP_(PROOF_IAT|TOKEN_EXPIRED|TOKEN_INVALID)$/)
  })

  test('prints one line for each check, with facts and hint below, an empty line and the verdict', async () => {
    const { output } = await run(['explain', '--options', file, ...at], await rawRequest('http://api.example/notes'))
    const lines = output.split('\n')
    expect(lines.slice(0, 2)).toEqual(['✓ request            RFC 9110 §7.2', '✓ authorization      RFC 9449 §7.1'])
    expect(lines.slice(-2)).toEqual(['', 'rejected: ERR_DPOP_PROOF_HTU'])
    expect(lines.filter((line) => line.startsWith('    '))).toHaveLength(4)
    const accepted = await run(['explain', '--options', file, ...at], await rawRequest(), true)
    expect(accepted.output.split('\n').at(-1)).toBe(styleText('green', 'accepted', { validateStream: false }))
    const rejected = await run(['explain', '--options', file, ...at], await rawRequest('http://api.example/notes'), true)
    expect(rejected.output.split('\n').at(-1)).toBe(styleText('red', 'rejected: ERR_DPOP_PROOF_HTU', { validateStream: false }))
  })

  test('--json prints whether the request is accepted', async () => {
    const resultOf = async (url?: string) =>
      JSON.parse((await run(['explain', '--options', file, '--json', ...at], await rawRequest(url))).output)
    expect(await resultOf()).toMatchObject({ isAccepted: true })
    expect(await resultOf('http://api.example/notes')).toMatchObject({ isAccepted: false })
  })

  test.each(['', 'DPoP', 'DPoP a.b', `DPoP a.${encode({ iss: 7 })}.c`])(
    'the issuer is required for the token "%s", which has no iss',
    async (authorization) => {
      const { status, errors } = await run(['explain'], `GET / HTTP/1.1\nHost: a.example\nAuthorization: ${authorization}`)
      expect(status).toBe(2)
      expect(errors).toBe(
        'dpop-guard: --issuer is required: the request has no JWT access token with iss\nRun "dpop-guard --help" for help.'
      )
    }
  )

  test('a request without a token is rejected with status 1, not a usage error', async () => {
    const { status, output } = await run(['explain', '--issuer', 'https://issuer.example', '--url', 'https://api.example/'])
    expect([status, output.split('\n').at(-1)]).toEqual([1, 'rejected: ERR_DPOP_CREDENTIALS_MISSING'])
  })

  test('uses colors only on a terminal', async () => {
    expect((await run(['explain', '--options', file, ...at], await rawRequest(), true)).output).toContain('\u001b[')
    expect((await run(['explain', '--options', file, ...at], await rawRequest())).output).not.toContain('\u001b[')
  })

  test('--help prints the usage with status 0, and no arguments with status 2', async () => {
    expect(await run(['--help'])).toMatchObject({ status: 0, output: expect.stringContaining('Usage: dpop-guard explain') })
    expect(await run([])).toMatchObject({ status: 2, output: expect.stringContaining('Usage: dpop-guard explain') })
  })

  test.each<[args: string[], input: string, message: string]>([
    [['verify'], '', 'The command must be "explain"'],
    [['explain', 'more'], '', 'The command must be "explain"'],
    [['explain', '--unknown'], '', "Unknown option '--unknown'"],
    [['explain', '--url', '/notes'], '', '--url must be an absolute URL'],
    [['explain', '--url', 'https://api.example/'], '', '--issuer is required'],
    [['explain', '--options', '/does/not/exist'], 'GET / HTTP/1.1', '--options must be a readable JSON file'],
    [['explain', '--issuer', 'https://issuer.example'], 'GET / HTTP/1.1', '--base-url is required'],
    [['explain', '--issuer', 'nowhere', '--url', 'https://api.example/'], '', '"issuer" must be an absolute URL'],
    [['explain', '--issuer', 'https://i.example', '--url', 'https://api.example/', '--at', 'noon'], '', '--at must be'],
    [['explain'], '', 'The input is empty'],
    [['explain'], '\u0000\u0001garbage', 'must be a header field'],
    [['explain'], 'Host: api.example', 'The first line must be a request line']
  ])('invalid usage %j has status 2 and prints the error', async (args, input, message) => {
    const { status, output, errors } = await run(args, input)
    expect([status, output]).toEqual([2, ''])
    expect(errors).toContain(message)
  })
})

describe('parseRawRequest', () => {
  test('an error does not repeat the input, which may be a token', () => {
    for (const input of ['secret.token', 'GET / HTTP/1.1\nsecret.token', 'secret.token: \nsecret.token'])
      expect(() => parseRawRequest(input)).toThrow(/^(?!.*secret)/)
  })

  test('accepts CRLF, LF, leading empty lines, folded lines and the prefix of curl', () => {
    const expected = {
      method: 'GET',
      target: '/a?b',
      headers: [
        ['Host', 'h'],
        ['DPoP', 'x y']
      ]
    }
    for (const input of [
      'GET /a?b HTTP/1.1\r\nHost: h\r\nDPoP: x\r\n\ty\r\n\r\nNot: a field',
      '\n\nGET /a?b HTTP/2\nHost:h\nDPoP: x\n  y\n',
      '> GET /a?b HTTP/1.1\n> Host: h\n> DPoP: x y\n> \n',
      'GET /a?b\rHost: h\rDPoP: x y',
      'GET   /a?b   HTTP/1.1  \nHost: h  \nDPoP: x y\n   \nDPoP: not a field',
      '>GET /a?b HTTP/1.1\n>Host: h\n>DPoP: x y'
    ])
      expect(parseRawRequest(input)).toEqual(expected)
  })

  test('reads only what curl sent from the output of curl -v', () => {
    const output =
      '* Connected to h\n> GET /a HTTP/1.1\n> Host: h\n> DPoP: x\n>\n< HTTP/1.1 401 Unauthorized\n< DPoP-Nonce: n\n{ [5 bytes data]'
    expect(parseRawRequest(output)).toEqual({
      method: 'GET',
      target: '/a',
      headers: [
        ['Host', 'h'],
        ['DPoP', 'x']
      ]
    })
  })

  test('removes the prefix of curl only at the start of a line', () => {
    expect(parseRawRequest('GET / HTTP/1.1\nX: a> b').headers).toEqual([['X', 'a> b']])
  })

  test('omits pseudo-header fields, except :authority', () => {
    const input = ':method: GET\n:scheme: https\n:path: /a\n:authority: h\nx-a: b:'
    expect(parseRawRequest(input)).toEqual({
      method: 'GET',
      target: '/a',
      scheme: 'https',
      headers: [
        [':authority', 'h'],
        ['x-a', 'b:']
      ]
    })
  })

  test.each([':method: GET\n:authority: h', ':path: /\n:authority: h', 'GET / HTTP/1.1 x', '=GET / HTTP/1.1', 'GET /'.repeat(2)])(
    'rejects %j, which has no method or no target',
    (input) => {
      expect(() => parseRawRequest(input)).toThrow(SyntaxError)
    }
  )

  test('rejects a line of which only a part is a header field', () => {
    expect(() => parseRawRequest('GET / HTTP/1.1\n=Host: h')).toThrow('must be a header field')
  })

  test('parses a first line that is folded as a separate line', () => {
    expect(parseRawRequest(' GET / HTTP/1.1\nHost: h')).toMatchObject({ method: 'GET', target: '/' })
    expect(() => parseRawRequest('> \tGET / HTTP/1.1')).toThrow(SyntaxError)
  })
})

describe('the executable', () => {
  test.each<[args: string[], stream: 'stdout' | 'stderr', printed: string, status: number]>([
    [['--help'], 'stdout', 'Usage: dpop-guard explain', 0],
    [['explain'], 'stderr', 'must be a header field', 2]
  ])('reads arguments and streams of the process: %j', async (args, stream, printed, status) => {
    const write = vi.spyOn(process[stream], 'write').mockReturnValue(true)
    const { argv, exitCode } = process
    const stdin = Object.getOwnPropertyDescriptor(process, 'stdin') as PropertyDescriptor
    Object.defineProperty(process, 'stdin', { value: Readable.from(['\u0000nonsense']), configurable: true })
    process.argv = ['node', 'dpop-guard', ...args]
    vi.resetModules()
    await import('../../src/cli/main.js')
    expect(write).toHaveBeenCalledWith(expect.stringContaining(printed))
    write.mockRestore()
    expect(process.exitCode).toBe(status)
    Object.assign(process, { argv, exitCode })
    Object.defineProperty(process, 'stdin', stdin)
  })
})
