/** Client authentication of this API at an authorization server (OpenID Connect Core §9). @module */

import type { JWK } from 'jose'
import type { IntrospectionConfig } from '../config/issuers.js'

const ASSERTION_SECONDS = 60

/** The header field or parameters that authenticate a request. */
export interface ClientAuthentication {
  readonly authorization?: { readonly authorization: string }
  readonly parameters?: Readonly<Record<string, string>>
}

/** RFC 7662 §2.1: introspection requests must be authenticated. */
export async function authenticate(
  { clientId, clientSecret, privateKey, authMethod }: IntrospectionConfig,
  issuer: string,
  nowMs: number
): Promise<ClientAuthentication> {
  switch (authMethod) {
    case 'client_secret_basic': {
      const credentials = `${formEncode(clientId)}:${formEncode(clientSecret as string)}`
      return { authorization: { authorization: `Basic ${btoa(credentials)}` } }
    }
    case 'client_secret_post':
      return { parameters: { client_id: clientId, client_secret: clientSecret as string } }
    case 'private_key_jwt':
      return {
        parameters: {
          client_id: clientId,
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await signAssertion(clientId, issuer, privateKey as JWK & { alg: string }, nowMs)
        }
      }
  }
}

/** RFC 7523 §3. */
async function signAssertion(clientId: string, issuer: string, jwk: JWK & { alg: string }, nowMs: number): Promise<string> {
  // Loaded on demand, because most APIs do not sign anything.
  const { importJWK, SignJWT } = await import('jose')
  const iat = Math.floor(nowMs / 1000)
  const claims = { iss: clientId, sub: clientId, aud: issuer, jti: crypto.randomUUID(), iat, exp: iat + ASSERTION_SECONDS }
  const header = { alg: jwk.alg, ...(jwk.kid && { kid: jwk.kid }) }
  return await new SignJWT(claims).setProtectedHeader(header).sign(await importJWK(jwk))
}

/** RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined. */
function formEncode(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1)
}
