/** Converts whatever was thrown into the error of an outage, and reports it to operators. @module */

import { debugOutage } from './diagnostics/debug.js'
import { DPoPUnavailableError, type ResponseHeaders } from './errors.js'
import * as telemetry from './telemetry.js'

/** The 503 for a thrown value: with its code and cause if it is one, otherwise with the value as the cause. */
export function toUnavailableError(
  reason: unknown,
  headers: ResponseHeaders = {},
  request?: telemetry.EventRequest
): DPoPUnavailableError {
  const { code, cause } =
    reason instanceof DPoPUnavailableError ? reason : { code: 'ERR_DPOP_VERIFIER_UNAVAILABLE' as const, cause: reason }
  debugOutage(code, cause)
  if (telemetry.unavailable.hasSubscribers) telemetry.unavailable.publish({ code, cause, ...request })
  return new DPoPUnavailableError(code, cause, headers)
}
