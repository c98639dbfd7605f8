// Several classes that no linear model can tell apart: trees can, and are asked only where they help.

import t from 'tap'
import type { ClassBatch, ClassSide } from '../../src/infer/head.js'
import { fitClasses } from '../../src/infer/heads/classes/head.js'
import { drain } from '../../src/infer/heads/stepped.js'
import { plain, uniforms } from './synthetic.js'

const COLUMNS = 20
const CLASSES = 3

const nothingElse = (rows: number): ClassSide => ({
  sites: [],
  start: new Int32Array(rows + 1),
  of: new Int32Array(0),
  past: new Float64Array(0),
})

/** The class of a row by its cells, one time in ten another. */
function worldOf(rows: number, seed: number, label: (cells: readonly number[]) => number): ClassBatch {
  const next = uniforms(seed)
  const x = new Float64Array(rows * COLUMNS)
  const y = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    const cells = Array.from({ length: COLUMNS }, () => 2 * next() - 1)
    for (const [c, v] of cells.entries()) x[c * rows + r] = v
    y[r] = next() < 0.1 ? Math.floor(CLASSES * next()) : label(cells)
  }
  return {
    task: 'multiclass',
    rows,
    columns: Array.from({ length: COLUMNS }, () => plain),
    x,
    y,
    anchor: new Int32Array(rows),
    age: new Float64Array(rows),
    nonNegative: true,
    classes: { ...nothingElse(rows), count: CLASSES },
  }
}

/** A third column decides for the last class; of the others it is whether two columns agree in sign. They come last: of the first few, ranges are crossed anyway. */
const exclusive = (cells: readonly number[]): number => {
  const [a, b, c] = cells.slice(-3)
  return c > 0.3 ? 2 : a > 0 === b > 0 ? 0 : 1
}
const linear = ([a, b, c]: readonly number[]): number => (a > 0.4 ? 0 : b + c > 0 ? 1 : 2)

function told(context: ClassBatch, mode: 'fast' | 'normal', query: ClassBatch, from = 0, to = query.rows) {
  const rows = to - from
  const x = new Float64Array(rows * COLUMNS)
  for (let c = 0; c < COLUMNS; c++) x.set(query.x.subarray(c * query.rows + from, c * query.rows + to), c * rows)
  const fitted = drain(fitClasses(context, { seed: 7, mode }))
  const { probabilities } = drain(fitted.predictSteps({ rows, x, classes: nothingElse(rows) }))
  let right = 0
  let loss = 0
  for (let r = 0; r < rows; r++) {
    const own = probabilities.subarray(r * CLASSES, (r + 1) * CLASSES)
    const y = query.y[from + r]
    if (own.indexOf(Math.max(...own)) === y) right++
    loss -= Math.log(own[y]) / rows
  }
  return { accuracy: right / rows, loss, probabilities, bytes: fitted.bytes }
}

const context = worldOf(4000, 3, exclusive)
const query = worldOf(1000, 5, exclusive)

t.test('whether two columns agree decides among three classes: trees tell, the linear model does not', async t => {
  const [without, trees] = [told(context, 'fast', query), told(context, 'normal', query)]
  t.ok(trees.accuracy > 0.85, `with trees ${trees.accuracy}`)
  t.ok(without.accuracy < 0.7, `without ${without.accuracy}`)
  t.ok(trees.loss < without.loss - 0.2, `log loss ${trees.loss}, without trees ${without.loss}`)
  for (let r = 0; r < query.rows; r++) {
    const sum = trees.probabilities.subarray(r * CLASSES, (r + 1) * CLASSES).reduce((a, b) => a + b, 0)
    if (Math.abs(sum - 1) > 1e-9) t.fail(`probabilities of row ${r} sum to ${sum}`)
  }
})

t.test('the same rows give the same bits, and a row asked about alone is answered as among others', async t => {
  const all = told(context, 'normal', query)
  const alone = told(context, 'normal', query, 77, 78)
  t.same(alone.probabilities, all.probabilities.subarray(77 * CLASSES, 78 * CLASSES))
})

t.test('where a linear model tells all there is, trees take nothing from it', async t => {
  const [context, query] = [worldOf(2500, 11, linear), worldOf(1000, 13, linear)]
  const [without, trees] = [told(context, 'fast', query), told(context, 'normal', query)]
  t.ok(trees.loss < without.loss + 0.02, `log loss ${trees.loss}, without trees ${without.loss}`)
})

t.test('other work gets its turn while trees grow', async t => {
  let longest = 0
  let at = performance.now()
  const steps = fitClasses(context, { seed: 7, mode: 'normal' })
  let count = 0
  while (!steps.next().done) {
    longest = Math.max(longest, performance.now() - at)
    at = performance.now()
    count++
  }
  t.ok(count > 100, `${count} steps`)
  t.ok(longest < 1000, `the longest took ${longest} ms`)
})
