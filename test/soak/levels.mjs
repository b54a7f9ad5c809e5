/** Decides whether the figures of a server level off. */

import { median } from '../../benchmarks/lib/stats.mjs'

/** Samples in this fraction of the run are not compared: caches fill, and functions are compiled. */
const WARM_UP_SHARE = 0.3

/** The permitted growth of a figure between the first and the last half of the samples after that: relative and absolute. */
const limits = {
  rssMb: { share: 0.1, amount: 16 },
  heapMb: { share: 0.1, amount: 4 },
  externalMb: { share: 0.1, amount: 4 },
  handles: { share: 0.1, amount: 10 },
  fileDescriptors: { share: 0.1, amount: 10 },
  p99Ms: { share: 0.5, amount: 50, typical: lowest }
}

/** Every figure that grows beyond its limit, as a line; no lines if all of them level off. */
export function findGrowth(samples) {
  const settled = samples.slice(Math.ceil(samples.length * WARM_UP_SHARE))
  const half = Math.floor(settled.length / 2)
  if (half === 0) return ['There are too few samples']
  return Object.entries(limits).flatMap(([name, { share, amount, typical = median }]) => {
    const figureOf = (some) => typical(some.map((sample) => sample[name]))
    const [before, after] = [figureOf(settled.slice(0, half)), figureOf(settled.slice(-half))]
    // Negated, so that a figure that is missing does not pass.
    return !(after <= before * (1 + share) + amount) ? [`${name} grows: ${before.toFixed(1)}, then ${after.toFixed(1)}`] : []
  })
}

/** Other programs on the machine only increase a latency. */
function lowest(values) {
  return Math.min(...values)
}
