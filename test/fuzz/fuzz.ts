/** Runs properties: a few hundred cases with a fixed seed in `npm test`, and for a given time in `npm run fuzz`. */

import fc from 'fast-check'
import { expect, it } from 'vitest'

const seconds = Number(process.env['FUZZ_SECONDS'] ?? 0)
const seed = Number(process.env['FUZZ_SEED'] ?? (seconds > 0 ? Date.now() % 2 ** 31 : 9449))

/** A property test: the predicate throws for a counterexample. */
export function fuzz<Values extends [unknown, ...unknown[]]>(
  rule: string,
  arbitraries: { [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  numRuns: number,
  predicate: (...values: Values) => void | Promise<void>
): void {
  it(
    rule,
    async () => {
      const begun = performance.now()
      const property = fc.asyncProperty(...(arbitraries as [fc.Arbitrary<unknown>]), async (...values) => {
        await predicate(...(values as unknown as Values))
      })
      const limits = seconds > 0 ? { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: seconds * 1000 } : { numRuns }
      const details = await fc.check(property, { seed, ...limits })
      const rate = Math.round((details.numRuns * 1000) / (performance.now() - begun))
      if (seconds > 0) console.log(`${rule}: ${details.numRuns} cases, ${rate} a second, seed ${seed}`)
      expect(details.counterexamplePath, fc.defaultReportMessage(details) ?? '').toBeNull()
    },
    seconds * 1000 + 60_000
  )
}

/** Any string: natural text, arbitrary code units, and parts of requests. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc.base64String().map((text) => text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')),
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc
    .array(
      fc.constantFrom(
        '/',
        '.',
        '..',
        '%2e',
        '%2F',
        '%',
        '\\',
        '?',
        '#',
        '@',
        ':',
        'https:',
        '//',
        'a',
        'É',
        '[',
        ']',
        '"',
        ' ',
        '\n',
        '\u0000',
        '\ud800'
      )
    )
    .map((parts) => parts.join(''))
)

/** A value of JSON, members such as `__proto__` included. */
export const anyJson: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 4 })
