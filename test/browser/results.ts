/** The results of the browser tests, as the conformance report reads them from test/browser/results.json. @module */

import { readFileSync } from 'node:fs'

export const resultsFile = 'test/browser/results.json'

/** Whether the tests of a title passed, by file and title. Tests of several frameworks have one title. */
export type BrowserResults = Readonly<Record<string, Readonly<Record<string, boolean>>>>

export function readResults(): BrowserResults {
  return JSON.parse(readFileSync(resultsFile, 'utf8'))
}
