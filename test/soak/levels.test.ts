/** When figures of the endurance test level off. */

import { describe, expect, it } from 'vitest'
import { findGrowth, type Sample } from './levels.mjs'

const LEVEL: Sample = { rssMb: 200, heapMb: 40, externalMb: 12, handles: 70, fileDescriptors: 90, p99Ms: 20 }
const minutes = (at: (minute: number) => Partial<Sample>) => Array.from({ length: 10 }, (_, i) => ({ ...LEVEL, ...at(i) }))

describe('findGrowth', () => {
  it('finds no growth in level figures with some noise', () => {
    expect(findGrowth(minutes((i) => ({ rssMb: 200 + 10 * (i % 2), p99Ms: 20 + 15 * (i % 3), handles: 70 + (i % 4) })))).toEqual(
      []
    )
  })

  it('permits a p99 that is high in single minutes', () => {
    expect(findGrowth(minutes((i) => ({ p99Ms: i === 7 || i === 9 ? 900 : 20 })))).toEqual([])
  })

  it('does not compare the first three of ten minutes, in which caches fill', () => {
    expect(findGrowth(minutes((i) => (i < 3 ? { rssMb: 80, heapMb: 10, handles: 5 } : {})))).toEqual([])
  })

  it.each<[keyof Sample, number]>([
    ['rssMb', 15],
    ['heapMb', 3],
    ['externalMb', 2],
    ['handles', 6],
    ['fileDescriptors', 6],
    ['p99Ms', 40]
  ])('finds a leak of %s, %f a minute', (name, perMinute) => {
    const problems = findGrowth(minutes((i) => ({ [name]: LEVEL[name] + i * perMinute })))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${name} grows: `))
  })

  it('does not pass if a figure is missing or there are too few samples', () => {
    expect(findGrowth(minutes(() => ({ p99Ms: Number.NaN })))).toEqual(['p99Ms grows: NaN, then NaN'])
    expect(findGrowth([LEVEL])).toEqual(['There are too few samples'])
    expect(findGrowth([])).toEqual(['There are too few samples'])
  })
})
