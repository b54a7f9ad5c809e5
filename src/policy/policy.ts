/** The authorization policy of a route: its validation at registration, and its check before the proof is consumed. @module */

import { checkKeys, misconfigured } from '../config/option-validation.js'
import { warnAboutUnsupportedAcr } from '../config/warnings.js'
import type { MaybePromise } from '../crypto/crypto.js'
import { printable } from '../encoding/printable.js'
import { refuse } from '../errors.js'
import type { RequestLike } from '../request/request.js'
import type { VerifiedRequest } from '../verified-request.js'
import { hasScopes, type ScopeSatisfies, validateScopes } from './scopes.js'
import {
  type AuthenticationRequirement,
  authenticationParams,
  findAuthenticationError,
  validateAuthentication
} from './step-up.js'

/** What a route requires of a verified request. An anonymous request does not satisfy any policy. */
export interface Policy<Request = RequestLike> {
  /** Scopes that the access token must all have: 403 `insufficient_scope` (RFC 6750 §3.1). */
  readonly scopes?: readonly string[] | undefined
  /** Scopes of which the access token must have at least one: 403 `insufficient_scope`. The challenge names all of them. */
  readonly anyScope?: readonly string[] | undefined
  /** How and when the user must have authenticated: 401 `insufficient_user_authentication` (RFC 9470). */
  readonly authentication?: AuthenticationRequirement | undefined
  /**
   * Decides about a verified request: 403 without an OAuth error code, unless the result is true (RFC 9110 §15.5.4). If it throws,
   * the response is 503. It is called after the other requirements, and before the proof is consumed.
   */
  readonly authorize?: ((auth: VerifiedRequest, request: Request) => MaybePromise<boolean>) | undefined
}

/** The members of {@link Policy}, for the validation of objects that contain it. */
export const policyMembers = {
  scopes: true,
  anyScope: true,
  authentication: true,
  authorize: true
} as const satisfies Record<keyof Policy, true>

/** What the check of a policy depends on besides the request. */
export interface PolicyContext {
  readonly scopeSatisfies: ScopeSatisfies
  readonly nowMs: number
  readonly clockToleranceSeconds: number
  /** The `acr_values_supported` of an issuer, if known (RFC 9470 §7). */
  acrValuesSupported(issuer: string): readonly unknown[] | undefined
}

/**
 * Validates the policy of a route when the route is registered. `path` is the prefix of the option names.
 *
 * @throws TypeError that names the member that is unknown or invalid
 */
export function validatePolicy<Request>(policy: Policy<Request>, path = ''): Policy<Request> {
  const { scopes, anyScope, authentication, authorize } = checkKeys(path, policy, policyMembers)
  return Object.freeze({
    ...(scopes !== undefined && { scopes: validateScopes(scopes, `${path}scopes`) }),
    ...(anyScope !== undefined && { anyScope: validateScopes(anyScope, `${path}anyScope`) }),
    ...(authentication !== undefined && { authentication: validateAuthentication(authentication, `${path}authentication`) }),
    ...(authorize !== undefined && { authorize: validateDecision(authorize, `${path}authorize`) })
  })
}

/** Validates the `authorize` function of a route when the route is registered. `name` is the option. */
export function validateDecision<Request>(authorize: Policy<Request>['authorize'], name = 'authorize'): Decision<Request> {
  return typeof authorize === 'function' ? authorize : misconfigured(name, 'be a function')
}

type Decision<Request> = NonNullable<Policy<Request>['authorize']>

/** The policy with `request` as the request of `authorize`, for frameworks with a request object of their own. */
export function withRequest<Request>(policy: Policy<Request>, request: Request): Policy {
  const { authorize, ...others } = policy
  return authorize === undefined ? others : { ...others, authorize: (auth) => authorize(auth, request) }
}

/** Whether a policy requires anything, and with it credentials. */
export function isRestrictive({ scopes, anyScope, authentication, authorize }: Policy): boolean {
  return Boolean(scopes?.length) || anyScope !== undefined || authentication !== undefined || authorize !== undefined
}

/** Rejects a verified request that does not satisfy the policy. RFC 9470 §3: one challenge names authentication and scopes. */
export function checkPolicy(
  auth: VerifiedRequest,
  policy: Policy,
  request: RequestLike,
  context: PolicyContext
): MaybePromise<void> {
  const { authentication, authorize } = policy
  if (authentication !== undefined) checkAuthentication(auth, policy, authentication, context)
  checkScopes(auth.scopes, policy, context.scopeSatisfies)
  return authorize === undefined ? undefined : checkDecision(authorize(auth, request))
}

/** RFC 6750 §3.1: the challenge has all scopes of the policy, whichever the token lacks. */
export function checkScopes(granted: readonly string[], policy: Policy, satisfies: ScopeSatisfies): void {
  const scopeParam = findScopeParam(granted, policy, satisfies)
  if (scopeParam !== undefined) refuse('ERR_DPOP_SCOPE_INSUFFICIENT', { reason: describeScopes(granted, policy) }, scopeParam)
}

function findScopeParam(
  granted: readonly string[],
  { scopes, anyScope }: Policy,
  satisfies: ScopeSatisfies
): { readonly scope: string } | undefined {
  if (hasScopes(granted, { all: scopes, any: anyScope }, satisfies)) return undefined
  // Validated, because the value must need no quoting.
  return { scope: validateScopes([...new Set([...(scopes ?? []), ...(anyScope ?? [])])]).join(' ') }
}

function checkAuthentication(
  auth: VerifiedRequest,
  policy: Policy,
  requirement: AuthenticationRequirement,
  { nowMs, clockToleranceSeconds, scopeSatisfies, acrValuesSupported }: PolicyContext
): void {
  const reason = findAuthenticationError(auth.claims, requirement, nowMs, clockToleranceSeconds)
  if (reason === undefined) return
  warnAboutUnsupportedAcr(auth.issuer, requirement.acrValues, acrValuesSupported(auth.issuer))
  refuse(
    'ERR_DPOP_AUTHENTICATION_INSUFFICIENT',
    { reason },
    {
      ...authenticationParams(requirement),
      ...findScopeParam(auth.scopes, policy, scopeSatisfies)
    }
  )
}

function describeScopes(granted: readonly string[], { scopes, anyScope }: Policy): string {
  const all = scopes?.length ? [`all of ${printable(scopes)}`] : []
  const any = anyScope ? [`one of ${printable(anyScope)}`] : []
  return `scopes are ${printable(granted)}, required are ${[...all, ...any].join(' and ')}`
}

async function checkDecision(decision: MaybePromise<boolean>): Promise<void> {
  // Fails closed: any value other than true rejects the request.
  if ((await decision) !== true) refuse('ERR_DPOP_ACCESS_DENIED')
}
