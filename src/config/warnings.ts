/** What is valid and most likely a mistake: told to the operator, once for each process, and never to a client. @module */

import { isMemoryReplayStore } from '../freshness/memory-replay-store.js'
import type { ReplayStore } from '../freshness/replay.js'
import * as telemetry from '../telemetry.js'

const told = new Set<telemetry.MisconfiguredEvent['code']>()

/** Warns where used proofs are remembered in this process alone, and this process is not the only one. */
export function warnAboutUnsharedMemory(replay: ReplayStore | false, instances: number): void {
  if (!isMemoryReplayStore(replay) || (instances === 1 && !isClusterWorker())) return
  warnOnce({
    code: 'DPOP_GUARD_LONE_MEMORY',
    message:
      'Several processes serve this API, and memoryReplayStore() remembers used proofs in this one alone: each process ' +
      'accepts a proof once. Give all of them a store that they share, such as redisReplayStore(), in the option "replay".'
  })
}

function warnOnce(event: telemetry.MisconfiguredEvent): void {
  if (told.has(event.code)) return
  told.add(event.code)
  telemetry.misconfigured.publish(event)
  globalThis.process?.emitWarning?.(event.message, { type: 'DPoPGuardWarning', code: event.code })
}

/** A worker of node:cluster, and of what is built on it. Asked for by name, so that the core also loads where there is none. */
function isClusterWorker(): boolean {
  const cluster = globalThis.process?.getBuiltinModule?.('node:cluster') as { readonly isWorker?: boolean } | undefined
  return cluster?.isWorker === true
}
