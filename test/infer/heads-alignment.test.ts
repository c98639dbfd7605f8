// What the newest rows taught the models that answer is not told once more by what calibrates them.

import t from 'tap'
import type { Prediction } from '../../src/infer/head.js'
import { aligned } from '../../src/infer/heads/alignment.js'
import { closedForm } from '../../src/infer/heads/closed-form.js'
import { normals, uniforms, world } from './synthetic.js'

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, v) => sum + v, 0) / values.length

/** Ten anchors, and a column that is one from the newest on: what it means, only the newest rows tell. */
function since(task: 'binary' | 'numeric', draw: (signal: number, lately: boolean, next: () => number) => number) {
  const [rows, queries, width] = [3000, 3000, 12]
  const w = world({ task, rows, queries, width, strength: 1, seed: 8, draw: s => s, nonNegative: task === 'numeric' })
  const next = uniforms(6)
  const x = w.context.x.slice()
  const query = w.query.x.slice()
  const late = (r: number) => w.context.age[r] <= 2
  for (let r = 0; r < rows; r++) x[(width - 1) * rows + r] = late(r) ? 1 : 0
  query.fill(1, (width - 1) * queries)
  const y = w.signal.subarray(0, rows).map((s, r) => draw(s, late(r), next))
  const answers = w.signal.subarray(rows).map(s => draw(s, true, next))
  const fitted = closedForm.fit({ ...w.context, x, y }, { seed: 1, mode: 'normal' })
  return { predicted: fitted.predict({ rows: queries, x: query }), answers }
}

t.test('places are moved and stretched as the models were, and keep their order', async t => {
  const normal = normals(2)
  const judged = Float64Array.from({ length: 500 }, normal)
  const noise = normals(3)
  const seen = judged.map(v => 2 + 1.5 * v + 0.1 * noise())
  const places = aligned({ judged, seen })
  t.ok(Math.abs(mean(places) - mean(seen)) < 1e-9)
  t.ok(places.every((v, r) => Math.abs(v - (2 + 1.5 * judged[r])) < 0.1))
  const against = aligned({ judged, seen: judged.map(v => -v) })
  const order = (values: Float64Array) => Array.from(values.keys()).sort((a, b) => values[a] - values[b])
  t.strictSame(order(against), order(judged))
})

t.test('means after a rise that a column tells of are not raised twice', async t => {
  const { predicted, answers } = since('numeric', (s, lately, next) =>
    Math.round((lately ? 12 : 3) * Math.exp(0.8 * s) * (0.5 + next())),
  )
  const { mean: means } = predicted as Extract<Prediction, { task: 'numeric' }>
  const ratio = mean(means) / mean(answers)
  t.ok(ratio > 0.9 && ratio < 1.12, `${ratio} of what came`)
})

t.test('nor are probabilities', async t => {
  const { predicted, answers } = since('binary', (s, lately, next) =>
    next() < 1 / (1 + Math.exp(-s - (lately ? 0 : -2))) ? 1 : 0,
  )
  const { probability } = predicted as Extract<Prediction, { task: 'binary' }>
  const gap = mean(probability) - mean(answers)
  t.ok(Math.abs(gap) < 0.04, `${mean(probability)} said, ${mean(answers)} came`)
})
