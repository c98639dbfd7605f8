// Probabilities that mean what they say: a temperature and a bias, fitted on rows newer than any the scored model has seen. Monotone, so
// no ranking changes.

import { sigmoid } from './logistic.js'
import { newtonStep } from './newton.js'

/** From this many held-out rows on, they are believed in full. */
const ENOUGH = 200
/** Precision of the prior on the bias (sd .5) and on log temperature (sd .3). */
const BIAS_PRECISION = 4
const TEMPERATURE_PRECISION = 11

/** Of rows that stand for many, the share below where a calibration has its foot. */
const FOOT_SHARE = 0.95
const MOST_DROP = 5
/** From the foot down to where all of the drop counts. */
const RAMP = 0.25

/**
 * Calibrated logit = centre + bias + slope * (logit - centre), slope > 0. What comes out below `foot` (with side -1: its negative) is lowered by up
 * to `drop` >= 0, the whole of it from a little below on: those who do next to nothing are many more than were drawn, and what they do adds up.
 */
export interface Calibration {
  readonly centre: number
  readonly bias: number
  readonly slope: number
  readonly side: 1 | -1
  readonly foot: number
  readonly drop: number
}

export const IDENTITY: Calibration = { centre: 0, bias: 0, slope: 1, side: 1, foot: Number.NEGATIVE_INFINITY, drop: 0 }

export function calibrate(c: Calibration, logit: number): number {
  const straight = c.side * (c.centre + c.bias + c.slope * (logit - c.centre))
  return c.side * (straight < c.foot ? straight - c.drop * Math.min(1, (c.foot - straight) / RAMP) : straight)
}

/** The logit that calibration makes `calibrated` of. */
export function uncalibrate(c: Calibration, calibrated: number): number {
  const lowered = c.side * calibrated
  let straight = lowered
  if (lowered < c.foot - RAMP - c.drop) straight = lowered + c.drop
  else if (lowered < c.foot) straight = c.foot - (c.foot - lowered) / (1 + c.drop / RAMP)
  return c.centre + (c.side * straight - c.centre - c.bias) / c.slope
}

/**
 * The same with a foot, where rows stand for several (`weight`): below where most of those lie, probabilities add up to what they came to, each
 * counted as often as it stands for.
 */
export function withFoot(
  straight: Calibration,
  logits: Float64Array,
  y: Float64Array,
  weight: Float64Array,
): Calibration {
  let [ones, many] = [0, 0]
  for (let r = 0; r < y.length; r++) {
    if (weight[r] <= 1) continue
    many++
    ones += y[r]
  }
  if (many === 0) return straight
  const side = ones > many / 2 ? -1 : 1
  const placed = logits.map(logit => side * calibrate(straight, logit))
  const theirs = placed.filter((_, r) => weight[r] > 1).sort()
  const foot = theirs[Math.min(many - 1, Math.floor(FOOT_SHARE * many))]
  let drop = 0
  for (let iteration = 0; iteration < 10; iteration++) {
    const now = { ...IDENTITY, foot, drop }
    let [told, came] = [0.5, 0.5]
    for (let r = 0; r < y.length; r++) {
      if (placed[r] >= foot) continue
      told += weight[r] * sigmoid(calibrate(now, placed[r]))
      came += weight[r] * (side === 1 ? y[r] : 1 - y[r])
    }
    drop = Math.min(MOST_DROP, Math.max(0, drop + Math.log(told / came)))
  }
  return { ...straight, side, foot, drop }
}

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
    const off = newtonStep({ ga: gb, gb: gl, haa: hbb, hab: hbl, hbb: hll }, 0.5)
    bias -= off.a
    log -= off.b
    if (off.whole < 1e-9) break
  }
  const belief = Math.min(1, n / ENOUGH)
  const limited = Math.min(1.4, Math.max(-1.4, belief * log))
  return { ...IDENTITY, centre, bias: belief * bias, slope: Math.exp(limited) }
}
