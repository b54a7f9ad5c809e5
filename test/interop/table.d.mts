/** The results of the proofs of one implementation. */
export interface InteropResult {
  readonly name: string
  readonly language: string
  /** undefined: not installed. */
  readonly version?: string
  readonly accepted: readonly string[]
  readonly rejected: readonly string[]
  /** The outcomes that differ from the expected ones. */
  readonly failure?: string
}

/** The table in Markdown. */
export function tableOf(results: readonly InteropResult[]): string
/** The rows of a committed table that differ from results, except for versions. An implementation that is not installed does not differ. */
export function findOutdatedRows(committed: string, results: readonly InteropResult[]): string[]
