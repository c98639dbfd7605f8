// Intervals: nine in ten lie inside, whatever piles up at zero, however few rows there are, and though windows differ in level.

import t from 'tap'
import { fitBand, intervalAt, isLeast } from '../../src/infer/heads/band.js'
import { driftOf } from '../../src/infer/heads/drift.js'
import { fitTransform } from '../../src/infer/heads/transform.js'
import { normals, uniforms } from './synthetic.js'

const ascending = (location: Float64Array) => Int32Array.from(location.keys()).sort((a, b) => location[a] - location[b])

/** Spend of which `idle` is none at all, the rest spread about its prediction. */
function spend(n: number, seed: number, idle: number) {
  const [normal, next] = [normals(seed), uniforms(seed + 1)]
  const signal = Float64Array.from({ length: n }, normal)
  const y = signal.map(s => (next() < idle ? 0 : Math.exp(s + 0.7 * normal())))
  return { signal, y }
}

/** Share of the newer half that lies in intervals from the older one, and on which side the others lie. */
function covered(signal: Float64Array, y: Float64Array) {
  const half = y.length / 2
  const transform = fitTransform(y)
  const location = signal.map(s => transform.forward(Math.exp(s)))
  const judged = { location: location.subarray(half), y: y.subarray(half) }
  const band = fitBand(transform, judged, ascending(judged.location), 0)
  let [inside, below, above] = [0, 0, 0]
  for (let r = 0; r < half; r++) {
    const [low, high] = intervalAt(transform, band, location[r])
    if (y[r] < low) below += 1 / half
    else if (y[r] > high) above += 1 / half
    else inside += 1 / half
  }
  return { inside, below, above }
}

t.test('nine in ten of a skewed target lie inside, as many above as below', async t => {
  const { signal, y } = spend(6000, 1, 0)
  const { inside, below, above } = covered(signal, y)
  t.ok(inside > 0.885 && inside < 0.925, `${inside}`)
  t.ok(below > 0.03 && above > 0.03, `${below} below, ${above} above`)
})

t.test('where zeros pile up nothing lies below, and what lies above is a tenth rather than half of it', async t => {
  const { signal, y } = spend(6000, 3, 0.3)
  const { inside, below, above } = covered(signal, y)
  t.equal(below, 0)
  t.ok(inside > 0.885 && inside < 0.925, `${inside}`)
  t.ok(above > 0.075, `${above} above`)
})

t.test('the interval of a point mass is the point', async t => {
  const { signal, y } = spend(600, 5, 0.97)
  const transform = fitTransform(y)
  const location = signal.map(s => transform.forward(Math.exp(s) / 100))
  const band = fitBand(transform, { location, y }, ascending(location), 0.2)
  t.strictSame(intervalAt(transform, band, location[0]), [0, 0])
  t.ok(isLeast(band, location[0]))
})

t.test('where rows are few and most came to nothing, those who come to something are still told apart', async t => {
  const normal = normals(9)
  const signal = Float64Array.from({ length: 72 }, normal)
  const y = signal.map(s => (s + 0.3 * normal() < 0.4 ? 0 : Math.round(5 * Math.exp(s))))
  t.ok(y.filter(v => v === 0).length > 36, 'most are nothing')
  const transform = { ...fitTransform(y), kind: 'log' as const }
  const location = signal.map(s => transform.forward(Math.exp(s)))
  const band = fitBand(transform, { location, y }, ascending(location), 0)
  t.ok(isLeast(band, transform.forward(Math.exp(-1.5))))
  t.notOk(isLeast(band, transform.forward(Math.exp(1.5))))
})

t.test('of forty rows, the interval still follows the prediction', async t => {
  const { signal, y } = spend(40, 7, 0)
  const transform = { ...fitTransform(y), kind: 'log' as const }
  const location = signal.map(s => transform.forward(Math.exp(s)))
  const band = fitBand(transform, { location, y }, ascending(location), 0)
  const [small, large] = [0.3, 6].map(v => intervalAt(transform, band, transform.forward(v)))
  t.ok(small[0] < 0.3 && 0.3 < small[1], `${small}`)
  t.ok(large[0] < 6 && 6 < large[1], `${large}`)
  t.ok(large[1] > 3 * small[1] && large[0] > small[0], `${small} and ${large}`)
})

t.test('windows whose level moves make the interval of the coming one wider, steady ones hardly', async t => {
  const share = (step: number): { plain: number; wide: number } => {
    let [plain, wide] = [0, 0]
    for (let seed = 0; seed < 30; seed++) {
      const normal = normals(100 + seed)
      const [windows, each] = [12, 100]
      const levels = Float64Array.from({ length: windows + 1 }, () => (step * normal()) / Math.SQRT2)
      const residual = Float64Array.from(
        { length: windows * each },
        (_, r) => levels[1 + Math.floor(r / each)] + normal(),
      )
      const anchor = Int32Array.from(residual, (_, r) => Math.floor(r / each))
      const transform = fitTransform(Float64Array.from({ length: 100 }, (_, i) => i))
      const judged = { location: new Float64Array(each), y: residual.subarray(0, each).map(transform.inverse) }
      const order = ascending(judged.location)
      for (const told of [false, true]) {
        const drift = told ? driftOf(residual, { anchor }) : 0
        const [low, high] = intervalAt(transform, fitBand(transform, judged, order, drift), 0).map(transform.forward)
        let inside = 0
        for (let k = 0; k < 300; k++) {
          const came = levels[0] + normal()
          if (came >= low && came <= high) inside += 1 / 300 / 30
        }
        if (told) wide += inside
        else plain += inside
      }
    }
    return { plain, wide }
  }
  const moving = share(1.2)
  t.ok(moving.plain < 0.8, `without: ${moving.plain}`)
  t.ok(moving.wide > 0.84 && moving.wide < 0.95, `with: ${moving.wide}`)
  const steady = share(0)
  t.ok(steady.wide - steady.plain < 0.015, `${steady.plain} without, ${steady.wide} with`)
})
