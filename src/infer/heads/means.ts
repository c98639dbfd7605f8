// Expected values that add up: what held-out rows came to on average, by what was predicted for them.

import type { Judged } from './band.js'
import type { Transform } from './transform.js'

/** Held-out rows whose mean is one point of the curve, and the most points. */
const GROUP = 40
const MOST_GROUPS = 15

/** Expected value by predicted location, both ascending: what held-out rows of that location came to on average. */
export interface MeanCurve {
  readonly location: Float64Array
  readonly mean: Float64Array
}

/**
 * Means over groups of rows of like location, made monotone by pooling neighbours, then brought to what all held-out rows came to: sums are
 * met however heavy the tails, no shape of the distribution is assumed.
 */
export function fitMeans(transform: Transform, { location, y, weight }: Judged, order: Int32Array): MeanCurve {
  const n = y.length
  const groups = Math.max(1, Math.min(MOST_GROUPS, Math.floor(n / GROUP)))
  const of = (r: number) => (weight ? weight[r] : 1)
  const pools: Pool[] = []
  for (let g = 0; g < groups; g++) {
    const rows = order.subarray(Math.floor((g * n) / groups), Math.floor(((g + 1) * n) / groups))
    let pool: Pool = { size: 0, median: 0, mean: 0 }
    for (const r of rows) pool = merged(pool, { size: of(r), median: transform.inverse(location[r]), mean: y[r] })
    for (let last = pools.at(-1); last && last.mean >= pool.mean; last = pools.at(-1)) {
      pools.pop()
      pool = merged(last, pool)
    }
    pools.push(pool)
  }
  const curve = {
    location: Float64Array.from(pools, pool => transform.forward(pool.median)),
    mean: Float64Array.from(pools, pool => pool.mean),
  }
  return toTotal(transform, curve, location, y, of)
}

/** Rows of like location: how many examples they stand for, what is predicted for them and what they came to, on average. */
interface Pool {
  readonly size: number
  readonly median: number
  readonly mean: number
}

function merged(a: Pool, b: Pool): Pool {
  const size = a.size + b.size
  const share = a.size / size
  const mixed = (name: keyof Pool) => share * a[name] + (1 - share) * b[name]
  return { size, median: mixed('median'), mean: mixed('mean') }
}

/** Straight lines between points of a convex curve lie above it: the curve in proportion, or moved, so that its rows add up. */
function toTotal(
  transform: Transform,
  curve: MeanCurve,
  location: Float64Array,
  y: Float64Array,
  of: (row: number) => number,
): MeanCurve {
  let [told, came, size] = [0, 0, 0]
  for (let r = 0; r < y.length; r++) {
    told += of(r) * Math.min(transform.max, expected(transform, curve, location[r]))
    came += of(r) * y[r]
    size += of(r)
  }
  const proportion = transform.kind === 'log' && told > 0 && came > 0
  const mean = proportion ? (v: number) => v * (came / told) : (v: number) => v + (came - told) / size
  return { ...curve, mean: curve.mean.map(mean) }
}

/** Expected value at a location: along the curve; beyond its ends, in proportion to what the median does there. */
export function expected(transform: Transform, { location, mean }: MeanCurve, at: number): number {
  const last = location.length - 1
  if (at >= location[last] || at <= location[0]) {
    const end = at >= location[last] ? last : 0
    const [here, there] = [transform.inverse(at), transform.inverse(location[end])]
    if (transform.kind === 'plain') return mean[end] + here - there
    // medians next to nothing are in no proportion to each other
    const { unit } = transform
    return mean[end] * ((unit + Math.max(0, here)) / (unit + Math.max(0, there)))
  }
  let k = 1
  while (location[k] < at) k++
  const share = (at - location[k - 1]) / (location[k] - location[k - 1])
  return mean[k - 1] + share * (mean[k] - mean[k - 1])
}
