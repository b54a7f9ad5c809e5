/** Selects where a signature is verified: on the event loop, which costs least, or in the thread pool, which does not block other requests. @module */

import { platform } from '#crypto'
import type { MaybePromise, ProofAlgorithm, PublicJwk, VerificationKey } from './crypto.js'

/** Where signatures are verified. */
export type SignatureThreads = 'inline' | 'pool' | 'auto'

/** 4096 bits in base64url characters. Verification with a longer modulus takes longer than a thread-pool round trip. */
const MAX_INLINE_MODULUS_LENGTH = 683

/** Algorithms whose verification takes longer than that of every other with a short key. */
const slowAlgorithms: ReadonlySet<ProofAlgorithm> = new Set(['ES384', 'ES512', 'ML-DSA-65', 'ML-DSA-87'] as const)

// Module scope, because all verifiers of a process share one event loop.
/** Number of verifications that have run on the event loop. */
let inlineCount = 0
/** Number of requests with a verification in this event-loop turn. */
let requestsThisTurn = 0
/** Whether two requests were verified in earlier callbacks of this turn. */
let isBurst = false

/** The state of the event loop when a request started. */
export interface LoopTurn {
  /** Number of verifications at the start of the request, plus its own since. */
  inlineCount: number
  /** Whether a verification of this request has run. */
  hasRun: boolean
}

/** Must be called before the first await of a request, so that {@link verifySignature} detects concurrent requests. */
export function observeLoopTurn(): LoopTurn {
  return { inlineCount, hasRun: false }
}

/** The algorithm and key of a signature, which determine the duration of its verification. */
export interface Signer {
  readonly alg: ProofAlgorithm
  readonly jwk: PublicJwk
}

/**
 * Verifies a signature. Under `'auto'` the signatures of the first two requests of an event-loop turn are verified inline. Further
 * requests of a burst, slow algorithms and long keys use the thread pool. The option has no effect on platforms without one.
 */
export function verifySignature(
  signer: Signer,
  key: VerificationKey,
  signingInput: string,
  signature: Uint8Array,
  threads: SignatureThreads,
  turn: LoopTurn
): MaybePromise<boolean> {
  const { verifyInPool } = platform
  if (verifyInPool !== undefined && (threads === 'pool' || (threads === 'auto' && (isSlow(signer) || isInBurst(turn))))) {
    return verifyInPool(signer.alg, key, signingInput, signature)
  }
  if (verifyInPool !== undefined && threads === 'auto') noteInline(turn)
  return platform.verify(signer.alg, key, signingInput, signature)
}

function isSlow({ alg, jwk }: Signer): boolean {
  return slowAlgorithms.has(alg) || (jwk.kty === 'RSA' && jwk.n.length > MAX_INLINE_MODULUS_LENGTH)
}

/**
 * Another request was verified in this turn: two in earlier callbacks, or one since this request started if requests are verified
 * concurrently. Requests that are verified sequentially in one callback are not a burst, since none of them waits for the event loop.
 */
function isInBurst(turn: LoopTurn): boolean {
  return isBurst || (requestsThisTurn > 0 && inlineCount !== turn.inlineCount)
}

function noteInline(turn: LoopTurn): void {
  turn.inlineCount = ++inlineCount
  if (turn.hasRun) return
  turn.hasRun = true
  requestsThisTurn++
  if (requestsThisTurn === 1) setImmediate(beginTurn)
  // Not for the first request: most turns have only one, and nextTick would cost more than the rest of this function.
  else if (requestsThisTurn === 2) process.nextTick(endCallback)
}

function endCallback(): void {
  isBurst = true
}

function beginTurn(): void {
  requestsThisTurn = 0
  isBurst = false
}
