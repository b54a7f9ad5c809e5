/** Renders the conformance report as Markdown, deterministically for a given test run. @module */

import { type Rule, sources } from './rules.js'

/** A test whose title names a rule. */
export interface Run {
  readonly file: string
  readonly name: string
  readonly passed: boolean
}

/** The results of a test run by rule. */
export interface Evidence {
  readonly runs: Map<string, Run[]>
  /** Rows of the table of public vectors, if they are available. */
  readonly counts: string[]
  add(id: string, run: Run): void
}

/** The ids of all rules. */
export const ids: ReadonlySet<string> = new Set(sources.flatMap(({ rules }) => rules.map(({ id }) => id)))

export function noEvidence(): Evidence {
  const runs = new Map<string, Run[]>()
  return {
    runs,
    counts: [],
    add(id, run) {
      runs.set(id, [...(runs.get(id) ?? []), run])
    }
  }
}

const publicVectors = '## Public vectors'

/** The report. `before` is the previous one, whose results are kept for tests that this run could not execute. */
export function renderReport(evidence: Evidence, before: string): string {
  const rules = sources.flatMap((source): readonly Rule[] => source.rules)
  const verdicts = rules.map((rule) => verdictOf(rule, evidence.runs.get(rule.id) ?? []))
  const count = (kind: Verdict['kind']) => verdicts.filter((verdict) => verdict.kind === kind).length
  const rows = new Set([...evidence.runs.values()].flat().map(({ name }) => name)).size
  return `# Conformance

The requirements for a resource server with DPoP, and the tests that verify them here. \`npm run conformance\` generates this
file from a run of these tests.

| | |
|---|---|
| rules | ${rules.length} |
| verified by passing tests | ${count('passed')} |
| with failing tests | ${count('failed')} |
| gaps: applicable, without a test | ${count('gap')} |
| not built: optional, and out of scope | ${count('not built')} |
| not applicable to a resource server, or not testable | ${count('not applicable')} |
| tests that name a rule | ${rows} |

A test is a row of \`test/vectors\`, which runs on the core with every request type and through every adapter over a socket, or a
test of its own; those of \`browser/\` run from a page in Chromium. A row with a rejected request is preceded by its control: the same
request without the defect.

${sources.map(({ title, rules: own }) => renderSource(title, own, evidence)).join('\n')}
${renderCounts(evidence.counts, before)}`
}

interface Verdict {
  readonly kind: 'passed' | 'failed' | 'gap' | 'not built' | 'not applicable'
  readonly text: string
}

function verdictOf({ applies }: Rule, runs: readonly Run[]): Verdict {
  if (runs.some(({ passed }) => !passed)) return { kind: 'failed', text: '**fails**' }
  if (runs.length > 0) return { kind: 'passed', text: 'passes' }
  switch (applies.to) {
    case 'others':
      return { kind: 'not applicable', text: `not applicable: ${applies.reason}` }
    case 'part not built':
      return { kind: 'not built', text: `*not built*: ${applies.part}` }
    case 'resource server':
      return { kind: 'gap', text: '**gap**' }
  }
}

function renderSource(title: string, rules: readonly Rule[], { runs }: Evidence): string {
  const lines = rules.map((rule) => {
    const own = runs.get(rule.id) ?? []
    const cells = [rule.id, rule.section, rule.level, rule.text, testsOf(own), verdictOf(rule, own).text]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
  return `## ${title}\n\n| rule | section | level | requirement | tests | result |\n|---|---|---|---|---|---|\n${lines.join('\n')}\n`
}

function testsOf(runs: readonly Run[]): string {
  if (runs.length === 0) return ''
  const files = [...new Set(runs.map(({ file }) => file))].sort()
  return `${new Set(runs.map(({ name }) => name)).size}: ${files.map((file) => `\`${file.replace(/^test\//, '').replace(/\.(test|browser)\.ts$/, '')}\``).join(', ')}`
}

function renderCounts(counts: readonly string[], before: string): string {
  if (counts.length === 0) {
    // The vectors are not available: keep the results of the previous report.
    const at = before.indexOf(publicVectors)
    return at === -1 ? '' : before.slice(at)
  }
  return `${publicVectors}

Project Wycheproof, run through key validation, import and signature verification on both platforms. Every result is the expected
one, or differs for the given reason.

| file | platform | vectors | as expected | different or skipped, with reason |
|---|---|---|---|---|
${counts.toSorted().join('\n')}
`
}
