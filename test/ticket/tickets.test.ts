import { channel } from 'node:diagnostics_channel'
import {
  createVerifier,
  type DPoPError,
  isDPoPError,
  memoryReplayStore,
  ReplayQuotaError,
  type ReplayStore,
  redisReplayStore,
  type VerifiedRequest
} from 'dpop-guard'
import { createTickets, type TicketOptions } from 'dpop-guard/ticket'
import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { createWorld, encode, eventOf, NOW, NOW_MS, type RequestSpec, verdictOf, type World } from '../support/world.js'

const A = 'a secret of thirty-two characters or more'
const B = 'another secret, of thirty-two characters too'
const PATH = '/socket'
const INVALID = 'ERR_DPOP_TICKET_INVALID'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))

const create = (options: Partial<TicketOptions> = {}) =>
  createTickets({ secrets: [A], replay: memoryReplayStore(), clock: world.clock, ...options })
const verified = async (spec: RequestSpec = {}, options: object = {}): Promise<VerifiedRequest> =>
  (await createVerifier({ ...world.options, ...options }).verifyRequest(await world.request(spec))) as VerifiedRequest
/** The reason in the diagnostics event of a ticket that is not accepted. */
const reasonOf = async (redeem: () => Promise<unknown>) => (await eventOf(redeem)).reason

describe('the identity of a ticket is that of the verified request', () => {
  it('it has issuer, subject, client, scopes, key and expiry, and is frozen', async () => {
    const tickets = create()
    const auth = await verified({ scope: 'notes:read notes:write' })
    const identity = await tickets.redeem(await tickets.issue(auth, PATH), PATH)
    expect(identity).toEqual({
      issuer: auth.issuer,
      sub: auth.claims.sub,
      clientId: auth.claims.client_id,
      scopes: ['notes:read', 'notes:write'],
      jkt: world.client.jkt,
      claims: {},
      expiresAt: auth.claims.exp
    })
    expect(identity.sub).toBe('user')
    expect([identity, identity.scopes, identity.claims].every(Object.isFrozen)).toBe(true)
  })

  it('it has no expiry if the token has no exp, which an introspection response may omit (RFC 7662 §2.2)', async () => {
    const tickets = create()
    const auth = await verified()
    const { exp: _exp, ...claims } = auth.claims
    const identity = await tickets.redeem(await tickets.issue({ ...auth, claims } as VerifiedRequest, PATH), PATH)
    expect(identity.expiresAt).toBeUndefined()
  })

  it('it has the claims that the option names, if the token has them', async () => {
    const tickets = create({ claims: ['acr', 'tenant', 'absent', '__proto__'] })
    const auth = await verified({ tokenSpec: { claims: { acr: 'high', tenant: { id: 'ü\ud800' }, secret: 'x' } } })
    const { claims } = await tickets.redeem(await tickets.issue(auth, PATH), PATH)
    expect(claims).toEqual({ acr: 'high', tenant: { id: 'ü\ud800' } })
    expect(Object.isFrozen(claims['tenant'])).toBe(true)
  })

  it('it has no subject, client or key for a Bearer token without sub and client_id', async () => {
    const { store, contexts } = recording()
    const tickets = create({ replay: store })
    const token = await world.issuer.issue({ claims: { sub: undefined, client_id: 7 } })
    const verifier = createVerifier({ ...world.options, allowBearer: true, token: { type: 'any' } })
    const auth = await verifier.verifyRequest({
      method: 'POST',
      target: '/tickets',
      headers: { Authorization: `Bearer ${token}` }
    })
    const identity = await tickets.redeem(await tickets.issue(auth, PATH), PATH)
    expect(identity).toMatchObject({ sub: undefined, clientId: undefined, jkt: undefined })
    const named = { ...auth, claims: { ...auth.claims, client_id: 'client' } } as unknown as VerifiedRequest
    expect(await tickets.redeem(await tickets.issue(named, PATH), PATH)).toMatchObject({ sub: undefined, clientId: 'client' })
    const user = { ...auth, claims: { ...named.claims, sub: 'user' } } as unknown as VerifiedRequest
    await tickets.redeem(await tickets.issue(user, PATH), PATH)
    // The quota of a client without a key is that of its subject.
    expect(contexts).toEqual(['undefined', 'client', 'user'].map((id) => ({ nowMs: NOW_MS, jkt: `${auth.issuer} ${id}` })))
  })

  it('the ticket is base64url with one dot, which needs no escaping in a query or subprotocol, and does not contain the access token', async () => {
    const auth = await verified()
    const ticket = await create().issue(auth, PATH)
    expect(ticket).toMatch(/^[\w-]+\.[\w-]{43}$/)
    expect(Buffer.from(ticket, 'base64url').toString()).not.toContain(auth.token)
  })
})

/** A store that records its calls. */
function recording() {
  const keys: string[] = []
  const expiries: number[] = []
  const contexts: unknown[] = []
  const store: ReplayStore = {
    reserve(key, expiresAtMs, context) {
      contexts.push(context)
      expiries.push(expiresAtMs)
      return keys.push(key) > 0
    }
  }
  return { store, keys, expiries, contexts }
}

describe('a ticket is accepted once, for its path, until it expires', () => {
  it('a replayed ticket is rejected, also by another instance with the same store [AMB-32]', async () => {
    const replay = memoryReplayStore()
    const [one, other] = [create({ replay }), create({ replay })]
    const ticket = await one.issue(await verified(), PATH)
    expect(await verdictOf(other.redeem(ticket, PATH))).toBe('accepted')
    for (const tickets of [one, other]) {
      expect(await verdictOf(tickets.redeem(ticket, PATH))).toBe(INVALID)
      expect(await reasonOf(() => tickets.redeem(ticket, PATH))).toBe('the ticket was already redeemed')
    }
  })

  it('exactly one of concurrent copies is accepted [AMB-32]', async () => {
    const tickets = create()
    const ticket = await tickets.issue(await verified(), PATH)
    const verdicts = await Promise.all(Array.from({ length: 20 }, () => verdictOf(tickets.redeem(ticket, PATH))))
    expect(verdicts.filter((verdict) => verdict === 'accepted')).toHaveLength(1)
    expect(verdicts.filter((verdict) => verdict === INVALID)).toHaveLength(19)
  })

  it('two tickets of one request are independent', async () => {
    const tickets = create()
    const auth = await verified()
    const both = [await tickets.issue(auth, PATH), await tickets.issue(auth, PATH)]
    expect(both[0]).not.toBe(both[1])
    for (const ticket of both) expect(await verdictOf(tickets.redeem(ticket, PATH))).toBe('accepted')
  })

  it.each(['/other', '/socket/', '/Socket', '/socket?ticket=x', '', undefined, null, 7])(
    'for the path %j it is rejected, and not consumed [AMB-32]',
    async (path) => {
      const tickets = create()
      const ticket = await tickets.issue(await verified(), PATH)
      expect(await verdictOf(tickets.redeem(ticket, path as string))).toBe(INVALID)
      expect(await reasonOf(() => tickets.redeem(ticket, path as string))).toBe(
        'the ticket was changed, or issued with other secrets or for another path'
      )
      expect(await verdictOf(tickets.redeem(ticket, PATH))).toBe('accepted')
    }
  )

  it.each<[maxAgeSeconds: number | undefined, seconds: number]>([
    [undefined, 30],
    [1, 1],
    [300, 300]
  ])('maxAgeSeconds %j: it expires after %d seconds', async (maxAgeSeconds, seconds) => {
    const tickets = create(maxAgeSeconds === undefined ? {} : { maxAgeSeconds })
    const auth = await verified()
    const both = [await tickets.issue(auth, PATH), await tickets.issue(auth, PATH)]
    world.clock.advance(seconds - 0.001)
    expect(await verdictOf(tickets.redeem(both[0], PATH))).toBe('accepted')
    world.clock.advance(0.001)
    expect(await verdictOf(tickets.redeem(both[1], PATH))).toBe(INVALID)
    expect(await reasonOf(() => tickets.redeem(both[1], PATH))).toBe('the ticket or its access token has expired')
  })

  it('it is rejected from exp of the access token on, at any age (RFC 7519 §4.1.4) [AMB-32]', async () => {
    const tickets = create({ maxAgeSeconds: 300 })
    const auth = await verified({ tokenSpec: { claims: { exp: NOW + 10 } } })
    const both = [await tickets.issue(auth, PATH), await tickets.issue(auth, PATH)]
    world.clock.advance(9.999)
    expect(await verdictOf(tickets.redeem(both[0], PATH))).toBe('accepted')
    world.clock.advance(0.001)
    expect(await verdictOf(tickets.redeem(both[1], PATH))).toBe(INVALID)
    expect(await verdictOf(tickets.redeem(await tickets.issue(auth, PATH), PATH))).toBe(INVALID)
  })

  it('its entry expires when no instance accepts it, with clocks up to five seconds behind', async () => {
    const { store, keys, expiries, contexts } = recording()
    const tickets = create({ replay: store })
    const ticket = await tickets.issue(await verified(), PATH)
    world.clock.advance(7)
    await tickets.redeem(ticket, PATH)
    expect(keys).toEqual([expect.stringMatching(/^[\w-]{22}$/)])
    expect(expiries).toEqual([NOW_MS + 35_000])
    expect(contexts).toEqual([{ nowMs: NOW_MS + 7000, jkt: world.client.jkt }])
  })

  it.each([
    ['client_id', { client_id: 'a', azp: 'b', cid: 'c' }, 'a'],
    ['azp', { client_id: undefined, azp: 'b', cid: 'c' }, 'b'],
    ['cid', { client_id: undefined, cid: 'c' }, 'c']
  ])('the client is %s', async (_name, claims, clientId) => {
    const tickets = create({})
    const auth = await verified({ tokenSpec: { claims } }, { token: { type: 'any' } })
    expect(await tickets.redeem(await tickets.issue(auth, PATH), PATH)).toMatchObject({ clientId })
  })

  it('an expired ticket is rejected without access to the store', async () => {
    const { store, keys } = recording()
    let nowMs = NOW * 1000
    const tickets = create({ replay: store, clock: () => nowMs })
    const ticket = await tickets.issue(await verified(), PATH)
    nowMs += 30_000
    expect(await verdictOf(tickets.redeem(ticket, PATH))).toBe(INVALID)
    expect(keys).toEqual([])
  })

  it('a ticket without a valid time is rejected without access to the store: the clock is NaN when it is redeemed or issued', async () => {
    const { store, keys } = recording()
    const tickets = create({ replay: store })
    const ticket = await tickets.issue(await verified(), PATH)
    expect(await verdictOf(create({ replay: store, clock: () => Number.NaN }).redeem(ticket, PATH))).toBe(INVALID)
    const timeless = await create({ clock: () => Number.NaN }).issue(await verified(), PATH)
    expect(await verdictOf(tickets.redeem(timeless, PATH))).toBe(INVALID)
    expect(keys).toEqual([])
  })

  it('a fractional expiry is rounded up by the Redis store', async () => {
    const commands: string[][] = []
    const replay = redisReplayStore({ sendCommand: async (...command: string[]) => commands.push(command) && 'OK' })
    const tickets = create({ replay })
    const auth = await verified({ tokenSpec: { claims: { exp: NOW + 10.0004 } } })
    await tickets.redeem(await tickets.issue(auth, PATH), PATH)
    expect(commands).toEqual([['SET', expect.any(String), '1', 'NX', 'PX', '15001']])
  })
})

describe('a ticket is authenticated with the secrets', () => {
  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a list', ['x.y']],
    ['an object', {}]
  ])('%s is rejected', async (_title, ticket) => {
    const error = (await create()
      .redeem(ticket, PATH)
      .catch((reason: unknown) => reason)) as DPoPError
    expect(isDPoPError(error)).toBe(true)
    expect(error).toMatchObject({ code: INVALID, status: 403, error: undefined })
    expect(error.headers).toEqual({})
    expect(error.description).toBe('The ticket is invalid, has expired or was already used')
    expect(await reasonOf(() => create().redeem(ticket, PATH))).toBe('there is no ticket')
  })

  it.each(['', '.', 'a', 'a.b', `a.${'b'.repeat(42)}`, `a.${'b'.repeat(44)}`, `.${'b'.repeat(43)}`, `a.b.${'c'.repeat(43)}`])(
    '%j is rejected as malformed',
    async (ticket) => {
      expect(await reasonOf(() => create().redeem(ticket, PATH))).toBe('the ticket is malformed')
    }
  )

  it('a ticket with any character changed, or with white space, is rejected without access to the store [AMB-32]', async () => {
    const { store, keys } = recording()
    const tickets = create({ replay: store })
    const ticket = await tickets.issue(await verified(), PATH)
    for (let i = 0; i < ticket.length; i++) {
      const changed = `${ticket.slice(0, i)}${ticket[i] === 'A' ? 'B' : 'A'}${ticket.slice(i + 1)}`
      expect(await verdictOf(tickets.redeem(changed, PATH))).toBe(INVALID)
    }
    for (const changed of [`${ticket}\n`, ` ${ticket}`, `${ticket}=`, ticket.toLowerCase()])
      expect(await verdictOf(tickets.redeem(changed, PATH))).toBe(INVALID)
    expect(keys).toEqual([])
    expect(await verdictOf(tickets.redeem(ticket, PATH))).toBe('accepted')
  })

  it('any other value is rejected, also a valid ticket with an inserted string', async () => {
    const { store, keys } = recording()
    const tickets = create({ replay: store })
    const ticket = await tickets.issue(await verified(), PATH)
    const inserted = fc.tuple(fc.nat(ticket.length), fc.string({ minLength: 1 }))
    const changed = inserted.map(([at, text]) => ticket.slice(0, at) + text + ticket.slice(at))
    const property = fc.asyncProperty(fc.oneof(fc.anything(), fc.string(), changed), async (value) => {
      expect(await verdictOf(tickets.redeem(value, PATH))).toBe(INVALID)
    })
    await fc.assert(property, { numRuns: 1000 })
    expect(keys).toEqual([])
  })

  it('a forged ticket with a MAC of other secrets is rejected, and its payload is not parsed', async () => {
    const tickets = create()
    const forged = await create({ secrets: [B] }).issue(await verified(), PATH)
    expect(await verdictOf(tickets.redeem(forged, PATH))).toBe(INVALID)
    const parse = vi.spyOn(JSON, 'parse')
    expect(await verdictOf(tickets.redeem(`${encode('{')}.${'x'.repeat(43)}`, PATH))).toBe(INVALID)
    expect(parse).not.toHaveBeenCalled()
    parse.mockRestore()
  })

  it('a nonce of the same secret is rejected as the MAC of a ticket', async () => {
    const verifier = createVerifier({ ...world.options, nonce: { secrets: [A] } })
    const nonce = (await verifier.nonceHeaders())['DPoP-Nonce']
    expect(await verdictOf(create().redeem(`${encode({})}.${nonce}`, PATH))).toBe(INVALID)
  })

  it('secrets are rotated by adding the new one last, then moving it first, then removing the old one', async () => {
    const stages = [[A], [A, B], [B, A], [B]].map((secrets) => create({ secrets }))
    const auth = await verified()
    for (const [i, tickets] of stages.entries()) {
      for (const neighbor of [stages[i - 1], stages[i], stages[i + 1]]) {
        if (neighbor === undefined) continue
        expect(await verdictOf(neighbor.redeem(await tickets.issue(auth, PATH), PATH))).toBe('accepted')
      }
    }
    const old = await (stages[0] as (typeof stages)[0]).issue(auth, PATH)
    expect(await verdictOf((stages[3] as (typeof stages)[0]).redeem(old, PATH))).toBe(INVALID)
  })

  it('a ticket of more than 4096 characters is neither issued nor accepted', async () => {
    const tickets = create({ claims: ['text'] })
    const auth = await verified()
    const issue = (length: number) =>
      tickets.issue({ ...auth, claims: { ...auth.claims, text: 'x'.repeat(length) } } as unknown as VerifiedRequest, PATH)
    const shortest = (await issue(0)).length
    // base64url encodes three octets as four characters.
    const length = Math.floor(((4096 - shortest) * 3) / 4)
    const longest = await issue(length)
    expect(longest.length).toBeGreaterThanOrEqual(4094)
    expect(await verdictOf(tickets.redeem(longest, PATH))).toBe('accepted')
    expect(await eventOf(() => issue(length + 3))).toMatchObject({
      code: 'ERR_DPOP_VERIFIER_UNAVAILABLE',
      cause: new Error('The identity does not fit into a ticket of 4096 characters')
    })
    const long = `${'x'.repeat(4053)}.${'y'.repeat(43)}`
    expect(await reasonOf(() => tickets.redeem(long, PATH))).toBe('the ticket is longer than 4096 characters')
    expect(await reasonOf(() => tickets.redeem(long.slice(1), PATH))).toContain('the ticket was changed')
  })
})

describe('the replay store of tickets', () => {
  const OUTAGE = 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'
  const cause = new Error('connection lost')
  it.each<[string, ReplayStore['reserve']]>([
    [
      'throws',
      () => {
        throw cause
      }
    ],
    ['rejects', () => Promise.reject(cause)]
  ])('results in 503 with Retry-After and a diagnostics event if it %s', async (_title, reserve) => {
    const tickets = create({ replay: { reserve } })
    const ticket = await tickets.issue(await verified(), PATH)
    const error = await tickets.redeem(ticket, PATH).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: OUTAGE, status: 503, headers: { 'Retry-After': '1' }, cause })
    expect(await eventOf(() => tickets.redeem(ticket, PATH))).toEqual({ code: OUTAGE, cause })
  })

  it('results in 503 if it responds after the ticket has expired, because an earlier entry may have expired', async () => {
    const reserve = async () => {
      world.clock.advance(30)
      return true
    }
    const tickets = create({ replay: { reserve } })
    const ticket = await tickets.issue(await verified(), PATH)
    expect(await verdictOf(tickets.redeem(ticket, PATH))).toBe(OUTAGE)
  })

  it.each([undefined, 1, 'OK', null])('rejects the ticket if it responds with %j', async (result) => {
    const tickets = create({ replay: { reserve: async () => result as unknown as boolean } })
    expect(await verdictOf(tickets.redeem(await tickets.issue(await verified(), PATH), PATH))).toBe(INVALID)
  })

  it('results in 429 with Retry-After for a client above its quota (RFC 6585 §4)', async () => {
    const reserve = () => {
      throw new ReplayQuotaError(7)
    }
    const tickets = create({ replay: { reserve } })
    const error = await tickets.redeem(await tickets.issue(await verified(), PATH), PATH).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'ERR_DPOP_QUOTA_EXCEEDED', status: 429, headers: { 'Retry-After': '7' } })
  })

  it('a clock that throws results in 503', async () => {
    const clock = () => {
      throw new Error('clock')
    }
    const ticket = await create().issue(await verified(), PATH)
    expect(await verdictOf(create({ clock }).redeem(ticket, PATH))).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    expect(await verdictOf(create({ clock }).issue(await verified(), PATH))).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
  })

  it('publishes events on dpop-guard:replay-reserved, like that of the verifier', async () => {
    const outcomes: string[] = []
    const listen = (event: unknown) => void outcomes.push((event as { outcome: string }).outcome)
    const tickets = create()
    const ticket = await tickets.issue(await verified(), PATH)
    channel('dpop-guard:replay-reserved').subscribe(listen)
    await tickets.redeem(ticket, PATH)
    await verdictOf(tickets.redeem(ticket, PATH))
    channel('dpop-guard:replay-reserved').unsubscribe(listen)
    expect(outcomes).toEqual(['first-use', 'replay'])
  })
})

describe('createTickets rejects an invalid option with a TypeError that names it', () => {
  const valid = { secrets: [A], replay: memoryReplayStore() }
  it.each<[string, unknown, string]>([
    ['no options', undefined, '"options" must be an object'],
    ['an unknown option', { ...valid, maxAge: 1 }, '"maxAge" is not an option; did you mean "maxAgeSeconds"?'],
    ['no secrets', { ...valid, secrets: undefined }, '"secrets" must be a list of one or more secrets'],
    ['an empty list of secrets', { ...valid, secrets: [] }, '"secrets" must be a list of one or more secrets'],
    ['secrets as a string', { ...valid, secrets: A }, '"secrets" must be a list of one or more secrets'],
    ['a short secret', { ...valid, secrets: [A, 'x'] }, '"secrets" must have at least 32 random bytes each'],
    ['no store', { secrets: [A] }, '"replay" must be a store with a "reserve" method'],
    ['replay: false', { ...valid, replay: false }, '"replay" must be a store with a "reserve" method'],
    ['an age of 0', { ...valid, maxAgeSeconds: 0 }, '"maxAgeSeconds" must be an integer from 1 to 300'],
    ['an age of 301', { ...valid, maxAgeSeconds: 301 }, '"maxAgeSeconds" must be an integer from 1 to 300'],
    [
      'a claim that is not a string',
      { ...valid, claims: [7] },
      '"claims" must be a non-empty string or an array of non-empty strings'
    ],
    ['a clock that is not a function', { ...valid, clock: 7 }, '"clock" must be a function']
  ])('%s', (_title, options, message) => {
    expect(() => createTickets(options as TicketOptions)).toThrow(new TypeError(message))
  })

  it.each<[unknown, unknown, string]>([
    [undefined, PATH, '"auth" must be a verified request'],
    [{}, PATH, '"auth" must be a verified request'],
    ...['socket', 'x/socket', '', '/socket?a', '/socket#a', '/a b', '/ü', undefined].map((path): [unknown, unknown, string] => [
      { claims: {} },
      path,
      '"path" must be a path of visible ASCII characters without a query'
    ])
  ])('issue(%j, %j)', async (auth, path, message) => {
    await expect(create().issue(auth as VerifiedRequest, path as string)).rejects.toThrow(new TypeError(message))
  })

  it('uses the system clock by default', async () => {
    const tickets = createTickets(valid)
    const auth = await verified()
    vi.useFakeTimers({ now: NOW_MS })
    const ticket = await tickets.issue(auth, PATH)
    expect(await verdictOf(tickets.redeem(ticket, PATH))).toBe('accepted')
    vi.useRealTimers()
    expectTypeOf(tickets.redeem).parameter(0).toBeUnknown()
  })
})
