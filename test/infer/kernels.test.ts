import t from 'tap'
import { binRows } from '../../src/infer/heads/boosting/bins.js'
import { addTree, createGrower } from '../../src/infer/heads/boosting/tree.js'
import { apply, applyTransposed, createDesign } from '../../src/infer/heads/matrix.js'
import { BIN_BYTES } from '../../src/infer/kernels/bins.js'
import { createWorkspace } from '../../src/infer/kernels/kernels.js'
import { normals } from './synthetic.js'

t.test(
  'a cell falls behind the cuts that are less than it, wherever it lies, and a missing one into bin 0',
  async t => {
    const all = Float64Array.from({ length: 62 }, (_, k) => k * k - 100)
    const x = Float64Array.from([
      ...all,
      ...all.map(c => c - 1e-9),
      ...all.map(c => c + 1e-9),
      Number.NaN,
      -1e300,
      1e300,
    ])
    x[5] = Number.POSITIVE_INFINITY
    x[6] = Number.NEGATIVE_INFINITY
    for (const count of [0, 1, 2, 31, 32, 33, 61, 62]) {
      const cuts = all.subarray(0, count)
      const bins = binRows({ byColumn: [cuts] }, x, x.length, 0, x.length)
      const plain = Uint8Array.from(x, v => (Number.isNaN(v) ? 0 : 1 + cuts.filter(c => c < v).length))
      t.strictSame(bins, plain, `${count} cuts`)
    }
  },
)

t.test('more cells than are binned at once, from within a column', async t => {
  const normal = normals(3)
  const rows = 9_001
  const x = Float64Array.from({ length: 2 * rows }, normal)
  const cuts = { byColumn: [Float64Array.of(-1, 0, 1), Float64Array.of(0.5)] }
  const bins = binRows(cuts, x, rows, 7, rows)
  const plain = (c: number, r: number) => 1 + cuts.byColumn[c].filter(cut => cut < x[c * rows + 7 + r]).length
  t.ok(bins.every((bin, i) => bin === plain(Math.floor(i / (rows - 7)), i % (rows - 7))))
})

t.test('sums by bin are those of a plain loop, and what is taken off is gone', async t => {
  const [rows, columns, bins] = [100, 4, 8]
  const [weightsAt, orderAt, cellsAt] = [2 * columns * bins * BIN_BYTES, 8_000, 9_000]
  const { kernels, buffer } = createWorkspace(10_000)
  const weights = new Int32Array(buffer, weightsAt, 4 * rows).map((_, i) => (i % 4 === 3 ? 0 : (i * 7919) % 1000) - 400)
  new Int32Array(buffer, weightsAt, 4 * rows).set(weights)
  const order = Int32Array.from({ length: 50 }, (_, i) => (i * 37) % rows)
  new Int32Array(buffer, orderAt, 50).set(order)
  const cells = Uint8Array.from({ length: rows * columns }, (_, i) => (i * i) % bins)
  new Uint8Array(buffer, cellsAt, cells.length).set(cells)
  const size = bins * BIN_BYTES
  const sumUp = (from: number, to: number, at: number) =>
    kernels.sumUp(
      ...[0, 1, 2, 3].map(c => cellsAt + c * rows),
      orderAt + 4 * from,
      orderAt + 4 * to,
      weightsAt,
      at,
      size,
    )
  const plain = (from: number, to: number) => {
    const out = new Int32Array(4 * columns * bins)
    for (const r of order.subarray(from, to))
      for (let c = 0; c < columns; c++)
        for (let lane = 0; lane < 4; lane++) out[4 * (c * bins + cells[c * rows + r]) + lane] += weights[4 * r + lane]
    return out
  }
  const at = (address: number) => new Int32Array(buffer, address, 4 * columns * bins)
  sumUp(0, 50, 0)
  t.strictSame(Int32Array.from(at(0)), plain(0, 50))
  sumUp(20, 50, columns * size)
  kernels.takeOff(0, columns * size, columns * size)
  t.strictSame(Int32Array.from(at(0)), plain(0, 20))
})

t.test('products of any range of rows are those of plain loops, an odd number of them too', async t => {
  const [rows, columns] = [701, 6]
  const design = createDesign(rows, columns)
  const normal = normals(5)
  for (let i = 0; i < rows * columns; i++) design.z[i] = normal()
  const { z, width } = design
  const b = Float64Array.from({ length: width }, (_, j) => (j <= columns ? normal() : 0))
  for (const [from, to] of [
    [0, 701],
    [3, 4],
    [100, 357],
    [699, 701],
  ]) {
    const out = new Float64Array(to - from)
    apply({ design, from, to }, b, out)
    const v = Float64Array.from({ length: to - from }, normal)
    const back = applyTransposed({ design, from, to }, v)
    const plain = (r: number) => b.reduce((sum, weight, j) => sum + weight * z[j * rows + from + r], 0)
    t.ok(out.every((value, r) => Math.abs(value - plain(r)) < 1e-12))
    const column = (j: number) => v.reduce((sum, value, r) => sum + value * z[j * rows + from + r], 0)
    t.ok(back.every((value, j) => Math.abs(value - column(j)) < 1e-9))
  }
})

t.test('what a grown tree adds to the rows it was grown on is what it tells them', async t => {
  const [rows, columns] = [300, 5]
  const bins = Uint8Array.from({ length: rows * columns }, (_, i) => (i * 7919) % 64)
  const grower = createGrower(bins, rows, columns, { leaves: 8, minRows: 5, l2: 1 })
  const [from, to] = [40, 290]
  const gradient = Float64Array.from({ length: to - from }, (_, r) => Math.sin(bins[from + r]) + 0.01 * r)
  const curvature = new Float64Array(to - from).fill(1)
  const tree = grower.grow({ columns: Int32Array.of(0, 2, 4), gradient, curvature }, from, to)
  t.ok(tree.value.length > 5)
  const added = new Float64Array(to - from)
  grower.add(0.5, added)
  const told = new Float64Array(to)
  addTree(tree, bins, to, 0.5, told, rows)
  t.strictSame(added, told.subarray(from))
})
