/** Decides where a signature is verified: on the event loop, which costs least, or in the thread pool, which holds nobody up. @module */

import { platform } from '#crypto'
import type { MaybePromise, ProofAlgorithm, PublicJwk, VerificationKey } from './crypto.js'

/** Where signatures are verified. */
export type SignatureThreads = 'inline' | 'pool' | 'auto'

/** 4096 bits, in characters of base64url: a longer modulus takes longer than the way to the pool and back. */
const LONGEST_QUICK_MODULUS = 683

// The event loop is one for all verifiers of a process, and so is this.
/** How many verifications have run on the event loop. */
let inlineCount = 0
/** For how many requests one ran in this turn of the loop. */
let thisTurn = 0
/** Whether the callback is over in which the second of them ran. */
let isBurst = false

/** What a request knows of the event loop. */
export interface LoopTurn {
  /** How many verifications had run when it began, its own since then included. */
  inlineCount: number
  /** Whether one of its own has run. */
  hasRun: boolean
}

/** Before the first await of a request: a mark by which {@link verifySignature} sees who came in between. */
export function observeLoopTurn(): LoopTurn {
  return { inlineCount, hasRun: false }
}

/** Who made a signature: what tells how long its verification takes. */
export interface Signer {
  readonly alg: ProofAlgorithm
  readonly jwk: PublicJwk
}

/**
 * Verifies a signature. Under `'auto'` those of the first two requests of a turn of the event loop run inline, and the rest of a
 * burst in the pool, as do slow algorithms and keys. Where the platform has no pool of its own, it decides.
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
  return alg === 'ES384' || alg === 'ES512' || (jwk.kty === 'RSA' && jwk.n.length > LONGEST_QUICK_MODULUS)
}

/**
 * Somebody else was verified in this turn already: two in earlier callbacks, or, where requests are verified side by side,
 * one since this one began. Requests that wait for each other in one callback are no burst: nobody else waits for the loop.
 */
function isInBurst(turn: LoopTurn): boolean {
  return isBurst || (thisTurn > 0 && inlineCount !== turn.inlineCount)
}

function noteInline(turn: LoopTurn): void {
  turn.inlineCount = ++inlineCount
  if (turn.hasRun) return
  turn.hasRun = true
  thisTurn++
  if (thisTurn === 1) setImmediate(beginTurn)
  // Not for the first: most turns have one request, and a tick costs more than all the rest of this.
  else if (thisTurn === 2) process.nextTick(endCallback)
}

function endCallback(): void {
  isBurst = true
}

function beginTurn(): void {
  thisTurn = 0
  isBurst = false
}
