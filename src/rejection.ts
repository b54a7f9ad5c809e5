/** Converts a refusal into the error of a rejected request, and reports it to operators. @module */

import { debugRefusal } from './diagnostics/debug.js'
import { DPoPError, type Refusal, type ResponseHeaders } from './errors.js'
import * as telemetry from './telemetry.js'

/** The error for a refusal, with the header fields of its response. */
export function toDPoPError(
  { code, detail }: Pick<Refusal, 'code' | 'detail'>,
  headers: ResponseHeaders = {},
  { method, route }: Partial<telemetry.EventRequest> = {}
): DPoPError {
  debugRefusal(code, detail)
  if (telemetry.refused.hasSubscribers) telemetry.refused.publish({ code, detail: { ...detail }, method, route })
  return new DPoPError(code, headers)
}
