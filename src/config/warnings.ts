/** Warns operators about valid options that are likely a mistake, once per process and message. @module */

import { printable } from '../encoding/printable.js'
import { isMemoryReplayStore } from '../freshness/memory-replay-store.js'
import type { ReplayStore } from '../freshness/replay.js'
import * as telemetry from '../telemetry.js'

/** Messages that were emitted. */
const emitted = new Set<string>()
/** Bounds the number of warnings, because the values of a policy may be computed for each request. */
const MAX_WARNINGS = 100

/** Warns if several processes serve the API and each has its own memory store. */
export function warnAboutUnsharedMemory(replay: ReplayStore | false, instances: number): void {
  if (!isMemoryReplayStore(replay) || (instances === 1 && !isClusterWorker())) return
  warnOnce({
    code: 'DPOP_GUARD_LONE_MEMORY',
    message:
      'Several processes serve this API, but memoryReplayStore() is not shared between processes: each process accepts a ' +
      'proof once. Set the option "replay" to a shared store, such as redisReplayStore().'
  })
}

/**
 * RFC 9470 §7: warns if a policy requires an acr that the issuer does not support. The client would authenticate the user again and
 * again.
 */
export function warnAboutUnsupportedAcr(
  issuer: string,
  acrValues: readonly string[] = [],
  supported: readonly unknown[] = acrValues
): void {
  const unsupported = acrValues.filter((acr) => !supported.includes(acr))
  if (unsupported.length === 0) return
  warnOnce({
    code: 'DPOP_GUARD_ACR_UNSUPPORTED',
    message:
      `A policy requires an acr of ${printable(unsupported)}, which acr_values_supported of the issuer ${printable(issuer)} does not ` +
      'contain: a client that authenticates the user again does not satisfy the policy. Set "acrValues" to supported values.'
  })
}

function warnOnce(event: telemetry.MisconfiguredEvent): void {
  if (emitted.has(event.message) || emitted.size >= MAX_WARNINGS) return
  emitted.add(event.message)
  telemetry.misconfigured.publish(event)
  globalThis.process?.emitWarning?.(event.message, { type: 'DPoPGuardWarning', code: event.code })
}

/** Whether this process is a worker of node:cluster. Loaded at run time, so that the core also loads on other runtimes. */
function isClusterWorker(): boolean {
  const cluster = globalThis.process?.getBuiltinModule?.('node:cluster') as { readonly isWorker?: boolean } | undefined
  return cluster?.isWorker === true
}
