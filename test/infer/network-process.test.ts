// A network beside the closed-form models: it is heard as far as it has earned on the newest rows, and predictions go on without it.

import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createInferClient } from '../../src/infer/client.js'
import type { Prediction } from '../../src/infer/head.js'
import { closedForm } from '../../src/infer/heads/closed-form.js'
import { run } from '../../src/infer/heads/stepped.js'
import { correctedHead } from '../../src/infer/network/corrected.js'
import type { QueryInputs } from '../../src/infer/network/inputs.js'
import { type Network, openNetwork } from '../../src/infer/network/runtime.js'
import { halves } from '../../src/infer/network/trial.js'
import { ask, column, small } from './process-ask.js'
import { extraction } from './process-extraction.js'
import { type World, world } from './synthetic.js'

t.setTimeout(120_000)
const TINY = fileURLToPath(new URL('../../pretrain/fixtures/tiny', import.meta.url))
const options = { seed: 1, mode: 'normal' as const }
type Binary = Extract<Prediction, { task: 'binary' }>

/** A condition that holds where four columns have a positive product: sums say nothing, and neither do trees of few rows. */
const agreeing = (seed: number): World => {
  const made = world({ task: 'binary', rows: 1200, queries: 300, width: 6, strength: 0, seed, draw: () => 0 })
  const label = (x: Float64Array, rows: number) =>
    Float64Array.from({ length: rows }, (_, r) =>
      x[r]! * x[rows + r]! * x[2 * rows + r]! * x[3 * rows + r]! > 0 ? 1 : 0,
    )
  const { context, query } = made
  return { ...made, context: { ...context, y: label(context.x, 1200) }, answers: label(query.x, 300) }
}

/** Answers with `says`, which is told the cells of a query. */
const answering = (says: (cells: Float32Array) => number): Network => ({
  facts: { name: 'test', parameters: 0, bytesPerRow: 8 },
  async encode({ rows, columns }) {
    const rowOf = (q: QueryInputs, r: number) => q.z.subarray(r * columns, (r + 1) * columns)
    return {
      bytes: 8 * rows,
      predict: async query => ({
        logit: Float32Array.from({ length: query.rows }, (_, r) => says(rowOf(query, r))),
        quantiles: new Float32Array(99 * query.rows),
      }),
    }
  },
  async close() {},
})

const predict = async (network: Network, w: World) => {
  const fitted = await run(correctedHead(network).fitSteps(w.context, options))
  return { fitted, probability: ((await run(fitted.predictSteps(w.query))) as Binary).probability }
}
const right = (p: Float64Array, w: World) => p.filter((v, r) => v > 0.5 === (w.answers[r] === 1)).length / p.length

t.test('a network that knows more is heard', async t => {
  const w = agreeing(1)
  const alone = (closedForm.fit(w.context, options).predict(w.query) as Binary).probability
  const { fitted, probability } = await predict(
    answering(cells => 6 * Math.sign(cells[0]! * cells[1]! * cells[2]! * cells[3]!)),
    w,
  )
  t.ok(right(probability, w) > 0.9, `${right(probability, w)} right, alone ${right(alone, w)}`)
  t.ok(right(probability, w) > right(alone, w))
  t.ok(fitted.bytes > closedForm.fit(w.context, options).bytes, 'what is kept of the context is counted')
})

t.test('one that knows less is not: the answer is the closed-form one, bit for bit', async t => {
  const w = agreeing(2)
  const alone = (closedForm.fit(w.context, options).predict(w.query) as Binary).probability
  for (const says of [() => 0, () => 3, (cells: Float32Array) => 4 * cells[2]!]) {
    t.strictSame((await predict(answering(says), w)).probability, alone)
  }
})

t.test('an exported network answers conditions and numbers, each row alone as among others', async t => {
  const network = await openNetwork(TINY)
  t.teardown(() => network.close())
  for (const task of ['binary', 'numeric'] as const) {
    const draw = (s: number, next: () => number) =>
      task === 'binary' ? (next() < 1 / (1 + Math.exp(-s)) ? 1 : 0) : s + next()
    const w = world({ task, rows: 800, queries: 40, width: 12, strength: 1, seed: 4, draw })
    const fitted = await run(correctedHead(network).fitSteps(w.context, options))
    const whole = await run(fitted.predictSteps(w.query))
    const one = { rows: 1, x: w.query.x.filter((_, i) => i % 40 === 7) }
    const alone = await run(fitted.predictSteps(one))
    const value = (p: Prediction, r: number) => (p.task === 'binary' ? p.probability[r]! : p.median[r]!)
    t.ok(Math.abs(value(alone, 0) - value(whole, 7)) < 1e-5)
    t.ok(Number.isFinite(value(whole, 0)))
  }
})

t.test('what it is tried on comes after what it reads', async t => {
  const age = Float64Array.from({ length: 100 }, (_, r) => 1 + Math.floor(r / 10) * 0.5)
  const anchor = Int32Array.from({ length: 100 }, (_, r) => Math.floor(r / 10))
  const { held, older } = halves({ anchor, age }, 100)
  t.equal(held, 50)
  t.ok(age[older]! >= age[held - 1]! + 0.85, 'windows of the one are closed when the other’s anchors come')
})

t.test('in the inference process', async t => {
  const x = extraction(small)
  const probabilities = async (model: string | null, warnings: string[] = []) => {
    const client = createInferClient({ model, onWarning: warning => warnings.push(warning) })
    try {
      await client.ready
      return column(await ask(client, x), 'probability')
    } finally {
      await client.close()
    }
  }
  const alone = await probabilities(null)

  t.test('asked for and there, it gives the same answer every time', async t => {
    const warnings: string[] = []
    const [one, two] = [await probabilities(TINY, warnings), await probabilities(TINY, warnings)]
    t.strictSame(one, two)
    t.equal(one.length, alone.length)
    t.strictSame(warnings, [])
  })

  t.test('asked for and not there, the closed-form models answer alone, and one line says so', async t => {
    const warnings: string[] = []
    t.strictSame(await probabilities('/nowhere', warnings), alone)
    t.equal(warnings.length, 1)
    t.match(warnings[0], /no network, the closed-form models answer alone: .*model\.json/)
  })
})
