// Expected values: they add up to what held-out rows came to, on scales where medians do not.

import t from 'tap'
import { expected, fitMeans } from '../../src/infer/heads/means.js'
import { fitTransform } from '../../src/infer/heads/transform.js'
import { normals } from './synthetic.js'

/** Spend with a heavy tail: medians exp(2 s), outcomes exp(2 s + noise). */
function spend(n: number, seed: number) {
  const normal = normals(seed)
  const signal = Float64Array.from({ length: n }, normal)
  const y = signal.map(s => Math.exp(2 * s + normal()))
  const transform = fitTransform(y)
  return { transform, y, location: signal.map(s => transform.forward(Math.exp(2 * s))) }
}

const ascending = (location: Float64Array) => Int32Array.from(location.keys()).sort((a, b) => location[a] - location[b])
const total = (values: Iterable<number>) => Array.from(values).reduce((sum, v) => sum + v, 0)

t.test('the sum of expected values is what came, also where a few rows make most of it', async t => {
  for (const seed of [1, 2, 3]) {
    const { transform, y, location } = spend(1500, seed)
    t.equal(transform.kind, 'log')
    const means = fitMeans(transform, { location, y }, ascending(location))
    const told = total(location.map(at => Math.min(transform.max, expected(transform, means, at))))
    t.ok(Math.abs(told / total(y) - 1) < 0.02, `${told} of ${total(y)}`)
  }
})

t.test('rows that stand for several are added as often', async t => {
  const { transform, y, location } = spend(1500, 4)
  const weight = y.map((_, r) => (r % 3 === 0 ? 20 : 1))
  const means = fitMeans(transform, { location, y, weight }, ascending(location))
  const told = total(location.map((at, r) => weight[r] * Math.min(transform.max, expected(transform, means, at))))
  const came = total(y.map((v, r) => weight[r] * v))
  t.ok(Math.abs(told / came - 1) < 0.02, `${told} of ${came}`)
})

t.test('expected values rise with the prediction, without a jump at the ends of what was seen', async t => {
  const { transform, y, location } = spend(1500, 5)
  const means = fitMeans(transform, { location, y }, ascending(location))
  const [low, high] = [means.location[0], means.location.at(-1)!]
  const places = Float64Array.from({ length: 2000 }, (_, i) => low - 1 + ((high - low + 2) * i) / 2000)
  const values = places.map(at => expected(transform, means, at))
  t.ok(values.every((v, i) => i === 0 || v >= values[i - 1] * (1 - 1e-12)))
  for (const end of [low, high]) {
    const [before, after] = [end - 1e-9, end + 1e-9].map(at => expected(transform, means, at))
    t.ok(Math.abs(after / before - 1) < 1e-6, `${before} … ${after}`)
  }
})
