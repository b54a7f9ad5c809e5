/** The figures of a server at one time. */
export interface Sample {
  readonly rssMb: number
  readonly heapMb: number
  readonly externalMb: number
  readonly handles: number
  readonly fileDescriptors: number
  readonly p99Ms: number
}

/** Every figure that grows beyond its limit, as a line; no lines if all of them level off. */
export function findGrowth(samples: readonly Sample[]): string[]
