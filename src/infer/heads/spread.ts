// What a fitted median says about the rest of the distribution: a 90 % interval by split conformal prediction, and an expected value that
// adds up, both from residuals on rows newer than any the model saw, in units of a local scale.

import { apply, applyTransposed, cholesky, type Design, type Range, solveFactored } from './matrix.js'
import type { Transform } from './transform.js'
import { penaltyOf } from './tuning.js'

const MISS = 0.05
/** Residuals are summarised by the means of so many equal slices when an expected value is formed. */
const SLICES = 32
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
  readonly slices: Float64Array
  /** Makes the held-out sum of means the held-out sum of outcomes: a factor on a log scale, else a shift. */
  readonly factor: number
  readonly shift: number
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
  const slices = new Float64Array(Math.min(SLICES, n))
  for (let k = 0; k < slices.length; k++) {
    const from = Math.floor((k * n) / slices.length)
    const to = Math.floor(((k + 1) * n) / slices.length)
    for (let r = from; r < to; r++) slices[k] += residuals[r] / (to - from)
  }
  const raw = { low, high, slices, factor: 1, shift: 0 }
  let predicted = 0
  let actual = 0
  let squares = 0
  let largest = 1e-300
  for (const v of y) largest = Math.max(largest, Math.abs(v))
  for (let r = 0; r < n; r++) {
    predicted += expected(transform, raw, median[r], scale[r]) / largest
    actual += y[r] / largest
    squares += (y[r] / largest) ** 2
  }
  // A sum that rests on a few huge outcomes says little: believed by how many outcomes it is worth.
  const worth = squares > 0 ? (actual * actual) / squares : 0
  const belief = worth / (worth + 10)
  if (transform.kind === 'plain') return { ...raw, shift: ((actual - predicted) / n) * largest * (n / (n + 10)) }
  if (!(predicted > 0 && actual > 0)) return raw
  return { ...raw, factor: Math.min(3, Math.max(1 / 3, actual / predicted)) ** belief }
}

/** Expected value on the target's own scale, within the range seen in the context. */
export function expected(transform: Transform, spread: Spread, median: number, scale: number): number {
  const { slices } = spread
  let sum = 0
  for (let k = 0; k < slices.length; k++) {
    const v = transform.inverse(median + scale * slices[k])
    sum += Math.min(transform.max, Math.max(transform.min, v)) / slices.length
  }
  return Math.min(transform.max, Math.max(transform.min, sum * spread.factor + spread.shift))
}

/** Predictions of a linear model over a range. */
export function linear(range: Range, b: Float64Array): Float64Array {
  const out = new Float64Array(range.to - range.from)
  apply(range, b, out)
  return out
}
