/** The statements of docs/identity-providers.md about each provider: by fixture, the rejection by the defaults and the scopes of each configuration. */

interface Expectation {
  /** The start of the reason for which the defaults reject the token; undefined if they accept it. */
  readonly rejectedBecause?: string
  /** The scopes that each configuration of the section grants. */
  readonly configurations: Readonly<Record<string, readonly string[]>>
}

export const expectations: Readonly<Record<string, Expectation>> = {
  auth0: {
    rejectedBecause: 'typ is "JWT"',
    configurations: { auth0: ['openid', 'notes:read'], auth0Permissions: ['notes:read', 'notes:write'] }
  },
  auth0Rfc9068: { configurations: { auth0Rfc9068: ['openid', 'notes:read'] } },
  okta: { rejectedBecause: 'typ is missing', configurations: { okta: ['openid', 'notes:read'] } },
  entra: {
    rejectedBecause: 'typ is "JWT"',
    configurations: { entra: ['Notes.Read', 'Notes.Write'], entraRoles: ['Notes.Read', 'Notes.Write'] }
  },
  keycloak: {
    rejectedBecause: 'typ is "JWT"',
    configurations: { keycloak: ['openid', 'notes:read'], keycloakRoles: ['offline_access', 'notes-admin'] }
  },
  keycloakRfc9068: { rejectedBecause: 'client_id is missing', configurations: { keycloakRfc9068: ['openid', 'notes:read'] } },
  keycloakLightweight: { rejectedBecause: 'typ is "JWT"', configurations: { keycloakLightweight: ['openid', 'notes:read'] } },
  duende: { configurations: { duende: ['openid', 'notes.read'] } },
  duendeClient: { rejectedBecause: 'sub is missing', configurations: { duendeClient: ['notes.read'] } },
  ping: { rejectedBecause: 'typ is missing', configurations: { ping: ['openid', 'notes:read'] } },
  curity: { configurations: { curity: ['openid', 'notes:read'] } },
  zitadel: { rejectedBecause: 'typ is "JWT"', configurations: { zitadel: ['openid', 'notes:read'] } },
  spring: { rejectedBecause: 'typ is missing', configurations: { spring: ['openid', 'notes:read'] } },
  hydra: { rejectedBecause: 'typ is "JWT"', configurations: { hydra: ['openid', 'notes:read'] } },
  oidcProvider: { configurations: { oidcProvider: ['notes:read'] } },
  atproto: { configurations: { atproto: ['atproto', 'transition:generic'] } },
  cognitoResource: { rejectedBecause: 'typ is missing', configurations: { cognitoResource: ['notes/read'] } },
  cognito: { rejectedBecause: 'typ is missing', configurations: {} }
}
