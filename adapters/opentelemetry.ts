/** OpenTelemetry: spans and metrics of verifications, from the diagnostics channels. @module dpop-guard/opentelemetry */

import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import {
  type Attributes,
  type Histogram,
  type Meter,
  type MeterProvider,
  metrics,
  type ObservableResult,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace
} from '@opentelemetry/api'
import { LRUCache } from 'lru-cache'
import { checkKeys, misconfigured } from '../src/config/option-validation.js'
import { isDPoPUnavailableError } from '../src/errors.js'
import type {
  IntrospectedEvent,
  KeysRefreshedEvent,
  NonceIssuedEvent,
  ReplayReservedEvent,
  VerifyMessage
} from '../src/telemetry.js'

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** Default: the global tracer provider. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Default: the global meter provider. */
  readonly meterProvider?: MeterProvider | undefined
}

const knownOptions = { tracerProvider: true, meterProvider: true } as const satisfies Record<keyof InstrumentOptions, true>

/** Bounds the time series of the key age, because an `issuer` function may return any number of issuers. */
const MAX_ISSUERS = 1_000
const SCOPE_NAME = 'dpop-guard'
/** Of durations in seconds: a verification with cached token and key takes about 0.1 ms, an outage up to 5 s. */
const BUCKET_BOUNDARIES_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/**
 * Records a span and metrics of each verification of all verifiers in this process. Register the providers of the OpenTelemetry SDK
 * first, or pass them.
 *
 * - Span `dpop_guard.verify` (internal) with `dpop_guard.outcome`, `dpop_guard.code`, `dpop_guard.scheme` and `dpop_guard.issuer`. The
 *   status is an error for an outage only: a rejected request is not an error of the server. The span is not the active one, so the
 *   spans of fetches and of Redis are its siblings.
 * - Counters `dpop_guard.verifications` (by outcome, code and scheme), `dpop_guard.cache.lookups` (by cache and hit) and
 *   `dpop_guard.nonces` (by response).
 * - Histograms in seconds: `dpop_guard.verification.duration` (by outcome), `dpop_guard.replay_store.duration` and
 *   `dpop_guard.introspection.duration` (by outcome).
 * - Gauge `dpop_guard.keys.age` in seconds since the key set of an issuer was fetched (by issuer).
 *
 * No attribute has a token, a proof, a nonce, a thumbprint or a claim other than `iss`, so the number of time series is bounded.
 *
 * @returns a function that ends the recording
 * @throws TypeError that names the option that is unknown or invalid
 */
export function instrument(options: InstrumentOptions = {}): () => void {
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = checkKeys(
    '',
    options,
    knownOptions
  )
  if (typeof tracerProvider?.getTracer !== 'function') misconfigured('tracerProvider', 'be a TracerProvider')
  if (typeof meterProvider?.getMeter !== 'function') misconfigured('meterProvider', 'be a MeterProvider')
  const meter = meterProvider.getMeter(SCOPE_NAME)
  const stops = [
    recordSpans(tracerProvider),
    recordVerifications(meter),
    recordKeyAge(meter),
    recordNonces(meter),
    recordStore(meter),
    recordIntrospection(meter)
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

/** How a verification ended. */
type VerificationOutcome = 'accepted' | 'anonymous' | 'rejected' | 'unavailable'

function outcomeOf({ error, result }: VerifyMessage): VerificationOutcome {
  if (error !== undefined) return isDPoPUnavailableError(error) ? 'unavailable' : 'rejected'
  return result === undefined ? 'anonymous' : 'accepted'
}

function attributesOf(message: VerifyMessage): Attributes {
  const { code } = (message.error ?? {}) as { readonly code?: string }
  return {
    'dpop_guard.outcome': outcomeOf(message),
    ...(code !== undefined && { 'dpop_guard.code': code }),
    ...(message.scheme !== undefined && { 'dpop_guard.scheme': message.scheme })
  }
}

function recordSpans(provider: TracerProvider): () => void {
  const tracer = provider.getTracer(SCOPE_NAME)
  const spans = new WeakMap<object, Span>()
  return subscribeTo({
    start(message) {
      spans.set(message, tracer.startSpan('dpop_guard.verify', { kind: SpanKind.INTERNAL }))
    },
    asyncEnd(message) {
      const span = spans.get(message)
      span?.setAttributes(attributesOf(message))
      if (message.result !== undefined) span?.setAttribute('dpop_guard.issuer', message.result.issuer)
      if (isDPoPUnavailableError(message.error))
        span?.setStatus({ code: SpanStatusCode.ERROR, message: message.error.description })
      span?.end()
    }
  })
}

function recordVerifications(meter: Meter): () => void {
  const verifications = meter.createCounter('dpop_guard.verifications', { description: 'Verified requests' })
  const lookups = meter.createCounter('dpop_guard.cache.lookups', {
    description: 'Lookups in the caches of tokens and proof keys'
  })
  const duration = createDuration(meter, 'verification', 'Duration of a verification')
  const startsMs = new WeakMap<object, number>()
  const countLookup = (cache: string, isHit: boolean | undefined) => {
    if (isHit !== undefined) lookups.add(1, { 'dpop_guard.cache': cache, 'dpop_guard.hit': isHit })
  }
  return subscribeTo({
    start(message) {
      startsMs.set(message, performance.now())
    },
    asyncEnd(message) {
      const startMs = startsMs.get(message)
      verifications.add(1, attributesOf(message))
      if (startMs !== undefined)
        duration.record((performance.now() - startMs) / 1000, { 'dpop_guard.outcome': outcomeOf(message) })
      countLookup('token', message.isTokenCached)
      countLookup('proof_key', message.isProofKeyCached)
    }
  })
}

function recordKeyAge(meter: Meter): () => void {
  const age = meter.createObservableGauge('dpop_guard.keys.age', {
    unit: 's',
    description: 'Time since the key set of an issuer was fetched'
  })
  const refreshedMs = new LRUCache<string, number>({ max: MAX_ISSUERS })
  const observe = (result: ObservableResult) => {
    for (const [issuer, atMs] of refreshedMs) result.observe((performance.now() - atMs) / 1000, { 'dpop_guard.issuer': issuer })
  }
  age.addCallback(observe)
  const stop = subscribeToEvent<KeysRefreshedEvent>('keys-refreshed', ({ issuer }) => {
    refreshedMs.set(issuer, performance.now())
  })
  return () => {
    stop()
    age.removeCallback(observe)
  }
}

function recordNonces(meter: Meter): () => void {
  const nonces = meter.createCounter('dpop_guard.nonces', { description: 'Responses with a DPoP-Nonce' })
  return subscribeToEvent<NonceIssuedEvent>('nonce-issued', ({ response }) => nonces.add(1, { 'dpop_guard.response': response }))
}

function recordStore(meter: Meter): () => void {
  const duration = createDuration(meter, 'replay_store', 'Duration of a call of the replay store')
  return subscribeToEvent<ReplayReservedEvent>('replay-reserved', ({ outcome, durationMs }) => {
    duration.record(durationMs / 1000, { 'dpop_guard.outcome': outcome })
  })
}

function recordIntrospection(meter: Meter): () => void {
  const duration = createDuration(meter, 'introspection', 'Duration of introspection')
  return subscribeToEvent<IntrospectedEvent>('introspected', ({ outcome, durationMs }) => {
    duration.record(durationMs / 1000, { 'dpop_guard.outcome': outcome })
  })
}

function createDuration(meter: Meter, name: string, description: string): Histogram {
  const advice = { explicitBucketBoundaries: BUCKET_BOUNDARIES_SECONDS }
  return meter.createHistogram(`dpop_guard.${name}.duration`, { unit: 's', description, advice })
}

interface VerifySubscribers {
  start(message: VerifyMessage): void
  asyncEnd(message: VerifyMessage): void
}

function subscribeTo({ start, asyncEnd }: VerifySubscribers): () => void {
  const { start: started, asyncEnd: ended } = tracingChannel('dpop-guard:verify')
  const onStart = (message: unknown) => start(message as VerifyMessage)
  const onEnd = (message: unknown) => asyncEnd(message as VerifyMessage)
  started.subscribe(onStart)
  ended.subscribe(onEnd)
  return () => {
    started.unsubscribe(onStart)
    ended.unsubscribe(onEnd)
  }
}

function subscribeToEvent<Event>(name: string, record: (event: Event) => void): () => void {
  const listener = (event: unknown) => record(event as Event)
  subscribe(`dpop-guard:${name}`, listener)
  return () => {
    unsubscribe(`dpop-guard:${name}`, listener)
  }
}
