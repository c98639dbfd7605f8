// What a fitted median says about the rest of the distribution: a 90 % interval and an expected value that adds up, both from rows newer
// than any the model saw.

import type { Prediction } from '../head.js'
import { type Band, fitBand, intervalAt, isLeast, type Judged } from './band.js'
import { expected, fitMeans, type MeanCurve } from './means.js'
import type { Transform } from './transform.js'

/** Rows between two pauses. */
const BLOCK = 1024

export interface Spread {
  readonly band: Band
  readonly means: MeanCurve
}

/** `drift`: by how much the coming window may lie higher or lower than those of the rows, on the scale of the target. */
export function fitSpread(transform: Transform, judged: Judged, drift: number): Spread {
  const { location } = judged
  const order = Int32Array.from(location.keys()).sort((a, b) => location[a] - location[b] || a - b)
  return { band: fitBand(transform, judged, order, drift), means: fitMeans(transform, judged, order) }
}

/** What is made of a row's linear sums. Made outside the fits, so that it holds none of their matrices. */
export type Finish = (rows: number, sums: readonly Float64Array[]) => Generator<void, Prediction, void>

interface Numeric {
  readonly transform: Transform
  readonly spread: Spread
  readonly nonNegative: boolean
}

/** @param nonNegative the answer is never below zero */
export function distributions({ transform, spread, nonNegative }: Numeric): Finish {
  const least = nonNegative ? 0 : Number.NEGATIVE_INFINITY
  const { whole, min, max } = transform
  return function* (rows, [location]) {
    const make = () => new Float64Array(rows)
    const out = { task: 'numeric' as const, median: make(), mean: make(), lower: make(), upper: make() }
    for (let r = 0; r < rows; r++) {
      const inRange = Math.min(max, Math.max(min, transform.inverse(location[r])))
      const median = Math.max(least, isLeast(spread.band, location[r]) ? min : inRange)
      out.median[r] = median
      out.mean[r] = Math.max(least, Math.min(max, expected(transform, spread.means, location[r])))
      const [lower, upper] = intervalAt(transform, spread.band, location[r])
      // whole numbers have bounds that are, holding as many of them; a median between two lies between its bounds
      const [low, high] = whole ? [Math.ceil(lower), Math.floor(upper)] : [lower, upper]
      const [below, above] = whole ? [Math.floor(median), Math.ceil(median)] : [median, median]
      out.lower[r] = Math.max(least, Math.min(below, low))
      out.upper[r] = Math.max(above, Math.min(max, high))
      if (r % BLOCK === BLOCK - 1) yield
    }
    return out
  }
}
