// One fit of a selection of rows: lambda chosen on its newest rows by a model of the older ones, then everything fitted again. Where rows are
// few there is no choice: what a few dozen held-out rows prefer is chance, and costs more than the best lambda of all gains.

import { fitLad } from './lad.js'
import { fitLogistic, logLoss } from './logistic.js'
import { apply, applyTransposed, cholesky, type Design, gram, type Range, solveFactored } from './matrix.js'
import { selectRows } from './scaling.js'
import type { Split } from './subsets.js'

/** From the stiffest down, so that each fit starts from its neighbour's solution. */
export const LAMBDAS = [1500, 250, 50, 10] as const
/** Where there are too few rows to choose, for one channel. Absolute deviations curve more than a logistic loss, and take more to hold. */
const UNTUNED = { binary: 20, numeric: 30 } as const

/** Lambda where there are too few rows to choose: the more channels there are, the less each has to say, and the more of them say the same. */
export const untuned = ({ ones }: Design, task: 'binary' | 'numeric'): number => UNTUNED[task] * Math.sqrt(ones)

export interface TunedFit {
  readonly lambda: number
  /** Fitted on all rows. */
  readonly all: Float64Array
  /** Predictions of the held-out rows, the first of the design, by the fit that has not seen them; of all rows, by folds, where they are few. */
  readonly judged: Float64Array
}

/** Parts of a small context that are predicted from the rest in turn. */
const FOLDS = 5
/** With fewer held-out rows than this, what they say is noise: nothing is chosen by them, and the fit is judged by folds of the whole context. */
const TELLING = 200

/** How many of a fit's rows are predicted by a model that has not seen them: those held out, or all of them in folds where those are few. */
export const judgedRows = (rows: number, { held }: Split): number => (held < TELLING ? rows : held)

/** Penalty of every column alike; of the intercept next to nothing; of padding, so that the system stays definite, one. */
export function penaltyOf(design: Design, lambda: number): Float64Array {
  const penalty = new Float64Array(design.width).fill(lambda)
  penalty[design.ones] = 1e-6
  penalty.fill(1, design.ones + 1)
  return penalty
}

/** `y` is 0/1, or in units of its mean absolute deviation; rows come newest first. */
export function* tunedFit(
  design: Design,
  y: Float64Array,
  { held, older: from }: Split,
  task: 'binary' | 'numeric',
): Generator<void, TunedFit, void> {
  const fit = task === 'binary' ? fitLogistic : fitLad
  const whole = { design, from: 0, to: design.rows }
  const zero = new Float64Array(design.width)
  zero[design.ones] = task === 'binary' ? priorLogit(y) : medianOf(y)
  if (held < TELLING) {
    const cross = yield* gram(whole)
    const lambda = untuned(design, task)
    const penalty = penaltyOf(design, lambda)
    const start = task === 'numeric' ? leastSquares(whole, y, cross, penalty) : zero
    const all = yield* fit(whole, y, cross, penalty, start)
    return { lambda, all, judged: yield* crossPredicted(design, y, task, lambda, start) }
  }
  const older = { design, from, to: design.rows }
  const crossOlder = yield* gram(older)
  const yOlder = y.subarray(from)
  const newest = { design, from: 0, to: held }
  const yNewest = y.subarray(0, held)
  const predicted = new Float64Array(held)
  let best: { lambda: number; loss: number; b: Float64Array } | null = null
  let worse = 0
  let start = task === 'numeric' ? leastSquares(older, yOlder, crossOlder, penaltyOf(design, LAMBDAS[0])) : zero
  for (const lambda of LAMBDAS) {
    start = yield* fit(older, yOlder, crossOlder, penaltyOf(design, lambda), start)
    apply(newest, start, predicted)
    const loss = lossOf(task, predicted, yNewest)
    if (best === null || loss < best.loss) {
      best = { lambda, loss, b: start }
      worse = 0
    } else if (++worse > 1) break
  }
  const { lambda, b } = best as { lambda: number; b: Float64Array }
  const cross = yield* gram({ design, from: 0, to: from })
  for (let i = 0; i < cross.length; i++) cross[i] += crossOlder[i]
  const all = yield* fit(whole, y, cross, penaltyOf(design, lambda), b)
  apply(newest, b, predicted)
  return { lambda, all, judged: predicted }
}

/** Where reweighting starts: with outcomes that are mostly one value, the median of all is a place it never leaves. */
function leastSquares(range: Range, y: Float64Array, cross: Float64Array, penalty: Float64Array): Float64Array {
  return solveFactored(cholesky(cross, range.design.width, 1, penalty), range.design.width, applyTransposed(range, y))
}

/** Each row predicted by a fit on the other folds. */
function* crossPredicted(
  design: Design,
  y: Float64Array,
  task: 'binary' | 'numeric',
  lambda: number,
  start: Float64Array,
): Generator<void, Float64Array, void> {
  const fit = task === 'binary' ? fitLogistic : fitLad
  const out = new Float64Array(design.rows)
  for (let fold = 0; fold < FOLDS; fold++) {
    const rest = Int32Array.from(y.keys()).filter(r => r % FOLDS !== fold)
    const part = selectRows(design, rest)
    const range = { design: part, from: 0, to: part.rows }
    const cross = yield* gram(range)
    const labels = Float64Array.from(rest, r => y[r])
    const b = yield* fit(range, labels, cross, penaltyOf(design, lambda), start)
    for (let r = fold; r < design.rows; r += FOLDS) apply({ design, from: r, to: r + 1 }, b, out.subarray(r, r + 1))
  }
  return out
}

/** Mean loss of predictions: log loss of logits, or absolute error. */
export function lossOf(task: 'binary' | 'numeric', predicted: Float64Array, y: Float64Array): number {
  if (task === 'binary') return logLoss(predicted, y)
  let s = 0
  for (let r = 0; r < y.length; r++) s += Math.abs(predicted[r] - y[r])
  return s / Math.max(1, y.length)
}

/** Of 0/1, half a row of each added. */
export function priorLogit(y: Float64Array): number {
  let positives = 0
  for (const v of y) positives += v
  return Math.log((positives + 0.5) / (y.length - positives + 0.5))
}

export function medianOf(y: Float64Array): number {
  if (y.length === 0) return 0
  const sorted = Float64Array.from(y).sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : sorted[middle - 1] / 2 + sorted[middle] / 2
}
