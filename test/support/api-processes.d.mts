import type { IssuerChoice } from 'dpop-guard'

/** The public URL of the API, for all instances. */
export const API_URL: string

/** How an instance runs. */
export interface InstanceOptions {
  readonly issuer: IssuerChoice
  readonly redisUrl: string
  /** Of the store. */
  readonly timeoutMs?: number
  /** How far its clock is ahead. */
  readonly clockOffsetMs?: number
  /** Requires nonces on the routes under /nonce/, with a maximum age of ten seconds; proofs elsewhere of twenty. */
  readonly nonceSecret?: string
}

/** The response of an instance; the code of a rejection is in the body of Fastify. */
export interface InstanceResponse {
  readonly status: number | undefined
  readonly code: string | undefined
  /** The nonce of the response. */
  readonly nonce: string | undefined
}

/** One instance of the API. */
export interface Instance {
  get(path: string, headers: Record<string, string>): Promise<InstanceResponse>
  /** Its errors, and its memory. */
  inspect(): Promise<{ unhandled: string[]; rssMb: number }>
  close(): void
}

/** Starts one instance, a process of its own on the built package. */
export function startInstance(options: InstanceOptions): Promise<Instance>
