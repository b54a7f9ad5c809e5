import { optionsFromEnv } from 'dpop-guard'
import { withDPoP } from 'dpop-guard/fetch'

export const runtime = 'edge'

export const GET = withDPoP(optionsFromEnv, (_request, auth) => Response.json({ owner: auth.claims.sub }))
