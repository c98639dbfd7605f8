// The answer a network starts from: ridge regression whose penalty is the one that predicts left-out rows best. Context rows are known by
// the prediction that left them out, so that they look as queries do. The counterpart of pretrain/prior/prepare.py.

import { cholesky, type Design, gram, solveFactored } from '../heads/matrix.js'

const LAMBDAS = [1500, 250, 50, 10]
/** A row that decides its own prediction is not divided by nothing. */
const MOST_LEVERAGE = 0.999

export interface Ridge {
  /** A coefficient a channel; `centre` is what is taken off each before. */
  readonly coefficients: Float64Array
  readonly centre: Float64Array
  readonly level: number
  /** Predictions of the rows fitted on, each by the others. */
  readonly leftOut: Float64Array
}

/** `design` is centred in place. */
export function* fitRidge(design: Design, t: Float64Array): Generator<void, Ridge, void> {
  const { rows, width, ones, z } = design
  const centre = new Float64Array(ones)
  for (let j = 0; j < ones; j++) {
    let sum = 0
    for (let r = 0; r < rows; r++) sum += z[j * rows + r]
    centre[j] = sum / rows
    for (let r = 0; r < rows; r++) z[j * rows + r] -= centre[j]
  }
  let level = 0
  for (const v of t) level += v / rows
  const deviation = t.map(v => v - level)
  const cross = yield* gram({ design, from: 0, to: rows })
  const right = new Float64Array(width)
  for (let j = 0; j < ones; j++) for (let r = 0; r < rows; r++) right[j] += z[j * rows + r] * deviation[r]
  yield
  let best: { loss: number; b: Float64Array; leftOut: Float64Array } | null = null
  for (const lambda of LAMBDAS) {
    const penalty = new Float64Array(width).fill(lambda)
    penalty.fill(1, ones)
    const factor = cholesky(cross, width, 1, penalty)
    yield
    const b = solveFactored(factor, width, right)
    const leftOut = new Float64Array(rows)
    const row = new Float64Array(ones)
    let loss = 0
    for (let r = 0; r < rows; r++) {
      let own = 0
      for (let j = 0; j < ones; j++) {
        row[j] = z[j * rows + r]
        own += b[j] * row[j]
      }
      const leverage = Math.min(MOST_LEVERAGE, 1 / rows + squaredSolution(factor, width, row))
      const error = (deviation[r] - own) / (1 - leverage)
      leftOut[r] = deviation[r] - error
      loss += (error * error) / rows
      if (r % 128 === 127) yield
    }
    if (best === null || loss < best.loss) best = { loss, b, leftOut }
  }
  const { b, leftOut } = best as { b: Float64Array; leftOut: Float64Array }
  return { coefficients: b.subarray(0, ones), centre, level, leftOut: leftOut.map(v => v + level) }
}

/** |L^-1 v|^2 for the leading part of L that `v` covers; `v` is overwritten. */
function squaredSolution(l: Float64Array, p: number, v: Float64Array): number {
  let squares = 0
  for (let i = 0; i < v.length; i++) {
    let s = v[i]
    for (let k = 0; k < i; k++) s -= l[i * p + k] * v[k]
    v[i] = s / l[i * p + i]
    squares += v[i] * v[i]
  }
  return squares
}
