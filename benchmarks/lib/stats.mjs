/** Medians and quartiles. */

/** The value below which `share` of the values lie, interpolated between neighbors. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort()
  const at = (sorted.length - 1) * share
  const below = Math.floor(at)
  const rest = at - below
  return rest === 0 ? sorted[below] : sorted[below] * (1 - rest) + sorted[below + 1] * rest
}

export function median(values) {
  return quantile(values, 0.5)
}

/** Median with the quartiles around it: half of the rounds lie between them. */
export function summary(values) {
  return { median: median(values), q1: quantile(values, 0.25), q3: quantile(values, 0.75) }
}
