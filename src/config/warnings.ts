/** Warns operators about valid options that are likely a mistake, once per process and message. @module */

import { builtinModule } from '../builtin-module.js'
import { printRefusal } from '../diagnostics/debug.js'
import { printable } from '../encoding/printable.js'
import type { DPoPErrorCode, RefusalDetail } from '../errors.js'
import { isMemoryReplayStore } from '../freshness/memory-replay-store.js'
import type { ReplayStore } from '../freshness/replay-store.js'
import * as telemetry from '../telemetry.js'

/** The keys of the warnings that were emitted: the message, unless it depends on a request. */
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

/** RFC 9728 §7.4: warns about a published resource that no issuer's tokens can have as their audience. */
export function warnAboutAudience(
  issuers: readonly { readonly audience: readonly string[] }[],
  resources: readonly string[]
): void {
  const missing = resources.filter((resource) => !issuers.some(({ audience }) => audience.includes(resource)))
  if (missing.length > 0) warnAboutMetadata(`publishes ${printable(missing)}, which the option "audience" does not contain`)
}

/** RFC 9728 §2.1: warns about a translated member without the member itself. */
export function warnAboutLanguageTags(names: readonly string[]): void {
  const tagged = names.filter((name) => name.includes('#') && !names.includes(name.slice(0, name.indexOf('#'))))
  if (tagged.length > 0) warnAboutMetadata(`has ${printable(tagged)} without the member that has no language tag`)
}

/** RFC 9728 §4: warns if the issuer lists the resources that it serves, and none of these is among them. */
export function warnAboutUnlistedResources(issuer: string, resources: readonly string[], listed: unknown): void {
  if (!Array.isArray(listed) || resources.length === 0 || resources.some((resource) => listed.includes(resource))) return
  warnAboutMetadata(
    `publishes ${printable(resources)}, none of which is in protected_resources of the issuer ${printable(issuer)}: clients may ` +
      'not request tokens for them'
  )
}

/** RFC 9728 §2: warns if a policy requires scopes that `scopes_supported` lacks. */
export function warnAboutUnpublishedScopes(scopes: readonly string[]): void {
  if (scopes.length === 0) return
  warnAboutMetadata(
    `lacks ${printable(scopes)} in scopes_supported, which a policy requires: clients may not request them. Add them to ` +
      '"metadata.scopesSupported".'
  )
}

function warnAboutMetadata(what: string): void {
  warnOnce({ code: 'DPOP_GUARD_METADATA', message: `The protected resource metadata ${what}` })
}

/** Codes of rejections that wrong options, a wrong clock or an unprepared authorization server cause for every request. */
const configurationCodes: ReadonlySet<DPoPErrorCode> = new Set([
  'ERR_DPOP_SCHEME_NOT_ALLOWED',
  'ERR_DPOP_PROOF_HTU',
  'ERR_DPOP_PROOF_IAT',
  'ERR_DPOP_TOKEN_INVALID',
  'ERR_DPOP_TOKEN_UNBOUND'
] as const)

/**
 * Warns about a rejection that is likely due to the configuration, as no request was accepted yet. Once per error code, so that clients
 * cannot fill the log. It is not published as an event, since the rejection is.
 */
export function warnAboutRejection(code: DPoPErrorCode, detail: RefusalDetail | undefined): void {
  if (!configurationCodes.has(code) || !isFirst(code)) return
  printRefusal(code, detail, (line) => {
    const message = `No request was accepted yet, and one was rejected. If this is unexpected: ${line}`
    emitWarning(message, 'DPOP_GUARD_NOTHING_ACCEPTED')
  })
}

function warnOnce(event: telemetry.MisconfiguredEvent): void {
  if (!isFirst(event.message)) return
  telemetry.misconfigured.publish(event)
  emitWarning(event.message, event.code)
}

function isFirst(key: string): boolean {
  if (emitted.has(key) || emitted.size >= MAX_WARNINGS) return false
  emitted.add(key)
  return true
}

/** A warning must never fail a request: the edge runtime of Next.js has the function, but throws. */
function emitWarning(message: string, code: string): void {
  try {
    globalThis.process?.emitWarning?.(message, { type: 'DPoPGuardWarning', code })
  } catch {
    // biome-ignore lint/suspicious/noConsole: there is no other log
    console.warn(`dpop-guard: ${message}`)
  }
}

function isClusterWorker(): boolean {
  return builtinModule('node:cluster')?.isWorker === true
}
