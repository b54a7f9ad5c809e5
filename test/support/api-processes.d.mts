import type { IssuerChoice } from 'dpop-guard'

/** Where clients see the API, whichever instance responses. */
export const API_URL: string

/** How an instance runs. */
export interface InstanceOptions {
  readonly issuer: IssuerChoice
  readonly redisUrl: string
  /** Of the store. */
  readonly timeoutMs?: number
  /** By which its clock is ahead. */
  readonly clockOffsetMs?: number
  /** Requires nonces on the routes under /nonce/, with a maximum age of ten seconds; proofs elsewhere of twenty. */
  readonly nonceSecret?: string
}

/** What an instance answered; the code of a refusal is in Fastify's body. */
export interface Answer {
  readonly status: number | undefined
  readonly code: string | undefined
  /** The nonce that came with it. */
  readonly nonce: string | undefined
}

/** One instance of the API. */
export interface Instance {
  get(path: string, headers: Record<string, string>): Promise<Answer>
  /** What went wrong in it, and its memory. */
  inspect(): Promise<{ unhandled: string[]; rssMb: number }>
  close(): void
}

/** Starts one instance, a process of its own on the built package. */
export function startInstance(options: InstanceOptions): Promise<Instance>
