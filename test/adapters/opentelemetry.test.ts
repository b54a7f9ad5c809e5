import { metrics, trace } from '@opentelemetry/api'
import { type DataPoint, type Histogram, MeterProvider, type MetricData, MetricReader } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { createVerifier } from 'dpop-guard'
import { instrument } from 'dpop-guard/opentelemetry'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createIntrospectionWorld } from '../support/introspection-world.js'
import { startIssuerServer } from '../support/issuer-server.js'
import { BASE_URL, createWorld, ISSUER, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

class TestReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** Providers of the real SDK, and what was recorded with them. */
function createProviders() {
  const exporter = new InMemorySpanExporter()
  const reader = new TestReader()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const collect = async (): Promise<Map<string, MetricData>> => {
    const { resourceMetrics, errors } = await reader.collect()
    expect(errors).toEqual([])
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    return new Map(all.map((metric) => [metric.descriptor.name, metric]))
  }
  /** The data points of a metric: attributes without their prefix, and the value (the count of a histogram). */
  const pointsOf = async (name: string) => {
    const points = ((await collect()).get(name)?.dataPoints ?? []) as DataPoint<number | Histogram>[]
    return points.map(({ attributes, value }) => [
      Object.fromEntries(Object.entries(attributes).map(([key, own]) => [key.replace('dpop_guard.', ''), own])),
      typeof value === 'number' ? value : value.count
    ])
  }
  /** The sum of all values of a histogram. */
  const sumOf = async (name: string) => {
    const points = ((await collect()).get(name)?.dataPoints ?? []) as DataPoint<Histogram>[]
    return points.reduce((sum, { value }) => sum + (value.sum ?? 0), 0)
  }
  return { exporter, tracerProvider, meterProvider, collect, pointsOf, sumOf }
}

/** Providers that are instrumented until the test ends. */
function instrumented() {
  const providers = createProviders()
  const { tracerProvider, meterProvider } = providers
  const stop = instrument({ tracerProvider, meterProvider })
  onTestFinished(stop)
  return { ...providers, stop }
}

describe('instrument()', () => {
  it('records a span of each verification; only an outage is an error', async () => {
    const { exporter } = instrumented()
    const down = createVerifier({ ...world.options, replay: { reserve: () => Promise.reject(new Error('down')) } })
    const verifier = createVerifier({ ...world.options, optional: true })
    await verifier.verifyRequest(await world.request())
    await verifier.verifyRequest({ method: 'GET', target: '/', headers: {} })
    await verdictOf(verifier.verifyRequest(await world.request({ method: 'PUT', claims: { htm: 'GET' } })))
    await verdictOf(down.verifyRequest(await world.request()))
    const spans = exporter.getFinishedSpans().map(({ name, kind, status, attributes }) => ({ name, kind, status, attributes }))
    const span = { name: 'dpop_guard.verify', kind: 0, status: { code: 0 } }
    expect(spans).toStrictEqual([
      { ...span, attributes: { 'dpop_guard.outcome': 'accepted', 'dpop_guard.scheme': 'DPoP', 'dpop_guard.issuer': ISSUER } },
      { ...span, attributes: { 'dpop_guard.outcome': 'anonymous' } },
      {
        ...span,
        attributes: { 'dpop_guard.outcome': 'rejected', 'dpop_guard.code': 'ERR_DPOP_PROOF_HTM', 'dpop_guard.scheme': 'DPoP' }
      },
      {
        ...span,
        status: { code: 2, message: 'The replay store is unavailable' },
        attributes: {
          'dpop_guard.outcome': 'unavailable',
          'dpop_guard.code': 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE',
          'dpop_guard.scheme': 'DPoP'
        }
      }
    ])
  })

  it('counts verifications by outcome, code and scheme, and records their duration in seconds', async () => {
    const { pointsOf, sumOf } = instrumented()
    const verifier = createVerifier(world.options)
    for (let i = 0; i < 2; i++) await verifier.verifyRequest(await world.request())
    await verdictOf(verifier.verifyRequest({ method: 'GET', target: '/', headers: {} }))
    expect(await pointsOf('dpop_guard.verifications')).toStrictEqual([
      [{ outcome: 'accepted', scheme: 'DPoP' }, 2],
      [{ outcome: 'rejected', code: 'ERR_DPOP_CREDENTIALS_MISSING' }, 1]
    ])
    expect(await pointsOf('dpop_guard.verification.duration')).toEqual([
      [{ outcome: 'accepted' }, 2],
      [{ outcome: 'rejected' }, 1]
    ])
    expect(await sumOf('dpop_guard.verification.duration')).toBeGreaterThan(0)
    expect(await sumOf('dpop_guard.verification.duration')).toBeLessThan(10)
  })

  it('describes each metric with its unit, in the scope dpop-guard', async () => {
    const { exporter, collect } = instrumented()
    const { origin } = await startIssuerServer(() => ({ '/keys': world.issuer.jwks }))
    await createVerifier({ issuer: { issuer: origin, jwksUri: `${origin}/keys` }, baseUrl: BASE_URL }).ready()
    const introspection = await createIntrospectionWorld()
    await introspection.verdict('one')
    const verifier = createVerifier({ ...world.options, nonce: { secrets: [new Uint8Array(32)] } })
    await verdictOf(verifier.verifyRequest(await world.request()))
    const described = [...(await collect()).values()].map(({ descriptor: { name, unit, description } }) => [
      name.replace('dpop_guard.', ''),
      unit,
      description
    ])
    expect(described.sort()).toEqual([
      ['cache.lookups', '', 'Lookups in the caches of tokens and proof keys'],
      ['introspection.duration', 's', 'Duration of introspection'],
      ['keys.age', 's', 'Time since the key set of an issuer was fetched'],
      ['nonces', '', 'Responses with a DPoP-Nonce'],
      ['replay_store.duration', 's', 'Duration of a call of the replay store'],
      ['verification.duration', 's', 'Duration of a verification'],
      ['verifications', '', 'Verified requests']
    ])
    expect(exporter.getFinishedSpans().map(({ instrumentationScope }) => instrumentationScope.name)).toEqual([
      'dpop-guard',
      'dpop-guard'
    ])
    const [{ value } = {}] = ((await collect()).get('dpop_guard.verification.duration')?.dataPoints ??
      []) as DataPoint<Histogram>[]
    expect(value?.buckets.boundaries).toEqual([
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5
    ])
  })

  it('counts no lookup of a request that ended before it', async () => {
    const { pointsOf } = instrumented()
    await verdictOf(createVerifier(world.options).verifyRequest({ method: 'GET', target: '/', headers: {} }))
    expect(await pointsOf('dpop_guard.cache.lookups')).toEqual([])
  })

  it('counts the lookups in both caches', async () => {
    const { pointsOf } = instrumented()
    const verifier = createVerifier(world.options)
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    for (let i = 0; i < 3; i++) await verifier.verifyRequest(await world.request({ token }))
    expect(await pointsOf('dpop_guard.cache.lookups')).toEqual([
      [{ cache: 'token', hit: false }, 1],
      [{ cache: 'proof_key', hit: false }, 1],
      [{ cache: 'token', hit: true }, 2],
      [{ cache: 'proof_key', hit: true }, 2]
    ])
  })

  it('records nonces, the replay store and introspection', async () => {
    const { pointsOf, sumOf } = instrumented()
    const verifier = createVerifier({ ...world.options, nonce: { secrets: [new Uint8Array(32)] } })
    await verdictOf(verifier.verifyRequest(await world.request()))
    const introspection = await createIntrospectionWorld()
    await introspection.verdict('one')
    introspection.respondWith({ active: false })
    await introspection.verdict('two')
    expect(await sumOf('dpop_guard.introspection.duration')).toBeLessThan(10)
    expect(await pointsOf('dpop_guard.nonces')).toEqual([[{ response: 'rejected' }, 1]])
    expect(await pointsOf('dpop_guard.replay_store.duration')).toEqual([[{ outcome: 'first-use' }, 1]])
    expect(await pointsOf('dpop_guard.introspection.duration')).toEqual([
      [{ outcome: 'active' }, 1],
      [{ outcome: 'inactive' }, 1]
    ])
  })

  it('records the age of the keys of each issuer', async () => {
    const { pointsOf } = instrumented()
    const { origin } = await startIssuerServer(() => ({ '/keys': world.issuer.jwks }))
    await createVerifier({ issuer: { issuer: origin, jwksUri: `${origin}/keys` }, baseUrl: BASE_URL }).ready()
    const nowMs = performance.now()
    const now = vi.spyOn(performance, 'now').mockReturnValue(nowMs + 60_000)
    onTestFinished(() => now.mockRestore())
    const [[attributes, age] = []] = await pointsOf('dpop_guard.keys.age')
    expect(attributes).toEqual({ issuer: origin })
    expect(age).toBeGreaterThanOrEqual(60)
    expect(age).toBeLessThan(70)
  })

  it('no attribute has a token, a proof, a claim, a nonce or a thumbprint', async () => {
    const { exporter, collect } = instrumented()
    const verifier = createVerifier(world.options)
    const request = await world.request({ nonce: 'the-nonce', tokenSpec: { claims: { sub: 'alice' } } })
    await verifier.verifyRequest(request)
    await verdictOf(verifier.verifyRequest(request))
    const { Authorization, DPoP } = request.headers as Record<string, string>
    const segments = [Authorization, DPoP].flatMap((jws) => (jws as string).replace('DPoP ', '').split('.'))
    const spans = exporter.getFinishedSpans().map(({ attributes, status, events }) => ({ attributes, status, events }))
    const recorded = JSON.stringify([spans, [...(await collect()).values()]])
    for (const secret of [...segments, 'the-nonce', 'alice', world.client.jkt]) expect(recorded).not.toContain(secret)
    expect(spans).toHaveLength(2)
  })

  it('records nothing after the returned function was called', async () => {
    const { exporter, pointsOf, stop } = instrumented()
    stop()
    const { origin } = await startIssuerServer(() => ({ '/keys': world.issuer.jwks }))
    await createVerifier({ issuer: { issuer: origin, jwksUri: `${origin}/keys` }, baseUrl: BASE_URL }).ready()
    await createVerifier(world.options).verifyRequest(await world.request())
    expect(exporter.getFinishedSpans()).toEqual([])
    for (const name of ['verifications', 'replay_store.duration', 'keys.age'])
      expect(await pointsOf(`dpop_guard.${name}`)).toEqual([])
  })

  it('records a verification that started before, without its duration', async () => {
    let proceed: (isFirst: boolean) => void = () => {}
    const reserving = new Promise<boolean>((resolve) => (proceed = resolve))
    let isReserving: () => void = () => {}
    const reached = new Promise<void>((resolve) => (isReserving = resolve))
    const reserve = () => {
      isReserving()
      return reserving
    }
    const first = instrumented()
    const verifying = createVerifier({ ...world.options, replay: { reserve } }).verifyRequest(await world.request())
    await reached
    const { exporter, pointsOf } = instrumented()
    proceed(true)
    await verifying
    expect(first.exporter.getFinishedSpans()).toHaveLength(1)
    expect(exporter.getFinishedSpans()).toEqual([])
    expect(await pointsOf('dpop_guard.verifications')).toEqual([[{ outcome: 'accepted', scheme: 'DPoP' }, 1]])
    expect(await pointsOf('dpop_guard.verification.duration')).toEqual([])
  })

  it('uses the global providers by default', async () => {
    const { exporter, tracerProvider, meterProvider, pointsOf } = createProviders()
    trace.setGlobalTracerProvider(tracerProvider)
    metrics.setGlobalMeterProvider(meterProvider)
    onTestFinished(() => {
      trace.disable()
      metrics.disable()
    })
    onTestFinished(instrument())
    await createVerifier(world.options).verifyRequest(await world.request())
    expect(exporter.getFinishedSpans()).toHaveLength(1)
    expect(await pointsOf('dpop_guard.verifications')).toHaveLength(1)
  })

  it.each<[options: object, message: string]>([
    [{ tracer: {} }, '"tracer" is not an option; did you mean "tracerProvider"?'],
    [{ tracerProvider: {} }, '"tracerProvider" must be a TracerProvider'],
    [{ meterProvider: 1 }, '"meterProvider" must be a MeterProvider'],
    [{ tracerProvider: null }, '"tracerProvider" must be a TracerProvider'],
    [{ meterProvider: null }, '"meterProvider" must be a MeterProvider']
  ])('the options %j are a TypeError', (options, message) => {
    expect(() => instrument(options)).toThrow(new TypeError(message))
  })
})
