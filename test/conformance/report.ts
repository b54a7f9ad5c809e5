/** The conformance report as a text: the same for the same run, whenever and wherever. @module */

import { type Rule, sources } from './rules.js'

/** One test that names a rule. */
export interface Run {
  readonly file: string
  readonly name: string
  readonly passed: boolean
}

/** What a run of the tests is evidence for. */
export interface Evidence {
  readonly runs: Map<string, Run[]>
  /** Rows of the table of public vectors, where they were there. */
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

/** The report; `before` is the one that was there, for what this run could not see. */
export function renderReport(evidence: Evidence, before: string): string {
  const rules = sources.flatMap((source): readonly Rule[] => source.rules)
  const verdicts = rules.map((rule) => verdictOf(rule, evidence.runs.get(rule.id) ?? []))
  const count = (kind: Verdict['kind']) => verdicts.filter((verdict) => verdict.kind === kind).length
  const rows = new Set([...evidence.runs.values()].flat().map(({ name }) => name)).size
  return `# Conformance

What a resource server with DPoP must, should and may do, and which tests hold this one to it. This file is written by
\`npm run conformance\` from a run of those tests.

| | |
|---|---|
| rules | ${rules.length} |
| held by passing tests | ${count('passed')} |
| held by failing tests | ${count('failed')} |
| gaps: for us, without a test | ${count('gap')} |
| not built yet | ${count('not built')} |
| not for a resource server, or nothing to test | ${count('not for us')} |
| tests that name a rule | ${rows} |

A test is a row of \`test/vectors\`, which runs on the core in every shape of a request and through every adapter over a
socket, or a test of its own. A row of a request that is refused runs behind its control, the same request without the fault.

${sources.map(({ title, rules: own }) => renderSource(title, own, evidence)).join('\n')}
${renderCounts(evidence.counts, before)}`
}

interface Verdict {
  readonly kind: 'passed' | 'failed' | 'gap' | 'not built' | 'not for us'
  readonly text: string
}

function verdictOf({ applies }: Rule, runs: readonly Run[]): Verdict {
  if (runs.some(({ passed }) => !passed)) return { kind: 'failed', text: '**fails**' }
  if (runs.length > 0) return { kind: 'passed', text: 'passes' }
  switch (applies.to) {
    case 'nobody here':
      return { kind: 'not for us', text: `not for us: ${applies.reason}` }
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
  return `## ${title}\n\n| rule | section | level | in short | tests | result |\n|---|---|---|---|---|---|\n${lines.join('\n')}\n`
}

function testsOf(runs: readonly Run[]): string {
  if (runs.length === 0) return ''
  const files = [...new Set(runs.map(({ file }) => file))].sort()
  return `${new Set(runs.map(({ name }) => name)).size}: ${files.map((file) => `\`${file.replace(/^test\//, '').replace(/\.test\.ts$/, '')}\``).join(', ')}`
}

function renderCounts(counts: readonly string[], before: string): string {
  if (counts.length === 0) {
    // The vectors are not here: what an earlier run saw of them still stands.
    const at = before.indexOf(publicVectors)
    return at === -1 ? '' : before.slice(at)
  }
  return `${publicVectors}

Project Wycheproof, through our own signature path: key rules, import and verification on both platforms. Every verdict is
the expected one, or another for the reason given.

| file | platform | vectors | as expected | otherwise or left out, and why |
|---|---|---|---|---|
${counts.toSorted().join('\n')}
`
}
