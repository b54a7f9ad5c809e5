/** Replay memory that instances share, in Redis or Valkey, through whatever client the application already has. @module */

import { LRUCache } from 'lru-cache'
import { check, checkKeys, misconfigured } from '../config/option-validation.js'
import type { ReplayContext, ReplayStore } from './replay.js'

/** Options of {@link redisReplayStore}. */
export interface RedisReplayStoreOptions {
  /**
   * Sends one command and gives its reply. The command is always `SET key 1 NX PX milliseconds`: the key is the second
   * argument, for clients that want it to find the node of a cluster.
   *
   * node-redis: `(...args) => client.sendCommand(args)`; its cluster: `(...args) => cluster.sendCommand(args[1], false, args)`;
   * ioredis and iovalkey, cluster or not: `(name, ...args) => client.call(name, ...args)`; valkey-glide: `(...args) => client.customCommand(args)`.
   */
  readonly sendCommand: (...args: [string, string, ...string[]]) => Promise<unknown>
  /** What the keys begin with. Instances that share it share their memory. @defaultValue 'dpop:' */
  readonly prefix?: string
  /** Milliseconds to wait for a reply; after that the request is answered with 503. @defaultValue 200 */
  readonly timeoutMs?: number
}

const knownOptions = { sendCommand: true, prefix: true, timeoutMs: true } as const satisfies Record<
  keyof RedisReplayStoreOptions,
  true
>

/** Proofs that this process saw lately and refuses again without asking. */
const MAX_SEEN_HERE = 100_000

/**
 * Remembers used proofs where all instances see them: `SET key 1 NX PX`, atomic in Redis from 2.6.12 and in Valkey, on a single
 * server, under Sentinel, or in a Cluster. Where the server is out of reach, read-only, loading, full or slow, `reserve` throws,
 * which the verifier answers with 503; it never lets a proof through. A failover may lose what the replica had not seen yet:
 * see WAIT and your replication settings.
 *
 * @throws TypeError where an option is wrong
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-11.1 | RFC 9449 §11.1}
 */
export function redisReplayStore(options: RedisReplayStoreOptions): ReplayStore {
  checkKeys('', options, knownOptions)
  const { sendCommand, prefix = 'dpop:' } = options
  if (typeof sendCommand !== 'function') misconfigured('sendCommand', 'be a function')
  if (typeof prefix !== 'string') misconfigured('prefix', 'be a string')
  const timeoutMs = check.integer('timeoutMs', options.timeoutMs, { min: 1, max: 60_000, otherwise: 200 })
  return new RedisReplayStore(sendCommand, prefix, timeoutMs)
}

class RedisReplayStore implements ReplayStore {
  readonly #sendCommand: RedisReplayStoreOptions['sendCommand']
  readonly #prefix: string
  readonly #timeoutMs: number
  /**
   * Until when a proof is used up, as the server confirmed: one whose reservation failed is not. The server is the judge, so
   * that this may forget.
   */
  readonly #usedUntilMs = new LRUCache<string, number>({ max: MAX_SEEN_HERE })

  constructor(sendCommand: RedisReplayStoreOptions['sendCommand'], prefix: string, timeoutMs: number) {
    this.#sendCommand = sendCommand
    this.#prefix = prefix
    this.#timeoutMs = timeoutMs
  }

  async reserve(key: string, expiresAtMs: number, context?: Partial<ReplayContext>): Promise<boolean> {
    const nowMs = context?.nowMs ?? Date.now()
    if ((this.#usedUntilMs.get(key) ?? Number.NEGATIVE_INFINITY) >= nowMs) return false
    const ttlMs = Math.max(1, Math.ceil(expiresAtMs - nowMs))
    const isFirst = await this.#set(key, ttlMs)
    this.#usedUntilMs.set(key, expiresAtMs)
    return isFirst
  }

  async ready(): Promise<void> {
    await this.#set('ready', 1)
  }

  /** True where the key was not there. */
  async #set(key: string, ttlMs: number): Promise<boolean> {
    const reply = await this.#inTime(this.#sendCommand('SET', this.#prefix + key, '1', 'NX', 'PX', String(ttlMs)))
    if (reply === null) return false
    // Some clients give replies as bytes.
    if (String(reply) !== 'OK') throw new Error('Redis answered SET with neither OK nor nil')
    return true
  }

  async #inTime(reply: Promise<unknown>): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('Redis did not answer in time')), this.#timeoutMs)
    })
    try {
      return await Promise.race([reply, tooLate])
    } finally {
      clearTimeout(timer)
    }
  }
}
