// What a fitted median says about the rest of the distribution: a 90 % interval and an expected value that adds up, both from rows newer
// than any the model saw.

import type { Prediction } from '../head.js'
import { type Band, fitBand, intervalAt, isLeast } from './band.js'
import { expected, fitMeans, type MeanCurve } from './means.js'
import type { Transform } from './transform.js'

/** Rows between two pauses. */
const BLOCK = 1024

export interface Spread {
  readonly band: Band
  readonly means: MeanCurve
}

/** From predictions `location` (transformed) of rows the model has not seen, with outcome `y` (as it is); each counts as often as `weight` says. */
export function fitSpread(
  transform: Transform,
  location: Float64Array,
  y: Float64Array,
  weight?: Float64Array,
): Spread {
  const order = Int32Array.from(location.keys()).sort((a, b) => location[a] - location[b] || a - b)
  return {
    band: fitBand(transform, location, y, order, weight),
    means: fitMeans(transform, location, y, order, weight),
  }
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
  // whole numbers have bounds that are: an interval of a rare event's count starts at 0, not a hair above
  const onGrid = (bound: number) => (transform.whole ? Math.round(bound) : bound)
  return function* (rows, [location]) {
    const make = () => new Float64Array(rows)
    const out = { task: 'numeric' as const, median: make(), mean: make(), lower: make(), upper: make() }
    for (let r = 0; r < rows; r++) {
      const inRange = Math.min(transform.max, Math.max(transform.min, transform.inverse(location[r])))
      const median = Math.max(least, isLeast(spread.band, location[r]) ? transform.min : inRange)
      out.median[r] = median
      out.mean[r] = Math.max(least, Math.min(transform.max, expected(transform, spread.means, location[r])))
      const [lower, upper] = intervalAt(transform, spread.band, location[r])
      out.lower[r] = Math.max(least, Math.min(median, onGrid(lower)))
      out.upper[r] = Math.max(median, Math.min(transform.max, upper))
      if (r % BLOCK === BLOCK - 1) yield
    }
    return out
  }
}
