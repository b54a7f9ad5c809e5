/** Counts and evaluates the outcomes. */

import { progress } from '../support/progress.mjs'

/** The permitted growth of a server: its caches, and the memory of the Redis client. */
const MAX_GROWTH_MB = 150
/** For the period without faults at the end; a busy machine may still miss a deadline. */
const MIN_ACCEPTED_IN_CALM = 0.95

export function createTally() {
  const codes = new Map()
  const wrong = new Map()
  const calm = { accepted: 0, all: 0 }
  let requests = 0
  let accepted = 0
  let doubles = 0
  let badAccepted = 0

  const add = (map, key) => map.set(key, (map.get(key) ?? 0) + 1)
  const sumOf = (map, isOne = () => true) => [...map].reduce((sum, [key, count]) => (isOne(key) ? sum + count : sum), 0)
  const isOutage = (code) => /_UNAVAILABLE$/.test(code)

  return {
    requests: () => requests,

    count({ status, code }) {
      requests++
      if (status === 200) accepted++
      else add(codes, code ?? `status ${status}`)
    },

    /** The responses to one valid proof, sent once or to two instances concurrently. */
    judgeGood(responses, isCalm) {
      const passed = responses.filter(({ status }) => status === 200).length
      if (passed > 1) doubles++
      const isRefused = ({ status, code }) => status !== 200 && status !== 503 && code !== 'ERR_DPOP_PROOF_REPLAYED'
      const isReplayOfNothing = passed === 0 && responses.every(({ code }) => code === 'ERR_DPOP_PROOF_REPLAYED')
      for (const { status, code } of responses.filter(isRefused)) add(wrong, code ?? `status ${status}`)
      if (isReplayOfNothing) add(wrong, 'ERR_DPOP_PROOF_REPLAYED')
      if (!isCalm) return
      calm.all++
      if (passed > 0) calm.accepted++
    },

    /** The response to a proof that was accepted before. */
    judgeCopy({ status }) {
      if (status === 200) doubles++
    },

    judgeBad({ status }) {
      if (status === 200) badAccepted++
    },

    /** Prints the results; true if one of them is not as required. */
    report({ seconds, rssAtStart, rssAtEnd, unhandled }) {
      const growth = Math.max(...rssAtEnd.map((mb, i) => mb - rssAtStart[i]))
      const calmShare = calm.accepted / calm.all
      const lines = [
        ['requests', requests, `${Math.round(requests / seconds)} a second`],
        ['accepted', accepted],
        ['refused', sumOf(codes, (code) => !isOutage(code))],
        ['could not decide (503)', sumOf(codes, isOutage)],
        ...[...codes].sort(([, a], [, b]) => b - a).map(([code, count]) => [`  ${code}`, count]),
        ['proofs accepted twice', doubles, 'must be 0'],
        ['invalid requests accepted', badAccepted, 'must be 0'],
        ['valid requests rejected', sumOf(wrong), `must be 0 ${[...wrong].flat().join(' ')}`],
        ['unhandled rejections', unhandled.length, `must be 0 ${unhandled[0] ?? ''}`],
        ['accepted in the calm at the end', `${(100 * calmShare).toFixed(1)} %`, `at least ${100 * MIN_ACCEPTED_IN_CALM} %`],
        ['RSS of the instances at the start', `${rssAtStart.join(' ')} MB`],
        ['RSS at the end', `${rssAtEnd.join(' ')} MB`, `at most ${MAX_GROWTH_MB} MB more`]
      ]
      for (const [name, value, remark = ''] of lines)
        progress.print(`${name.padEnd(44)} ${String(value).padStart(8)}  ${remark}`.trimEnd())
      const isGood = accepted > 0 && calmShare >= MIN_ACCEPTED_IN_CALM && growth <= MAX_GROWTH_MB
      const failed = !isGood || doubles + badAccepted + sumOf(wrong) + unhandled.length > 0
      progress.print(failed ? '✗ not as it must be' : '✓ as it must be')
      return failed
    }
  }
}
