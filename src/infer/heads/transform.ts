// The scale a numeric target is fitted on: signed logarithm where it is skewed and (nearly) never negative, itself otherwise; always in
// units of its mean absolute deviation, so that one grid of lambdas serves every target.

import { medianOf } from './tuning.js'

const LARGEST = 1e300
const SKEWED = 1.5
/** Below this share of negative values a target counts as non-negative for the choice of scale. */
const NEARLY_NEVER = 0.01

export interface Transform {
  readonly kind: 'log' | 'plain'
  /** Of a logarithm: differences between values smaller than this are straight, not in proportion. */
  readonly unit: number
  readonly forward: (y: number) => number
  readonly inverse: (t: number) => number
  readonly min: number
  readonly max: number
  /** Every label is a whole number. */
  readonly whole: boolean
}

/** `y` finite, not all equal; how skewed they are counts each as often as `weight` says. */
export function fitTransform(y: Float64Array, weight?: Float64Array): Transform {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let negative = 0
  let whole = true
  for (const v of y) {
    min = Math.min(min, v)
    max = Math.max(max, v)
    if (v < 0) negative++
    if (!Number.isInteger(v)) whole = false
  }
  const log = negative <= NEARLY_NEVER * y.length && skewness(y, weight) > SKEWED
  const unit = log ? 0.3 * medianOf(y.filter(v => v !== 0).map(Math.abs)) || 1 : 1
  const bend = log ? (v: number) => Math.sign(v) * Math.log1p(Math.min(Math.abs(v) / unit, LARGEST)) : (v: number) => v
  const bent = Float64Array.from(y, bend)
  const middle = medianOf(bent)
  let scale = 0
  for (const t of bent) scale += Math.abs(t - middle) / y.length
  const unbend = log ? (t: number) => Math.sign(t) * unit * Math.expm1(Math.min(Math.abs(t), 700)) : (t: number) => t
  return {
    kind: log ? 'log' : 'plain',
    unit,
    forward: v => bend(v) / scale,
    inverse: t => Math.min(LARGEST, Math.max(-LARGEST, unbend(t * scale))),
    min,
    max,
    whole,
  }
}

/** Moments are taken of values divided by the largest deviation, so that no cube overflows. */
function skewness(y: Float64Array, weight?: Float64Array): number {
  const total = weight ? weight.reduce((sum, w) => sum + w, 0) : y.length
  const share = (r: number) => (weight ? weight[r] : 1) / total
  let mean = 0
  for (let r = 0; r < y.length; r++) mean += y[r] * share(r)
  let largest = 0
  for (const v of y) largest = Math.max(largest, Math.abs(v - mean))
  let second = 0
  let third = 0
  for (let r = 0; r < y.length; r++) {
    const d = (y[r] - mean) / largest
    second += d * d * share(r)
    third += d * d * d * share(r)
  }
  return third / second ** 1.5
}

/** Labels further out than any computation survives are drawn in; NaN stays. */
export const drawIn = (y: number): number => Math.min(LARGEST, Math.max(-LARGEST, y))
