/** Warns operators about valid options that are likely a mistake, once per process. @module */

import { isMemoryReplayStore } from '../freshness/memory-replay-store.js'
import type { ReplayStore } from '../freshness/replay.js'
import * as telemetry from '../telemetry.js'

const emitted = new Set<telemetry.MisconfiguredEvent['code']>()

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

function warnOnce(event: telemetry.MisconfiguredEvent): void {
  if (emitted.has(event.code)) return
  emitted.add(event.code)
  telemetry.misconfigured.publish(event)
  globalThis.process?.emitWarning?.(event.message, { type: 'DPoPGuardWarning', code: event.code })
}

/** Whether this process is a worker of node:cluster. Loaded at run time, so that the core also loads on other runtimes. */
function isClusterWorker(): boolean {
  const cluster = globalThis.process?.getBuiltinModule?.('node:cluster') as { readonly isWorker?: boolean } | undefined
  return cluster?.isWorker === true
}
