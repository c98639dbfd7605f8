// How much each kind of evidence counts: a conditional logit over the classes of a row, fitted on rows that the evidence was not gathered
// from, and drawn to weights that are sensible without any.

import { PAST } from '../../head.js'
import { cholesky, solveFactored } from '../matrix.js'
import { LATELY, LINEAR, OWN_PAST, PRIOR } from './evidence.js'

const LIMIT = 12
const PAST_PRECISION = 5
const GENERAL_PRECISION = 30
const CATEGORY_PRECISION = 300
/** Classes of a row that are compared with its own while fitting. */
const RIVALS = 48

/** Weights before anything is known; `linear`: there is a linear model, which knows the classes' shares already. */
export function firstWeights(kinds: number, linear: boolean): Float64Array {
  const w = new Float64Array(kinds).fill(0.02)
  w[PRIOR] = 0.5
  w[LATELY] = 0.5
  w[LINEAR] = linear ? 0.7 : 0
  for (let k = 0; k < PAST; k++) w[OWN_PAST + k] = k === 0 ? 2 : 0.5
  return w
}

/** Score of every class by evidence laid out kinds x classes. */
export function scores(w: Float64Array, evidence: Float64Array, classes: number, out: Float64Array): void {
  out.fill(0)
  for (let k = 0; k < w.length; k++) {
    const weight = w[k]
    if (weight === 0) continue
    const from = k * classes
    for (let c = 0; c < classes; c++) out[c] += weight * evidence[from + c]
  }
}

/** Scores to probabilities, in place. */
export function softmax(values: Float64Array): void {
  let largest = Number.NEGATIVE_INFINITY
  for (const v of values) if (v > largest) largest = v
  let sum = 0
  for (let c = 0; c < values.length; c++) {
    values[c] = Math.exp(values[c] - largest)
    sum += values[c]
  }
  for (let c = 0; c < values.length; c++) values[c] /= sum
}

/** One row's rivals: kinds numbers each, the row's own class first. */
export interface Trial {
  readonly count: number
  readonly evidence: Float64Array
}

/** The row's own class and those that `w` finds likeliest beside it, among those that have examples. */
export function trialOf(w: Float64Array, evidence: Float64Array, examples: Float64Array, own: number): Trial {
  const classes = examples.length
  const kinds = w.length
  const score = new Float64Array(classes)
  scores(w, evidence, classes, score)
  const order = Array.from({ length: classes }, (_, c) => c).filter(c => c !== own && examples[c] > 0)
  if (order.length >= RIVALS) order.sort((a, b) => score[b] - score[a] || a - b).length = RIVALS - 1
  const chosen = [own, ...order]
  const out = new Float64Array(chosen.length * kinds)
  for (const [i, c] of chosen.entries()) for (let k = 0; k < kinds; k++) out[i * kinds + k] = evidence[k * classes + c]
  return { count: chosen.length, evidence: out }
}

/** Newton's method on the log loss of the trials. */
export function* fitWeights(trials: readonly Trial[], start: Float64Array): Generator<void, Float64Array, void> {
  const kinds = start.length
  let w: Float64Array = Float64Array.from(start)
  const precision = precisionOf(kinds)
  let { loss, gradient, hessian } = yield* slope(trials, w, start)
  for (let iteration = 0; iteration < LIMIT; iteration++) {
    const step = solveFactored(cholesky(hessian, kinds, 1, precision), kinds, gradient)
    let size = 1
    let next = w
    let there = { loss, gradient, hessian }
    for (let halving = 0; halving < 6; halving++, size /= 2) {
      next = Float64Array.from(w, (v, k) => v + size * step[k])
      there = yield* slope(trials, next, start)
      if (there.loss <= loss) break
    }
    if (!(there.loss <= loss)) break
    const gain = loss - there.loss
    w = next
    ;({ loss, gradient, hessian } = there)
    if (gain <= 1e-6 * (1 + loss)) break
  }
  return w
}

/** Precision of the weights' prior, as if so many rows had spoken for it: the past is believed soonest, categories, which are many, last. */
function precisionOf(kinds: number): Float64Array {
  const out = new Float64Array(kinds).fill(CATEGORY_PRECISION)
  out.fill(GENERAL_PRECISION, 0, OWN_PAST)
  out.fill(PAST_PRECISION, OWN_PAST, OWN_PAST + PAST)
  return out
}

interface Slope {
  loss: number
  gradient: Float64Array
  hessian: Float64Array
}

/** Loss, what lessens it, and its curvature without the prior's. */
function* slope(trials: readonly Trial[], w: Float64Array, start: Float64Array): Generator<void, Slope, void> {
  const kinds = w.length
  const gradient = new Float64Array(kinds)
  const hessian = new Float64Array(kinds * kinds)
  const mean = new Float64Array(kinds)
  const precision = precisionOf(kinds)
  let loss = 0
  for (let k = 0; k < kinds; k++) {
    loss += 0.5 * precision[k] * (w[k] - start[k]) ** 2
    gradient[k] = -precision[k] * (w[k] - start[k])
  }
  for (const [t, { count, evidence }] of trials.entries()) {
    const p = new Float64Array(count)
    for (let i = 0; i < count; i++) for (let k = 0; k < kinds; k++) p[i] += w[k] * evidence[i * kinds + k]
    softmax(p)
    loss -= Math.log(Math.max(p[0], 1e-300))
    mean.fill(0)
    for (let i = 0; i < count; i++) for (let k = 0; k < kinds; k++) mean[k] += p[i] * evidence[i * kinds + k]
    for (let k = 0; k < kinds; k++) gradient[k] += evidence[k] - mean[k]
    for (let i = 0; i < count; i++) {
      if (p[i] < 1e-6) continue
      for (let a = 0; a < kinds; a++) {
        const off = p[i] * (evidence[i * kinds + a] - mean[a])
        if (off === 0) continue
        for (let b = 0; b <= a; b++) hessian[a * kinds + b] += off * (evidence[i * kinds + b] - mean[b])
      }
    }
    if (t % 64 === 63) yield
  }
  for (let a = 0; a < kinds; a++) for (let b = a + 1; b < kinds; b++) hessian[a * kinds + b] = hessian[b * kinds + a]
  return { loss, gradient, hessian }
}
