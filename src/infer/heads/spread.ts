// What a fitted median says about the rest of the distribution: a 90 % interval by split conformal prediction, and an expected value that
// adds up, both from rows newer than any the model saw.

import { apply, applyTransposed, cholesky, type Design, type Range, solveFactored } from './matrix.js'
import type { Transform } from './transform.js'
import { penaltyOf } from './tuning.js'

const MISS = 0.05
/** Held-out rows whose mean is one point of the curve of expected values, and the most points. */
const GROUP = 40
const MOST_GROUPS = 15
const NARROWEST = 0.1
const WIDEST = 4

/** Local scale of the residual: coefficients on the scaled features, held between `floor` and `ceiling`. */
export interface LocalScale {
  readonly b: Float64Array
  readonly floor: number
  readonly ceiling: number
}

export interface Spread {
  /** Residual over local scale at 5 % and at 95 %. */
  readonly low: number
  readonly high: number
  readonly means: MeanCurve
}

/** Expected value by predicted location, both ascending: what held-out rows of that location came to on average. */
export interface MeanCurve {
  readonly location: Float64Array
  readonly mean: Float64Array
}

export const scaleAt = (s: Pick<LocalScale, 'floor' | 'ceiling'>, raw: number): number =>
  Math.min(s.ceiling, Math.max(s.floor, raw))

/** Ridge of |residual| on the features, over rows the model was fitted on; `cross` is their Z'Z, `residuals` indexed from `range.from`. */
export function fitLocalScale(range: Range, cross: Float64Array, residuals: Float64Array): LocalScale {
  const { design } = range
  const sizes = residuals.map(Math.abs)
  let mean = 0
  for (const v of sizes) mean += v / sizes.length
  mean = Math.max(mean, 1e-6)
  const penalty = penaltyOf(design, Math.max(250, 0.1 * sizes.length))
  const factor = cholesky(cross, design.width, 1, penalty)
  const b = solveFactored(factor, design.width, applyTransposed(range, sizes))
  return { b, floor: NARROWEST * mean, ceiling: WIDEST * mean }
}

/** One scale for every row, where there are too few to tell them apart. */
export function flatScale(design: Design): LocalScale {
  const b = new Float64Array(design.width)
  b[design.ones] = 1
  return { b, floor: 1, ceiling: 1 }
}

/** From predictions `median` (transformed) of rows the model has not seen, with outcome `y` (as it is), and their `scale`. */
export function fitSpread(transform: Transform, median: Float64Array, scale: Float64Array, y: Float64Array): Spread {
  const n = y.length
  const residuals = Float64Array.from(y, (v, r) => (transform.forward(v) - median[r]) / scale[r]).sort()
  // Rank ceil((n + 1)(1 - miss)) of n covers a new row with at least 1 - miss; there is no such rank below 19 rows, the extremes serve.
  const high = residuals[Math.min(n, Math.ceil((n + 1) * (1 - MISS))) - 1]
  const low = residuals[Math.max(1, Math.floor((n + 1) * MISS)) - 1]
  return { low, high, means: meanCurve(median, y) }
}

/**
 * Means over groups of rows of like location, made monotone by pooling neighbours. Sums over held-out rows are met exactly, however heavy
 * the tails: no shape of the distribution is assumed.
 */
function meanCurve(location: Float64Array, y: Float64Array): MeanCurve {
  const n = y.length
  const order = Int32Array.from(location.keys()).sort((a, b) => location[a] - location[b] || a - b)
  const groups = Math.max(1, Math.min(MOST_GROUPS, Math.floor(n / GROUP)))
  const pools: { at: number; mean: number; size: number }[] = []
  for (let g = 0; g < groups; g++) {
    const from = Math.floor((g * n) / groups)
    const to = Math.floor(((g + 1) * n) / groups)
    let pool = { at: 0, mean: 0, size: to - from }
    for (let i = from; i < to; i++) {
      pool.at += location[order[i]] / (to - from)
      pool.mean += y[order[i]] / (to - from)
    }
    for (let last = pools.at(-1); last && last.mean >= pool.mean; last = pools.at(-1)) {
      pools.pop()
      const size = last.size + pool.size
      const share = last.size / size
      pool = { at: share * last.at + (1 - share) * pool.at, mean: share * last.mean + (1 - share) * pool.mean, size }
    }
    pools.push(pool)
  }
  return { location: Float64Array.from(pools, p => p.at), mean: Float64Array.from(pools, p => p.mean) }
}

/** Expected value at a location: along the curve; beyond its ends, in proportion to what the median does there. */
export function expected(transform: Transform, { location, mean }: MeanCurve, at: number): number {
  const last = location.length - 1
  if (at >= location[last] || at <= location[0]) {
    const end = at >= location[last] ? last : 0
    const here = transform.inverse(at)
    const there = transform.inverse(location[end])
    if (transform.kind === 'plain') return mean[end] + here - there
    return there > 0 && here > 0 ? mean[end] * (here / there) : mean[end]
  }
  let k = 1
  while (location[k] < at) k++
  const share = (at - location[k - 1]) / (location[k] - location[k - 1])
  return mean[k - 1] + share * (mean[k] - mean[k - 1])
}

/** Predictions of a linear model over a range. */
export function linear(range: Range, b: Float64Array): Float64Array {
  const out = new Float64Array(range.to - range.from)
  apply(range, b, out)
  return out
}
