// L2-penalised multinomial logistic regression. Each step solves one system a class, as if the classes did not share their mass, which
// overstates the curvature and so never steps too far; the step is halved until the loss falls.

import { apply, applyTransposed, cholesky, type Design, gram, type Range, solveFactored } from '../matrix.js'
import { penaltyOf } from '../tuning.js'

const LIMIT = 20
/** Gain of a step, as a share of the loss, below which there is nothing left to win. */
const ENOUGH = 2e-4

/** Coefficients by class, one after the other: classes x width. */
export type Coefficients = readonly Float64Array[]

/** Log probabilities of each class for the rows of a range: classes x rows. */
export function logProbabilities(range: Range, b: Coefficients): Float64Array[] {
  const out = logitsOf(range, b)
  normalise(out, range.to - range.from)
  return out
}

const logitsOf = (range: Range, b: Coefficients): Float64Array[] =>
  b.map(own => {
    const logits = new Float64Array(range.to - range.from)
    apply(range, own, logits)
    return logits
  })

function normalised(logits: readonly Float64Array[], rows: number): Float64Array[] {
  const out = logits.map(own => Float64Array.from(own))
  normalise(out, rows)
  return out
}

/** Logits by class to log probabilities, in place. */
export function normalise(logits: readonly Float64Array[], rows: number): void {
  for (let r = 0; r < rows; r++) {
    let largest = Number.NEGATIVE_INFINITY
    for (const own of logits) if (own[r] > largest) largest = own[r]
    let sum = 0
    for (const own of logits) sum += Math.exp(own[r] - largest)
    const total = largest + Math.log(sum)
    for (const own of logits) own[r] -= total
  }
}

/** Mean log loss. */
export function classLoss(log: readonly Float64Array[], y: Int32Array): number {
  let sum = 0
  for (let r = 0; r < y.length; r++) sum -= log[y[r]][r]
  return sum / Math.max(1, y.length)
}

/** Intercepts alone: the classes' shares, each with half a row added. */
export function priorCoefficients(design: Design, y: Int32Array, classes: number): Float64Array[] {
  const counts = new Float64Array(classes).fill(0.5)
  for (const c of y) counts[c]++
  return Array.from(counts, n => {
    const b = new Float64Array(design.width)
    b[design.ones] = Math.log(n / (y.length + 0.5 * classes))
    return b
  })
}

/** `y` is indexed from 0 = row `from`; `start` has one vector a class. Gives way to other work between classes. */
export function* fitMultinomial(
  range: Range,
  y: Int32Array,
  lambda: number,
  start: Coefficients,
  known?: Float64Array,
): Generator<void, Float64Array[], void> {
  const { design } = range
  const { width } = design
  const rows = range.to - range.from
  const penalty = penaltyOf(design, lambda)
  const cross = known ?? (yield* gram(range))
  let b = start.map(own => Float64Array.from(own))
  let logits = logitsOf(range, b)
  let log = normalised(logits, rows)
  let value = objective(log, y, b, penalty)
  const factors = yield* factorsFor(design.width, cross, penalty, y, b.length)
  const gap = new Float64Array(rows)
  for (let iteration = 0; iteration < LIMIT; iteration++) {
    const steps: Float64Array[] = []
    for (const [c, own] of b.entries()) {
      for (let r = 0; r < rows; r++) {
        const p = Math.exp(log[c][r])
        gap[r] = (y[r] === c ? 1 : 0) - p
      }
      const right = applyTransposed(range, gap)
      for (let j = 0; j < width; j++) right[j] -= penalty[j] * own[j]
      steps.push(solveFactored(factors[c], width, right))
      yield
    }
    // logits are linear in the coefficients: steps of any size are tried at the price of one
    const slope = logitsOf(range, steps)
    yield
    let size = 2
    let next = value
    let candidate = b
    let there = logits
    let thereLog = log
    for (let halving = 0; halving < 6; halving++, size /= 2) {
      candidate = b.map((own, c) => Float64Array.from(own, (v, j) => v + size * steps[c][j]))
      there = logits.map((own, c) => Float64Array.from(own, (v, r) => v + size * slope[c][r]))
      thereLog = normalised(there, rows)
      next = objective(thereLog, y, candidate, penalty)
      yield
      if (next <= value) break
    }
    if (!(next <= value)) break
    const gain = value - next
    b = candidate
    logits = there
    log = thereLog
    value = next
    if (gain <= ENOUGH * (1 + Math.abs(value))) break
  }
  return b
}

/** A factor of each class's curvature by its share of the rows, which is taken as the next power of two so that classes share factors. */
function* factorsFor(
  width: number,
  cross: Float64Array,
  penalty: Float64Array,
  y: Int32Array,
  classes: number,
): Generator<void, Float64Array[], void> {
  const counts = new Float64Array(classes).fill(0.5)
  for (const c of y) counts[c]++
  const known = new Map<number, Float64Array>()
  const out: Float64Array[] = []
  for (const n of counts) {
    const share = n / (y.length + 0.5 * classes)
    const power = Math.ceil(Math.log2(share))
    let factor = known.get(power)
    if (!factor) {
      factor = cholesky(cross, width, Math.min(2 ** power, 0.5), penalty)
      known.set(power, factor)
      yield
    }
    out.push(factor)
  }
  return out
}

function objective(log: readonly Float64Array[], y: Int32Array, b: Coefficients, penalty: Float64Array): number {
  let sum = classLoss(log, y) * y.length
  for (const own of b) for (let j = 0; j < own.length; j++) sum += 0.5 * penalty[j] * own[j] * own[j]
  return sum
}
