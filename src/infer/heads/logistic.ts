// L2-penalised logistic regression by Newton's method; each Newton system is solved by conjugate gradients.

import { conjugate } from './conjugate.js'
import { apply, applyTransposed, cholesky, type Range } from './matrix.js'

const NEWTON_LIMIT = 8

/** log(1 + exp(x)) without overflow. */
export const softplus = (x: number): number => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)))

export const sigmoid = (x: number): number => {
  if (x >= 0) return 1 / (1 + Math.exp(-x))
  const e = Math.exp(x)
  return e / (1 + e)
}

/** Mean log loss of logits against 0/1. */
export function logLoss(logits: Float64Array, y: Float64Array): number {
  let s = 0
  for (let r = 0; r < y.length; r++) s += softplus(logits[r]) - y[r] * logits[r]
  return s / Math.max(1, y.length)
}

/**
 * Coefficients (width of the design) that minimise the log loss summed over the range plus half the penalised squares.
 * `y` holds 0/1, indexed from 0 = row `from`; `cross` is Z'Z of the same range.
 */
export function* fitLogistic(
  range: Range,
  y: Float64Array,
  cross: Float64Array,
  penalty: Float64Array,
  start: Float64Array,
): Generator<void, Float64Array, void> {
  const rows = range.to - range.from
  const { width } = range.design
  let b: Float64Array = Float64Array.from(start)
  const logits = new Float64Array(rows)
  const gap = new Float64Array(rows)
  const weights = new Float64Array(rows)
  const objective = (c: Float64Array): number => {
    apply(range, c, logits)
    let s = logLoss(logits, y) * rows
    for (let j = 0; j < width; j++) s += 0.5 * penalty[j] * c[j] * c[j]
    return s
  }
  let value = objective(b)
  for (let iteration = 0; iteration < NEWTON_LIMIT; iteration++) {
    let mass = 0
    for (let r = 0; r < rows; r++) {
      const p = sigmoid(logits[r])
      gap[r] = y[r] - p
      weights[r] = Math.max(p * (1 - p), 1e-6)
      mass += weights[r]
    }
    const right = applyTransposed(range, gap)
    for (let j = 0; j < width; j++) right[j] -= penalty[j] * b[j]
    const factor = cholesky(cross, width, mass / rows, penalty)
    yield
    const zero = new Float64Array(width)
    const { solution: step } = yield* conjugate({ range, weights, penalty, factor }, right, zero, 1e-3, 30)
    let size = 1
    let candidate = b
    let next = value
    for (let halving = 0; halving < 6; halving++, size /= 2) {
      candidate = Float64Array.from(b, (v, j) => v + size * step[j])
      next = objective(candidate)
      if (next <= value) break
    }
    if (!(next <= value)) {
      objective(b)
      break
    }
    b = candidate
    const gain = value - next
    value = next
    yield
    if (gain <= 1e-7 * (1e-3 + Math.abs(value))) break
  }
  return b
}
