import { optionsFromEnv } from 'dpop-guard'
import { withDPoP } from 'dpop-guard/fetch'

// The environment is read at the first request: `next build` has none.
export const GET = withDPoP(optionsFromEnv, (_request, auth) => Response.json({ owner: auth.claims.sub }))
