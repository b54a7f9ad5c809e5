/** Interleaved rounds: in each round every contender gets a batch of its own, so that a slow moment of the machine hits all of them. */

import { median, summary } from './stats.mjs'

/** How many requests a plan needs of each contender. */
export function requestCount({ rounds, batch, lead = 0 }) {
  return rounds * (lead + batch)
}

/**
 * Measures contenders beside each other. A contender is `{ name, run(index) }`, and an index never comes twice.
 *
 * With a concurrency of 1 each request has a turn of the event loop to itself, as on a server; what an empty turn costs is
 * measured in the same rounds and taken off. Otherwise as many requests are in flight, and the next begins when one ends.
 * Before each batch the young garbage of others is collected, where that is possible, and `lead` requests run that do not count.
 *
 * The results are microseconds for each request, CPU (all threads of the process) and wall, and the ratio of CPU to that of
 * `reference` within the same round.
 */
export async function measure(contenders, { rounds, batch, lead = 0, concurrency = 1, reference = contenders[0].name }) {
  const empty = { name: '', run() {} }
  const all = concurrency === 1 ? [empty, ...contenders] : contenders
  const samples = new Map(all.map(({ name }) => [name, { cpu: [], wall: [] }]))
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < all.length; place++) {
      // The order changes from round to round, so that no contender always follows the same other.
      const { name, run } = all[(place + round) % all.length]
      const work = concurrency === 1 ? oneAtATime : (...range) => sideBySide(...range, concurrency)
      const first = round * (lead + batch)
      globalThis.gc?.({ type: 'minor' })
      await work(run, first, lead)
      const spent = await timed(() => work(run, first + lead, batch), batch)
      samples.get(name).cpu.push(spent.cpu)
      samples.get(name).wall.push(spent.wall)
    }
  }
  const turn = samples.get('') ?? { cpu: [0], wall: [0] }
  for (const { name } of contenders) {
    const { cpu, wall } = samples.get(name)
    samples.set(name, { cpu: minus(cpu, median(turn.cpu)), wall: minus(wall, median(turn.wall)) })
  }
  const base = samples.get(reference).cpu
  return contenders.map(({ name }) => {
    const { cpu, wall } = samples.get(name)
    return { name, cpu: summary(cpu), wall: summary(wall), ratio: summary(cpu.map((spent, round) => spent / base[round])) }
  })
}

function minus(values, amount) {
  return values.map((value) => value - amount)
}

async function timed(work, count) {
  const cpuBegin = process.cpuUsage()
  const wallBegin = process.hrtime.bigint()
  await work()
  const wall = Number(process.hrtime.bigint() - wallBegin) / 1000
  const { user, system } = process.cpuUsage(cpuBegin)
  return { cpu: (user + system) / count, wall: wall / count }
}

async function oneAtATime(run, first, count) {
  for (let index = first; index < first + count; index++) {
    await new Promise(setImmediate)
    const outcome = run(index)
    if (outcome instanceof Promise) await outcome
  }
}

async function sideBySide(run, first, count, concurrency) {
  let next = first
  const lane = async () => {
    while (next < first + count) await run(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
}
