/** What became of the proofs of one implementation. */
export interface InteropResult {
  readonly name: string
  readonly language: string
  /** undefined: not installed. */
  readonly version?: string
  readonly accepted: readonly string[]
  readonly rejected: readonly string[]
  /** What had another outcome than expected. */
  readonly failure?: string
}

/** The table in Markdown. */
export function tableOf(results: readonly InteropResult[]): string
/** The rows of a committed table that results contradict, whatever the versions. What is not installed contradicts nothing. */
export function findOutdatedRows(committed: string, results: readonly InteropResult[]): string[]
