// From a linear score of a 0/1 outcome to a logit: level and slope fitted on left-out rows, the slope held near what a linear model implies.

import { sigmoid } from '../heads/logistic.js'
import { newtonStep } from '../heads/newton.js'
import { meanOf } from './correlation.js'

const STEPS = 12
const SLOPE_PRECISION = 4
const LEVEL_PRECISION = 1e-3
const FURTHEST = 12

export function fitSlope(score: Float64Array, y: Float64Array): (score: number) => number {
  const n = y.length
  let positives = 0
  for (const v of y) positives += v
  const p = (positives + 0.5) / (n + 1)
  const unit = 1 / (p * (1 - p))
  const centre = meanOf(score)
  let a = Math.log(p / (1 - p))
  let b = 1
  for (let step = 0; step < STEPS; step++) {
    let ga = LEVEL_PRECISION * a
    let gb = SLOPE_PRECISION * (b - 1)
    let haa = LEVEL_PRECISION
    let hab = 0
    let hbb = SLOPE_PRECISION
    for (let r = 0; r < n; r++) {
      const u = unit * (score[r] - centre)
      const q = sigmoid(Math.min(30, Math.max(-30, a + b * u)))
      const w = q * (1 - q)
      ga += q - y[r]
      gb += (q - y[r]) * u
      haa += w
      hab += w * u
      hbb += w * u * u
    }
    const off = newtonStep({ ga, gb, haa, hab, hbb }, 1)
    a -= off.a
    b -= off.b
  }
  return s => Math.min(FURTHEST, Math.max(-FURTHEST, a + b * unit * (s - centre)))
}
