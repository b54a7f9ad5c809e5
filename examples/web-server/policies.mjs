/** What each method of /notes requires, for `verifier.explain()`: the same as the routes of ../apis. @module */

import { TWO_FACTOR } from '../notes.mjs'

/** @type {Record<string, import('dpop-guard').Policy>} */
export const policies = {
  GET: { scopes: ['notes:read'] },
  POST: { scopes: ['notes:write'] },
  DELETE: { scopes: ['notes:write'], authentication: { acrValues: [TWO_FACTOR] } }
}
