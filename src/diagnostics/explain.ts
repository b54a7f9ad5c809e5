/** Runs all checks of a request without consuming its proof, for `verifier.explain()`. @module */

import type { VerifierConfig } from '../config/config.js'
import type { MaybePromise } from '../crypto/crypto.js'
import { observeLoopTurn } from '../crypto/signature-threads.js'
import { DPoPUnavailableError, Refusal, type RefusalDetail, refuse } from '../errors.js'
import type { Fresh, Freshness } from '../freshness/freshness.js'
import { isRestrictive, type Policy } from '../policy/policy.js'
import {
  checkAth,
  checkHtm,
  checkHtu,
  checkSignature,
  checkTyp,
  decodeHeader,
  type Proof,
  readAlg,
  readClaims,
  readKey,
  splitProof
} from '../proof/proof.js'
import { ProofKeyCache } from '../proof/proof-key-cache.js'
import { checkToken68, isAnonymous, parseAuthorization, proofOf, tokenOf } from '../request/credentials.js'
import { type IncomingRequest, type RequestLike, readRequest } from '../request/request.js'
import { targetUrisOf } from '../request/target-uri.js'
import type { AccessTokens, PresentedToken, VerifiedToken } from '../token/access-token.js'
import { checkBearerBinding, checkProofBinding } from '../token/binding.js'
import type { AudienceComparison } from '../token/claims.js'
import { checkClientCertificate } from '../token/client-certificate.js'
import { causesOf } from './causes.js'
import { type AnyErrorCode, hintOf } from './hints.js'

/** The result of one check. */
export interface ExplainedCheck {
  /** The name of the check, such as `htu`. */
  readonly rule: string
  /** The section that requires it. */
  readonly section: string
  /** `skipped`: the check does not apply, or an earlier one that it depends on failed. */
  readonly outcome: 'pass' | 'fail' | 'skipped'
  /** The error code of a failed check. The first one is that of the response, unless a hook in the options throws. */
  readonly code?: AnyErrorCode
  readonly expected?: string
  readonly received?: string
  /** What to look at. Never has a token, a proof, a nonce or a personal claim. */
  readonly hint?: string
}

/** The sections of the checks, in the order in which they run. */
const sections = {
  request: 'RFC 9110 §7.2',
  authorization: 'RFC 9449 §7.1',
  scheme: 'RFC 9449 §7.1',
  proof: 'RFC 9449 §4.3 #1',
  jwt: 'RFC 9449 §4.3 #2',
  typ: 'RFC 9449 §4.3 #4',
  alg: 'RFC 9449 §4.3 #5',
  jwk: 'RFC 9449 §4.3 #7',
  claims: 'RFC 9449 §4.3 #3',
  htm: 'RFC 9449 §4.3 #8',
  htu: 'RFC 9449 §4.3 #9',
  ath: 'RFC 9449 §4.3 #12',
  'access token': 'RFC 9068 §4',
  binding: 'RFC 9449 §4.3 #12',
  'client certificate': 'RFC 8705 §3',
  signature: 'RFC 9449 §4.3 #6',
  freshness: 'RFC 9449 §4.3 #10, #11',
  policy: 'RFC 6750 §3.1, RFC 9470',
  replay: 'RFC 9449 §11.1'
} as const

type Rule = keyof typeof sections

/** The parts of a verifier that the checks use. */
export interface VerifierParts {
  readonly config: VerifierConfig
  readonly tokens: AccessTokens
  readonly freshness: Freshness
  readonly audienceComparison: AudienceComparison | undefined
  /** Verifies a token for the resource of the request. */
  verifyToken(token: PresentedToken, incoming: IncomingRequest): Promise<VerifiedToken>
  /** Checks a policy of a verified request. The proof may be undefined or not verified. */
  checkPolicy(verified: VerifiedToken, token: PresentedToken, policy: Policy, request: RequestLike, proof?: Proof): Promise<void>
}

/** Runs the checks in the order of the verifier, and those that do not depend on a failed one after it. */
export async function explainRequest(
  parts: VerifierParts,
  request: RequestLike,
  policy: Policy,
  target: string | undefined
): Promise<readonly ExplainedCheck[]> {
  const report = new Report()
  const incoming = await report.run('request', () => readRequest(request, target))
  if (incoming === undefined) return report.finish()
  if (parts.config.optional && !isRestrictive(policy) && isAnonymous(incoming)) {
    report.add('authorization', { outcome: 'pass', received: 'no credentials, which the option optional accepts' })
    return report.finish()
  }
  const isBearer = parts.config.allowBearer && parseAuthorization(incoming).scheme === 'Bearer'
  const token = await explainCredentials(report, parts, incoming)
  const proof = isBearer ? undefined : await explainProof(report, parts, incoming)
  const uri = proof && (await explainTarget(report, parts, proof, incoming, request))
  if (proof && token) await report.run('ath', () => checkAth(proof.claims, token.hash))
  const verified = token && (await report.run('access token', () => parts.verifyToken(token, incoming)))
  if (verified && (proof || isBearer)) await explainBinding(report, parts, verified, request, proof)
  if (proof) await report.run('signature', () => explainSignature(parts, proof))
  const fresh = proof && (await report.run('freshness', () => parts.freshness.check(proof, request)))
  if (verified && token && isRestrictive(policy))
    await report.run('policy', () => parts.checkPolicy(verified, token, policy, request, proof))
  if (proof && uri && fresh) await explainReplay(report, parts, proof, uri, fresh)
  return report.finish()
}

async function explainCredentials(
  report: Report,
  { config, tokens, audienceComparison }: VerifierParts,
  incoming: IncomingRequest
): Promise<PresentedToken | undefined> {
  const authorization = parseAuthorization(incoming)
  const token = await report.run('authorization', async () => {
    const text = tokenOf(authorization, incoming)
    const presented = await tokens.present(text, config.clock(), observeLoopTurn(), audienceComparison)
    if (presented.cached === undefined) checkToken68(presented.text)
    return presented
  })
  if (token === undefined) return undefined
  await report.run('scheme', () => {
    if (authorization.scheme === 'Bearer' && !config.allowBearer) refuse('ERR_DPOP_SCHEME_NOT_ALLOWED')
  })
  return token
}

async function explainProof(report: Report, { config }: VerifierParts, incoming: IncomingRequest): Promise<Proof | undefined> {
  const jwt = await report.run('proof', () => proofOf(incoming))
  if (jwt === undefined) return undefined
  const parts = await report.run('jwt', () => {
    const jws = splitProof(jwt, config.proof)
    return { jws, parameters: decodeHeader(jws.header) }
  })
  if (parts === undefined) return undefined
  const { jws, parameters } = parts
  await report.run('typ', () => checkTyp(parameters))
  const alg = await report.run('alg', () => readAlg(parameters, config.proof))
  const header = alg && (await report.run('jwk', () => readKey(parameters, alg)))
  const claims = await report.run('claims', () => readClaims(jws.payload))
  return header && claims && { jws, header, claims }
}

async function explainTarget(
  report: Report,
  { config: { baseUrls } }: VerifierParts,
  { claims }: Proof,
  incoming: IncomingRequest,
  request: RequestLike
): Promise<string | undefined> {
  const bases = await report.attempt('htu', async () => (typeof baseUrls === 'function' ? await baseUrls(request) : baseUrls))
  await report.run('htm', () => checkHtm(claims, incoming))
  return bases && (await report.run('htu', () => checkHtu(claims, targetUrisOf(incoming, bases), incoming)))
}

async function explainBinding(
  report: Report,
  { config }: VerifierParts,
  { confirmation }: VerifiedToken,
  request: RequestLike,
  proof: Proof | undefined
): Promise<void> {
  await report.run('binding', () =>
    proof === undefined ? checkBearerBinding(confirmation) : checkProofBinding(confirmation, proof.header.jkt)
  )
  const { x5tS256 } = confirmation
  if (x5tS256 !== undefined)
    await report.run('client certificate', () => checkClientCertificate(x5tS256, request, config.clientCertificate))
}

/** With a cache of its own: a header whose typ or alg was rejected must not be used for other requests. */
function explainSignature({ config: { signatureThreads } }: VerifierParts, proof: Proof): MaybePromise<void> {
  return checkSignature(proof, new ProofKeyCache(1), signatureThreads, observeLoopTurn())
}

async function explainReplay(
  report: Report,
  { freshness }: VerifierParts,
  proof: Proof,
  uri: string,
  fresh: Fresh
): Promise<void> {
  const isConsumed = await freshness.isConsumed(proof, uri, fresh)
  if (isConsumed === undefined)
    report.add('replay', { outcome: 'skipped', hint: 'the replay store cannot look up a proof without consuming it' })
  else await report.run('replay', () => (isConsumed ? refuse('ERR_DPOP_PROOF_REPLAYED') : undefined))
}

/** Collects the results of the checks. */
class Report {
  readonly #results = new Map<Rule, Omit<ExplainedCheck, 'rule' | 'section'>>()

  /** Runs a check and returns its result; undefined if it failed, or has none. */
  async run<T>(rule: Rule, check: () => T | Promise<T>): Promise<T | undefined> {
    const result = await this.attempt(rule, check)
    if (!this.#results.has(rule)) this.add(rule, { outcome: 'pass' })
    return result
  }

  /** The same, without a result if it passed. */
  async attempt<T>(rule: Rule, check: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await check()
    } catch (reason) {
      this.add(rule, failureOf(reason))
      return undefined
    }
  }

  add(rule: Rule, result: Omit<ExplainedCheck, 'rule' | 'section'>): void {
    this.#results.set(rule, result)
  }

  /** All checks in order. Those without a result were skipped. */
  finish(): readonly ExplainedCheck[] {
    return (Object.keys(sections) as Rule[]).map((rule) => ({
      rule,
      section: sections[rule],
      ...(this.#results.get(rule) ?? { outcome: 'skipped' })
    }))
  }
}

function failureOf(reason: unknown): Omit<ExplainedCheck, 'rule' | 'section'> {
  if (reason instanceof Refusal) {
    const { code, detail = {} } = reason
    return { outcome: 'fail', code, ...factsOf(detail), hint: hintOf(code, detail) }
  }
  const { code, cause } =
    reason instanceof DPoPUnavailableError ? reason : { code: 'ERR_DPOP_VERIFIER_UNAVAILABLE' as const, cause: reason }
  return { outcome: 'fail', code, received: causesOf(cause).join(' <- '), hint: hintOf(code) }
}

function factsOf({
  reason,
  expectedHtu,
  receivedHtu,
  skewSeconds
}: RefusalDetail): Pick<ExplainedCheck, 'expected' | 'received'> {
  if (expectedHtu !== undefined && receivedHtu !== undefined)
    return { expected: expectedHtu.join(' or ') || 'none', received: receivedHtu }
  if (skewSeconds !== undefined) return { expected: 'an iat in the accepted window', received: `${skewSeconds} seconds` }
  return reason === undefined ? {} : { received: reason }
}
