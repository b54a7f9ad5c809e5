/** Asks the authorization server about a token (RFC 7662), with signed answers where it gives them (RFC 9701). @module */

import { LRUCache } from 'lru-cache'
import type { VerifierConfig } from '../config/config.js'
import type { IntrospectionConfig, IssuerConfig } from '../config/issuers.js'
import { observeLoopTurn } from '../crypto/signature-threads.js'
import type { JsonObject } from '../encoding/json.js'
import { DPoPUnavailableError } from '../errors.js'
import { findClaimError } from './claims.js'
import { authenticate } from './client-authentication.js'
import { isWithin, RETRY_COOLDOWN_MS } from './cooldown.js'
import { IntrospectionEndpoint } from './introspection-endpoint.js'
import type { IssuerKeys } from './issuer-keys.js'
import { findVerifyingKeySet, readJwt, typeOf } from './jwt.js'
import { fetchDocument, parseJson } from './metadata.js'

/** Tokens that are remembered as active, and as many that are not. */
const MAX_ANSWERS = 10_000
/** RFC 9701 §5: a signed answer that is older than this was not made for us now. */
const MAX_ANSWER_AGE_SECONDS = 300

/** What came of a question: the members of an active token, that it is not active, or why nobody knows. */
type Outcome =
  | { readonly is: 'active'; readonly members: JsonObject }
  | { readonly is: 'inactive' }
  | { readonly is: 'unknown'; readonly cause: unknown }

interface RememberedOutcome {
  readonly outcome: Outcome
  readonly askedAtMs: number
  readonly forMs: number
}

/** The introspection of one issuer. */
export class Introspection {
  readonly #issuer: IssuerConfig
  readonly #options: IntrospectionConfig
  readonly #config: VerifierConfig
  readonly #keys: IssuerKeys
  readonly #endpoint: IntrospectionEndpoint
  /** By the hash of the token: the token itself is not kept. */
  readonly #active = new LRUCache<string, RememberedOutcome>({ max: MAX_ANSWERS })
  /** Anybody can make up tokens: they have a memory of their own, so that they push no good one out. */
  readonly #others = new LRUCache<string, RememberedOutcome>({ max: MAX_ANSWERS })
  /** One question at a time for each token, however many wait for the answer. */
  readonly #asking = new Map<string, Promise<Outcome>>()

  constructor(issuer: IssuerConfig, options: IntrospectionConfig, keys: IssuerKeys, config: VerifierConfig) {
    this.#issuer = issuer
    this.#options = options
    this.#keys = keys
    this.#config = config
    this.#endpoint = new IntrospectionEndpoint(issuer.issuer, options.endpoint, config)
  }

  /**
   * The members of an active token, not yet judged otherwise; undefined for one that is not active. The proof is not sent along:
   * binding is checked here (RFC 9449 §6.2).
   */
  async activeToken(token: string, tokenHash: string, nowMs: number, isVouchedFor: boolean): Promise<JsonObject | undefined> {
    const known = recall(this.#active, tokenHash, nowMs) ?? recall(this.#others, tokenHash, nowMs)
    const outcome = known ?? (await this.#askOnce(token, tokenHash, isVouchedFor || this.knows(tokenHash)))
    if (outcome.is === 'unknown') throw unavailable(outcome.cause)
    return outcome.is === 'active' ? outcome.members : undefined
  }

  /** Whether the token was active here when it was last asked about. */
  knows(tokenHash: string): boolean {
    return this.#active.has(tokenHash)
  }

  /** Finds the endpoint, so that the first token does not wait for it, and uses the credentials, so that a bad key is noticed. */
  async ready(): Promise<void> {
    try {
      await this.#endpoint.url()
      await authenticate(this.#options, this.#issuer.issuer, this.#config.clock())
    } catch (cause) {
      throw unavailable(cause)
    }
  }

  #askOnce(token: string, tokenHash: string, isNoStranger: boolean): Promise<Outcome> | Outcome {
    const asking = this.#asking.get(tokenHash)
    if (asking !== undefined) return asking
    if (this.#asking.size >= this.#questionsFor(isNoStranger))
      return { is: 'unknown', cause: new Error('Too many questions to the issuer are under way') }
    const asked = this.#ask(token, tokenHash).finally(() => this.#asking.delete(tokenHash))
    this.#asking.set(tokenHash, asked)
    return asked
  }

  /** Half of the questions are kept for tokens that were active before, or whose signature is the issuer's: strangers cannot take those. */
  #questionsFor(isNoStranger: boolean): number {
    const { maxConcurrentRequests } = this.#options
    return isNoStranger ? maxConcurrentRequests : Math.ceil(maxConcurrentRequests / 2)
  }

  async #ask(token: string, tokenHash: string): Promise<Outcome> {
    const askedAtMs = this.#config.clock()
    const outcome = await this.#outcomeOf(token, askedAtMs)
    if (outcome.is === 'unknown') this.#endpoint.suspect()
    if (outcome.is === 'inactive') this.#active.delete(tokenHash)
    const memory = outcome.is === 'active' ? this.#active : this.#others
    memory.set(tokenHash, { outcome, askedAtMs, forMs: this.#isGoodForMs(outcome, askedAtMs) })
    return outcome
  }

  async #outcomeOf(token: string, nowMs: number): Promise<Outcome> {
    try {
      const members = await this.#request(await this.#endpoint.url(), token, nowMs)
      // RFC 7662 §2.2: only a boolean true is an active token.
      return members['active'] === true ? { is: 'active', members } : { is: 'inactive' }
    } catch (cause) {
      return { is: 'unknown', cause }
    }
  }

  /** RFC 7662 §4: an answer is not used past the end of the token. A failure is not asked about again at once. */
  #isGoodForMs(outcome: Outcome, nowMs: number): number {
    if (outcome.is === 'unknown') return RETRY_COOLDOWN_MS
    const forMs = this.#options.maxCacheSeconds * 1000
    const exp = outcome.is === 'active' ? outcome.members['exp'] : undefined
    return typeof exp === 'number' ? Math.min(forMs, exp * 1000 - nowMs) : forMs
  }

  async #request(endpoint: string, token: string, nowMs: number): Promise<JsonObject> {
    const { authorization, parameters } = await authenticate(this.#options, this.#issuer.issuer, nowMs)
    const body = new URLSearchParams({ token, token_type_hint: 'access_token', ...parameters })
    const accept = this.#options.signedResponse ? 'application/token-introspection+jwt' : 'application/json'
    const headers = { accept, 'content-type': 'application/x-www-form-urlencoded', ...authorization }
    const document = await fetchDocument(endpoint, { method: 'POST', headers, body: body.toString() }, this.#config)
    const members: unknown = this.#options.signedResponse ? await this.#verified(document, nowMs) : parseJson(document)
    if (typeof members !== 'object' || members === null || Array.isArray(members)) throw new Error('The answer is not an object')
    return members as JsonObject
  }

  /** RFC 9701 §5: nothing outside the signed claim counts. */
  async #verified(text: string, nowMs: number): Promise<unknown> {
    const jwt = readJwt(text)
    if (jwt === undefined || typeOf(jwt) !== 'token-introspection+jwt') throw new Error('The answer is not a signed one')
    const { issuer, algorithms } = this.#issuer
    const { signatureThreads: threads, token } = this.#config
    if (!(await findVerifyingKeySet(jwt, this.#keys, { algorithms, threads, turn: observeLoopTurn() })))
      throw new Error('The answer is not signed by the issuer')
    const { clientId } = this.#options
    const toleranceSeconds = token.clockToleranceSeconds
    const expected = { issuer, audience: [clientId], required: ['iss', 'aud', 'iat'], toleranceSeconds }
    const fault = findClaimError(jwt.claims, expected, nowMs) ?? ageFaultOf(jwt.claims['iat'] as number, nowMs, toleranceSeconds)
    if (fault !== undefined) throw new Error(`The answer is not for us, now: ${fault}`)
    return jwt.claims['token_introspection']
  }
}

function recall(memory: LRUCache<string, RememberedOutcome>, tokenHash: string, nowMs: number): Outcome | undefined {
  const known = memory.get(tokenHash)
  return known !== undefined && isWithin(known.forMs, known.askedAtMs, nowMs) ? known.outcome : undefined
}

/** RFC 9701 §5: an answer was made now. */
function ageFaultOf(iat: number, nowMs: number, toleranceSeconds: number): string | undefined {
  const ageSeconds = Math.floor(nowMs / 1000) - iat
  const isRecent = ageSeconds >= -toleranceSeconds && ageSeconds <= MAX_ANSWER_AGE_SECONDS + toleranceSeconds
  return isRecent ? undefined : 'iat is not of late'
}

function unavailable(cause: unknown): DPoPUnavailableError {
  return new DPoPUnavailableError('ERR_DPOP_INTROSPECTION_UNAVAILABLE', cause)
}
