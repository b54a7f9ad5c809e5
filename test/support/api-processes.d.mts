/** Where clients see the API, whichever instance answers. */
export const API_URL: string

/** How an instance runs. */
export interface InstanceOptions {
  readonly issuer: string
  readonly redisUrl: string
  /** Of the store. */
  readonly timeoutMs?: number
  /** By which its clock is ahead. */
  readonly clockOffsetMs?: number
  /** Further options of the verifier. */
  readonly more?: object
}

/** One instance of the API. */
export interface Instance {
  /** GET; the code of a refusal is in Fastify's body. */
  get(path: string, headers: Record<string, string>): Promise<{ status: number | undefined; code: string | undefined }>
  /** What went wrong in it, and its memory. */
  inspect(): Promise<{ unhandled: string[]; rssMb: number }>
  close(): void
}

/** Starts one instance, a process of its own on the built package. */
export function startInstance(options: InstanceOptions): Promise<Instance>
