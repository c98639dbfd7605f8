// A network as exported: the graphs answer here as PyTorch did, and each query's answer is its own.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { ContextInputs, QueryInputs } from '../../src/infer/network/inputs.js'
import { openNetwork } from '../../src/infer/network/runtime.js'

/** From `pretrain/smoke --fixture`: two layers of 32, and what PyTorch made of a small input. */
export const TINY = fileURLToPath(new URL('../../pretrain/fixtures/tiny', import.meta.url))
const parity = JSON.parse(readFileSync(`${TINY}/parity.json`, 'utf8'))

const floats = (values: number[]) => Float32Array.from(values)
const context = {
  rows: parity.rows,
  columns: parity.columns,
  ...Object.fromEntries(
    ['z', 'missing', 'described', 'known', 'label'].map(name => [name, floats(parity.context[name])]),
  ),
  bytes: 0,
} as ContextInputs

function query(from: number, to: number): QueryInputs {
  const part = (name: string) => {
    const width = parity.asked[name].length / parity.queries
    return floats(parity.asked[name].slice(from * width, to * width))
  }
  return {
    rows: to - from,
    z: part('z'),
    missing: part('missing'),
    known: part('known'),
    base: new Float64Array(to - from),
  }
}

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!)), 0)

t.test('a network', async t => {
  const network = await openNetwork(TINY)
  t.teardown(() => network.close())
  const memory = await network.encode(context)
  const whole = await memory.predict(query(0, parity.queries))

  t.test('answers as PyTorch did', async t => {
    t.equal(whole.logit.length, parity.queries)
    t.ok(furthest(whole.logit, parity.logit) < 1e-4)
    t.ok(furthest(whole.quantiles, parity.quantiles) < 1e-4)
    t.ok(furthest(whole.logit, new Float32Array(parity.queries)) > 1e-3, 'not by answering nothing')
  })

  t.test('answers a query alone as among others', async t => {
    for (let q = 0; q < parity.queries; q++) {
      const alone = await memory.predict(query(q, q + 1))
      t.ok(Math.abs(alone.logit[0]! - whole.logit[q]!) < 1e-5)
      t.ok(furthest(alone.quantiles, whole.quantiles.subarray(q * 99, (q + 1) * 99)) < 1e-5)
    }
  })

  t.test('quantiles ascend', async t => {
    for (let i = 1; i < whole.quantiles.length; i++)
      if (i % 99 !== 0 && !(whole.quantiles[i]! >= whole.quantiles[i - 1]!)) t.fail(`at ${i}`)
  })

  t.test('contexts do not get in each other’s way', async t => {
    const other = await network.encode({ ...context, label: context.label.map(v => -v) })
    const again = await memory.predict(query(0, parity.queries))
    t.strictSame(again.logit, whole.logit)
    t.not((await other.predict(query(0, 1))).logit[0], whole.logit[0])
  })
})

t.test('a folder that holds no network is refused', async t => {
  await t.rejects(openNetwork(fileURLToPath(new URL('.', import.meta.url))), /model\.json/)
})
