// Rows that stand for several: what is said of a population that was drawn unevenly.

import t from 'tap'
import type { ContextBatch, Prediction } from '../../src/infer/head.js'
import { isLeast } from '../../src/infer/heads/band.js'
import { calibrate, fitCalibration, uncalibrate, withFoot } from '../../src/infer/heads/calibration.js'
import { closedForm } from '../../src/infer/heads/closed-form.js'
import { sigmoid } from '../../src/infer/heads/logistic.js'
import { expected } from '../../src/infer/heads/means.js'
import { fitSpread } from '../../src/infer/heads/spread.js'
import { fitTransform } from '../../src/infer/heads/transform.js'
import { uniforms } from './synthetic.js'

/** 600 live rows of which half come true, and 300 dormant ones, each for fifty, of which next to none does. */
function drawn(flip: boolean) {
  const random = uniforms(4)
  const weight = Float64Array.from({ length: 900 }, (_, r) => (r % 3 === 0 ? 50 : 1))
  const logits = weight.map(w => (w > 1 ? -4 + random() : 2 * random() - 1) * (flip ? -1 : 1))
  const y = weight.map(w => {
    const true_ = w === 1 && random() < 0.5
    return Number(true_ !== flip)
  })
  return { weight, logits, y }
}

for (const flip of [false, true])
  t.test(`probabilities of the dormant add up to what they come to, ${flip ? 'near one' : 'near zero'}`, async t => {
    const { weight, logits, y } = drawn(flip)
    const straight = fitCalibration(logits, y)
    const whole = withFoot(straight, logits, y, weight)
    const rare = (of: typeof whole) =>
      logits.reduce((sum, z, r) => sum + (weight[r]! > 1 ? 50 * sigmoid((flip ? -1 : 1) * calibrate(of, z)) : 0), 0)
    t.ok(rare(straight) > 40, `${rare(straight).toFixed(1)} of 15,000 expected`)
    t.ok(rare(whole) < rare(straight) / 4, `${rare(whole).toFixed(1)} of 15,000 expected`)
    const order = Float64Array.from({ length: 200 }, (_, i) => i / 10 - 10)
    const places = order.map(z => calibrate(whole, z))
    t.ok(
      places.every((p, i) => i === 0 || p > places[i - 1]!),
      'no ranking changes',
    )
    t.ok(
      order.every((z, i) => Math.abs(uncalibrate(whole, places[i]!) - z) < 1e-9),
      'and it can be undone',
    )
    t.equal(calibrate(whole, flip ? -1 : 1), calibrate(straight, flip ? -1 : 1), 'live ones stay where they were')
  })

t.test('means and medians count a row as often as it stands for', async t => {
  const random = uniforms(9)
  const n = 600
  const weight = Float64Array.from({ length: n }, (_, r) => (r % 2 === 0 ? 30 : 1))
  const y = weight.map(w => (w > 1 ? 0 : Math.ceil(6 * random())))
  const transform = fitTransform(y, weight)
  t.equal(transform.kind, 'log')
  t.equal(fitTransform(y).kind, 'plain', 'which the rows themselves would not be')
  const location = y.map(() => random())
  const [even, uneven] = [fitSpread(transform, { location, y }, 0), fitSpread(transform, { location, y, weight }, 0)]
  const mean = y.reduce((sum, v, r) => sum + v * weight[r]!, 0) / weight.reduce((sum, w) => sum + w, 0)
  t.ok(Math.abs(expected(transform, uneven.means, 0.5) / mean - 1) < 0.4)
  t.ok(expected(transform, even.means, 0.5) > 5 * mean)
  t.ok(isLeast(uneven.band, 0.5))
})

t.test('what is said of next to no examples counts each as often as it stands for', async t => {
  const context = (task: 'binary' | 'numeric', y: number[], weight: number[]): ContextBatch => ({
    task,
    rows: y.length,
    columns: [],
    x: new Float64Array(0),
    y: Float64Array.from(y),
    anchor: new Int32Array(y.length),
    age: new Float64Array(y.length).fill(1),
    nonNegative: true,
    weight: Float64Array.from(weight),
  })
  const query = { rows: 1, x: new Float64Array(0) }
  const answer = (...of: Parameters<typeof context>) =>
    closedForm.fit(context(...of), { seed: 1, mode: 'normal' }).predict(query)
  const number = answer('numeric', [8, 4, 0], [1, 1, 8]) as Extract<Prediction, { task: 'numeric' }>
  t.equal(number.median[0], 0)
  t.equal(number.mean[0].toFixed(6), '1.200000')
  const even = answer('numeric', [8, 4, 0, 6], [1, 1, 1, 1]) as typeof number
  t.equal(even.median[0], 5)
  const { probability } = answer('binary', [0], [100]) as Extract<Prediction, { task: 'binary' }>
  t.equal(probability[0], 0.25, 'one example is one, whatever it stands for')
  const { probability: mixed } = answer('binary', [1, 0, 0], [2, 2, 4]) as Extract<Prediction, { task: 'binary' }>
  t.ok(mixed[0] > 0.25 && mixed[0] < 0.35, `${mixed[0]}`)
})
