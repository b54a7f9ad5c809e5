/** A replay store in Redis or Valkey that instances share, through the client of the application. @module */

import { LRUCache } from 'lru-cache'
import { check, checkKeys, misconfigured } from '../config/option-validation.js'
import type { ReplayContext, ReplayStore } from './replay-store.js'

/** Options of {@link redisReplayStore}. */
export interface RedisReplayStoreOptions {
  /**
   * Sends one command and resolves with its reply. The command is `SET key 1 NX PX milliseconds`, or `EXISTS key` for
   * `verifier.explain()`. The second argument is the key, for clients that need it to select a cluster node.
   *
   * node-redis: `(...args) => client.sendCommand(args)`; its cluster: `(...args) => cluster.sendCommand(args[1], false, args)`;
   * ioredis and iovalkey, cluster or not: `(name, ...args) => client.call(name, ...args)`; valkey-glide:
   * `(...args) => client.customCommand(args)`.
   */
  readonly sendCommand: (...args: [string, string, ...string[]]) => Promise<unknown>
  /** Prefix of the keys. Instances must use the same. @defaultValue 'dpop:' */
  readonly prefix?: string
  /** Milliseconds to wait for a reply before the response is 503. @defaultValue 200 */
  readonly timeoutMs?: number
}

const knownOptions = { sendCommand: true, prefix: true, timeoutMs: true } as const satisfies Record<
  keyof RedisReplayStoreOptions,
  true
>

/** Capacity of the local cache of consumed proofs. */
const MAX_CONSUMED = 100_000

/**
 * Stores consumed proofs for all instances with `SET key 1 NX PX`, which is atomic in Redis from 2.6.12 and in Valkey, on a single
 * server, under Sentinel, or in a Cluster. One command is sent per accepted request. Replays of the last 100 000 consumed proofs that
 * this process has seen are rejected without a command. If the server is unreachable, read-only, loading, full or slow, `reserve`
 * throws and the response is 503; a proof is never accepted. A failover can lose entries that were not replicated yet: see WAIT and your
 * replication settings.
 *
 * @throws TypeError if an option is invalid
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
   * Expiries of proofs whose consumption the server confirmed, so that their replays need no round trip. Entries may be evicted,
   * since the server decides.
   */
  readonly #consumedUntilMs = new LRUCache<string, number>({ max: MAX_CONSUMED })

  constructor(sendCommand: RedisReplayStoreOptions['sendCommand'], prefix: string, timeoutMs: number) {
    this.#sendCommand = sendCommand
    this.#prefix = prefix
    this.#timeoutMs = timeoutMs
  }

  async reserve(key: string, expiresAtMs: number, context?: Partial<ReplayContext>): Promise<boolean> {
    const nowMs = context?.nowMs ?? Date.now()
    if ((this.#consumedUntilMs.get(key) ?? Number.NEGATIVE_INFINITY) >= nowMs) return false
    const ttlMs = Math.max(1, Math.ceil(expiresAtMs - nowMs))
    const isFirst = await this.#set(key, ttlMs)
    this.#consumedUntilMs.set(key, expiresAtMs)
    return isFirst
  }

  /** Sends `EXISTS`, which the ACL of the application may not permit: then it rejects. */
  async has(key: string): Promise<boolean> {
    return String(await this.#inTime(this.#sendCommand('EXISTS', this.#prefix + key))) === '1'
  }

  async ready(): Promise<void> {
    await this.#set('ready', 1)
  }

  /** True if the key did not exist. */
  async #set(key: string, ttlMs: number): Promise<boolean> {
    const reply = await this.#inTime(this.#sendCommand('SET', this.#prefix + key, '1', 'NX', 'PX', String(ttlMs)))
    if (reply === null) return false
    // Some clients return replies as bytes.
    if (String(reply) !== 'OK') throw new Error('Redis replied to SET with neither OK nor nil')
    return true
  }

  async #inTime(reply: Promise<unknown>): Promise<unknown> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('Redis did not reply in time')), this.#timeoutMs)
    })
    try {
      return await Promise.race([reply, timeout])
    } finally {
      clearTimeout(timer)
    }
  }
}
