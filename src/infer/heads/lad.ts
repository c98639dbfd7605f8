// L2-penalised least absolute deviations by iteratively reweighted least squares; deviations below .05 count as squares.

import { conjugate } from './conjugate.js'
import { apply, applyTransposed, cholesky, type Range } from './matrix.js'

const REWEIGHTINGS = 10
const KNEE = 0.05

/**
 * Coefficients that minimise the sum of absolute deviations plus half the penalised squares. `y` is in units of its own mean absolute
 * deviation, indexed from 0 = row `from`; `cross` is Z'Z of the same range.
 */
export function* fitLad(
  range: Range,
  y: Float64Array,
  cross: Float64Array,
  penalty: Float64Array,
  start: Float64Array,
): Generator<void, Float64Array, void> {
  const rows = range.to - range.from
  const { width } = range.design
  let b: Float64Array = Float64Array.from(start)
  const fitted = new Float64Array(rows)
  const weights = new Float64Array(rows)
  const weighted = new Float64Array(rows)
  let value = Number.POSITIVE_INFINITY
  for (let iteration = 0; iteration < REWEIGHTINGS; iteration++) {
    apply(range, b, fitted)
    let next = 0
    let mass = 0
    for (let r = 0; r < rows; r++) {
      const deviation = Math.abs(y[r] - fitted[r])
      next += deviation > KNEE ? deviation - KNEE / 2 : (deviation * deviation) / (2 * KNEE)
      weights[r] = 1 / Math.max(deviation, KNEE)
      weighted[r] = weights[r] * y[r]
      mass += weights[r]
    }
    for (let j = 0; j < width; j++) next += 0.5 * penalty[j] * b[j] * b[j]
    if (value - next <= 1e-5 * next) break
    value = next
    const factor = cholesky(cross, width, mass / rows, penalty)
    yield
    const right = applyTransposed(range, weighted)
    // The weights change with the next step anyway: a tenth of the way to this system's solution costs more passes than it saves.
    b = (yield* conjugate({ range, weights, penalty, factor }, right, b, 0.05, 12)).solution
  }
  return b
}
