// Probabilities that mean what they say: a temperature and a bias, fitted on rows newer than any the scored model has seen. Monotone, so
// no ranking changes.

import { sigmoid } from './logistic.js'

/** From this many held-out rows on, they are believed in full. */
const ENOUGH = 200
/** Precision of the prior on the bias (sd .5) and on log temperature (sd .3). */
const BIAS_PRECISION = 4
const TEMPERATURE_PRECISION = 11

/** Calibrated logit = centre + bias + slope * (logit - centre), slope > 0. */
export interface Calibration {
  readonly centre: number
  readonly bias: number
  readonly slope: number
}

export const IDENTITY: Calibration = { centre: 0, bias: 0, slope: 1 }

export const calibrate = (c: Calibration, logit: number): number => c.centre + c.bias + c.slope * (logit - c.centre)

/** The logit that calibration makes `calibrated` of. */
export const uncalibrate = (c: Calibration, calibrated: number): number =>
  c.centre + (calibrated - c.centre - c.bias) / c.slope

/** Newton's method in (bias, log slope) on the penalised log loss of held-out logits. */
export function fitCalibration(logits: Float64Array, y: Float64Array): Calibration {
  const n = y.length
  if (n === 0) return IDENTITY
  let centre = 0
  for (const z of logits) centre += z / n
  let bias = 0
  let log = 0
  for (let iteration = 0; iteration < 25; iteration++) {
    const slope = Math.exp(log)
    let gb = BIAS_PRECISION * bias
    let gl = TEMPERATURE_PRECISION * log
    let hbb = BIAS_PRECISION
    let hbl = 0
    let hll = TEMPERATURE_PRECISION
    for (let r = 0; r < n; r++) {
      const u = slope * (logits[r] - centre)
      const p = sigmoid(centre + bias + u)
      const w = p * (1 - p)
      gb += p - y[r]
      gl += (p - y[r]) * u
      hbb += w
      hbl += w * u
      hll += w * u * u
    }
    const determinant = hbb * hll - hbl * hbl
    const stepBias = (hll * gb - hbl * gl) / determinant
    const stepLog = (hbb * gl - hbl * gb) / determinant
    const shorter = Math.min(1, 0.5 / Math.max(Math.abs(stepBias), Math.abs(stepLog), 1e-12))
    bias -= shorter * stepBias
    log -= shorter * stepLog
    if (Math.max(Math.abs(stepBias), Math.abs(stepLog)) < 1e-9) break
  }
  const belief = Math.min(1, n / ENOUGH)
  const limited = Math.min(1.4, Math.max(-1.4, belief * log))
  return { centre, bias: belief * bias, slope: Math.exp(limited) }
}
