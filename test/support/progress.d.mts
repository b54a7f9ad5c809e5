/** Where a progress line is written: `process.stderr`, or a stream that is like it. */
export interface ProgressStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** A line that is rewritten. */
export interface Progress {
  /** Replaces the line. */
  readonly show: (text: string) => void
  /** Removes the line. */
  readonly clear: () => void
  /** Writes a line of results, without the progress line before it. */
  readonly print: (line: string) => void
}

/** A progress line on `stream`; results go to `output`. */
export function createProgress(stream?: ProgressStream, output?: NodeJS.WritableStream): Progress
/** The progress line of this process. */
export const progress: Progress
