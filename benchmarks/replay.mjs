/** Replay memory: what an entry costs in time and in bytes, at a million live ones. Run with `--expose-gc`. */

import { randomBytes, randomFillSync } from 'node:crypto'
import { memoryReplayStore } from 'dpop-guard'
import { deliver, progress } from './lib/part.mjs'
import { median } from './lib/stats.mjs'
import { waitedMilliseconds } from './lib/waiting.mjs'

const LIVE = 1_000_000
const TTL_MS = 336_000
const STEP_MS = TTL_MS / LIVE
const GROWTHS = 3
/** From here on an insert is worth a look at the scheduler. */
const SLOW_MS = 0.5
const CHURN = 2 * LIVE
/** Keys are made outside of what is timed, and few at once: on a server none of them lives long enough for a collector to copy it. */
const CHUNK = 500
/** Random bytes for many keys at once: a native object for each would make pauses of the collector that are none of the store's. */
const KEY_BYTES = 33
const random = Buffer.alloc(KEY_BYTES * CHUNK)
const START_MS = Date.now()
const clients = Array.from({ length: 100 }, () => newText(43))

const stores = { memory: memory() }
deliver({ live: LIVE, stores })

function memory() {
  progress('replay: growing to a million live entries')
  const means = Array.from({ length: GROWTHS }, () => insert(newStore(), 0, LIVE, wholeChunks))
  const worsts = Array.from({ length: GROWTHS }, () => insert(newStore(), 0, LIVE, eachInsert))
  progress('replay: a million live entries, steady churn')
  const { bytes, mean, worst } = steadyChurn()
  return {
    growth: {
      runs: GROWTHS,
      meanMicroseconds: median(means.map(({ total }) => total / LIVE)),
      worstMilliseconds: median(worsts.map(({ worst }) => worst.own)),
      worstWallMilliseconds: median(worsts.map(({ worst }) => worst.wall))
    },
    churn: {
      inserts: CHURN,
      meanMicroseconds: mean,
      worstMilliseconds: worst.own,
      worstWallMilliseconds: worst.wall,
      bytesPerLiveEntry: bytes / LIVE
    }
  }
}

/** Every insert finds one entry expired: a million are live all the time. */
function steadyChurn() {
  const before = heldBytes()
  const store = newStore()
  insert(store, 0, LIVE, wholeChunks)
  const { total } = insert(store, LIVE, CHURN, wholeChunks)
  const { worst } = insert(store, LIVE + CHURN, LIVE, eachInsert)
  const bytes = heldBytes() - before
  // The store must live until its bytes are counted.
  if (store.reserve(newText(22), START_MS + 9 * TTL_MS, { nowMs: START_MS + 8 * TTL_MS }) !== true)
    throw new Error('A new key was refused')
  return { bytes, mean: total / CHURN, worst }
}

function newStore() {
  return memoryReplayStore({ maxEntries: 2 * LIVE })
}

/** Reserves `count` new keys, one every STEP_MS of the clock of the store. */
function insert(store, first, count, timed) {
  let total = 0
  const worst = { own: 0, wall: 0 }
  for (let begin = first; begin < first + count; begin += CHUNK) {
    const keys = newKeys()
    const contexts = keys.map((_, i) => ({
      nowMs: START_MS + Math.floor((begin + i) * STEP_MS),
      jkt: clients[i % clients.length]
    }))
    total += timed(store, keys, contexts, worst)
  }
  return { total, worst }
}

/** For the mean: CPU of a whole chunk. */
function wholeChunks(store, keys, contexts) {
  const begin = cpuMicroseconds()
  for (let i = 0; i < CHUNK; i++) reserve(store, keys[i], contexts[i])
  return cpuMicroseconds() - begin
}

/** For the worst: each insert alone, less the time for which another process had the core. */
function eachInsert(store, keys, contexts, worst) {
  let waited = waitedMilliseconds()
  for (let i = 0; i < CHUNK; i++) {
    const begin = performance.now()
    reserve(store, keys[i], contexts[i])
    const wall = performance.now() - begin
    if (wall <= Math.min(worst.own, SLOW_MS)) continue
    const waitedUntilNow = waitedMilliseconds()
    worst.own = Math.max(worst.own, wall - (waitedUntilNow - waited))
    worst.wall = Math.max(worst.wall, wall)
    waited = waitedUntilNow
  }
  return 0
}

function reserve(store, key, context) {
  if (store.reserve(key, context.nowMs + TTL_MS, context) !== true) throw new Error('A new key was refused')
}

function cpuMicroseconds() {
  const { user, system } = process.cpuUsage()
  return user + system
}

function newKeys() {
  randomFillSync(random)
  return Array.from({ length: CHUNK }, (_, i) => random.toString('base64url', i * KEY_BYTES, (i + 1) * KEY_BYTES).slice(0, 22))
}

function newText(length) {
  return randomBytes(KEY_BYTES).toString('base64url').slice(0, length)
}

function heldBytes() {
  for (let i = 0; i < 3; i++) globalThis.gc()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}
