import t from 'tap'
import type { ContextBatch } from '../../src/infer/head.js'
import { binRows, fitCuts } from '../../src/infer/heads/boosting/bins.js'
import { blendSteps } from '../../src/infer/heads/boosting/blend.js'
import { boost, RATE, TREE } from '../../src/infer/heads/boosting/boost.js'
import { growHere, type Plot } from '../../src/infer/heads/boosting/grow.js'
import { addTree, createGrower } from '../../src/infer/heads/boosting/tree.js'
import { closedForm } from '../../src/infer/heads/closed-form.js'
import { drain } from '../../src/infer/heads/stepped.js'

/** Uniform numbers in [0, 1), the same at every run. */
function uniform(seed: number): () => number {
  let s = seed
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0
    return s / 2 ** 32
  }
}

/** `rows` rows in anchors of 500, newest first, and their columns by `cell`. */
function contextOf(
  rows: number,
  columns: number,
  task: 'binary' | 'numeric',
  label: (cells: number[], random: () => number) => number,
): ContextBatch {
  const random = uniform(7)
  const x = new Float64Array(rows * columns)
  const y = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    const cells = Array.from({ length: columns }, () => 2 * random() - 1)
    cells.forEach((v, c) => {
      x[c * rows + r] = v
    })
    y[r] = label(cells, random)
  }
  const anchor = Int32Array.from({ length: rows }, (_, r) => Math.floor(r / 500))
  const descriptor = { kind: 'value', hop: 0, window: 0, target: false, cohort: false } as const
  return {
    task,
    rows,
    columns: Array.from({ length: columns }, () => descriptor),
    x,
    y,
    anchor,
    age: Float64Array.from(anchor, a => a + 1),
    nonNegative: false,
  }
}

const plotOf = ({ task, rows, columns, x, y }: ContextBatch, held: number): Plot => ({
  task,
  rows,
  columns: columns.length,
  x,
  y,
  held,
  older: held,
  seed: 1,
})

const exclusive = (cells: number[], random: () => number) =>
  (cells[0] > 0 !== cells[1] > 0 ? 1 : 0) ^ (random() < 0.1 ? 1 : 0)

function accuracy(p: Float64Array, y: Float64Array): number {
  let right = 0
  for (let r = 0; r < y.length; r++) right += p[r] > 0.5 === y[r] > 0 ? 1 : 0
  return right / y.length
}

t.test('a conjunction that no linear model can tell is told by the blend', async t => {
  const context = contextOf(3000, 6, 'binary', exclusive)
  const query = { rows: 1000, x: contextOf(1000, 6, 'binary', exclusive).x }
  const truth = contextOf(1000, 6, 'binary', exclusive).y
  const told = (mode: 'fast' | 'normal') => {
    const prediction = closedForm.fit(context, { seed: 1, mode }).predict(query)
    return accuracy(prediction.task === 'binary' ? prediction.probability : new Float64Array(1000), truth)
  }
  t.ok(told('normal') > 0.85, `with trees ${told('normal')}`)
  t.ok(told('fast') < 0.6, `without ${told('fast')}`)
})

t.test('where trees add nothing they get no say', async t => {
  const context = contextOf(3000, 6, 'numeric', (cells, random) => 3 * cells[0] - 2 * cells[1] + 0.1 * random())
  const judged = Float64Array.from({ length: 500 }, (_, r) => 3 * context.x[r] - 2 * context.x[context.rows + r] + 0.05)
  const { task, y } = context
  const blend = drain(blendSteps(growHere(plotOf(context, 500)), task, { judged, seen: judged }, y.subarray(0, 500)))
  t.equal(blend.trees, null)
  t.equal(blend.judged, judged)
})

t.test('missing cells go where they fit, and a column without values splits nothing', async t => {
  const rows = 400
  const x = new Float64Array(2 * rows)
  for (let r = 0; r < rows; r++) {
    x[r] = r % 2 === 0 ? Number.NaN : r / rows
    x[rows + r] = Number.NaN
  }
  const y = Float64Array.from({ length: rows }, (_, r) => (r % 2 === 0 ? 5 : 1))
  const cuts = drain(fitCuts(x, 2, rows))
  const bins = binRows(cuts, x, rows, 0, rows)
  const grower = createGrower(bins, rows, 2, TREE)
  const start = new Float64Array(rows)
  const trees = drain(boost({ grower, columns: 2, from: 0, y, start, task: 'numeric', seed: 3 }, 60))
  const told = new Float64Array(rows)
  for (const tree of trees) addTree(tree, bins, rows, RATE, told)
  t.ok(Math.abs(told[0] - 5) < 0.3 && Math.abs(told[1] - 1) < 0.3, `${told[0]} and ${told[1]}`)
})

t.test('the same rows give the same bits, and a row answered alone is answered as among others', async t => {
  const context = contextOf(2000, 5, 'binary', exclusive)
  const [one, two] = [1, 2].map(() => closedForm.fit(context, { seed: 9, mode: 'normal' }))
  const all = one.predict({ rows: context.rows, x: context.x })
  t.strictSame(all, two.predict({ rows: context.rows, x: context.x }))
  const alone = Float64Array.from({ length: 5 }, (_, c) => context.x[c * context.rows + 77])
  const single = one.predict({ rows: 1, x: alone })
  if (all.task !== 'binary' || single.task !== 'binary') throw new Error('a binary task')
  t.equal(single.probability[0], all.probability[77])
})

t.test('ten thousand rows of 150 columns are boosted in seconds', async t => {
  const context = contextOf(10_000, 150, 'binary', exclusive)
  const started = performance.now()
  const growing = growHere(plotOf(context, 2500))
  t.ok(drain(growing.judged()).rounds > 0)
  t.ok(drain(growing.all()).trees.length > 0)
  t.ok(performance.now() - started < 20_000)
})
