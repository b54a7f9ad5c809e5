/** Latencies of requests, and the number of successful ones. */

import { quantile } from './stats.mjs'

/** Counts from the instant at which it is made. */
export class Tally {
  #latencies = []
  #accepted = 0
  #begin = performance.now()

  get count() {
    return this.#latencies.length
  }

  add(status, latencyMs) {
    this.#latencies.push(latencyMs)
    if (status === 200) this.#accepted++
  }

  /** Only responses with status 200 count as `accepted`. */
  result(offered) {
    const seconds = (performance.now() - this.#begin) / 1000
    const latencies = this.#latencies.length > 0 ? this.#latencies : [Number.NaN]
    return {
      offered,
      accepted: this.#accepted,
      requestsPerSecond: this.count / seconds,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      max: quantile(latencies, 1)
    }
  }
}
