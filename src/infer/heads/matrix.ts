// Dense linear algebra for a few hundred columns: the cross product of a range of rows, its Cholesky factor, and products with it.
// Every sum runs in one fixed order, so equal inputs give equal bits.

import { createWorkspace, type Kernels } from '../kernels/kernels.js'

/** Rows a pass touches before it moves to the next columns: 256 rows of 200 columns stay in the second-level cache. */
const TILE = 256
const DOUBLE = Float64Array.BYTES_PER_ELEMENT

/** Column-major, `width` x `rows`; the last meaningful column is all ones (the intercept), those behind it pad `width` to a multiple of 4. */
export interface Design {
  readonly rows: number
  readonly width: number
  /** Index of the intercept. */
  readonly ones: number
  readonly z: Float64Array
  readonly work: Work
}

/** Where products with a design are computed: vectors beside it in the memory of the kernels, each with its address there. */
interface Work {
  readonly kernels: Kernels
  /** One number a row of a tile, and one that is always 0 or ignored: rows come in pairs. */
  readonly tile: Place
  /** One number a column. */
  readonly columns: Place
  readonly sums: Place
  /** One number a pair of columns. */
  readonly square: Place
}

interface Place {
  readonly address: number
  readonly values: Float64Array
}

/** Rows [from, to) of a design. */
export interface Range {
  readonly design: Design
  readonly from: number
  readonly to: number
}

export const widthFor = (columns: number): number => (columns + 1 + 3) & ~3

/** A design of zeros but for its intercept, with `columns` columns before that. */
export function createDesign(rows: number, columns: number): Design {
  const width = widthFor(columns)
  const lengths = [width * rows, TILE + 2, width, width, width * width]
  const { kernels, buffer } = createWorkspace(DOUBLE * lengths.reduce((sum, n) => sum + n, 0))
  let address = 0
  const places = lengths.map((length): Place => {
    const place = { address, values: new Float64Array(buffer, address, length) }
    address += DOUBLE * length
    return place
  })
  const z = places[0].values.fill(1, columns * rows, (columns + 1) * rows)
  return {
    rows,
    width,
    ones: columns,
    z,
    work: { kernels, tile: places[1], columns: places[2], sums: places[3], square: places[4] },
  }
}

/** Z'Z of a range, width x width, symmetric; gives way to other work between tiles. */
export function* gram(range: Range): Generator<void, Float64Array, void> {
  const { design, from, to } = range
  const out = new Float64Array(design.width * design.width)
  for (let start = from; start < to; start += TILE) {
    gramTile(design, start, Math.min(to, start + TILE), out)
    yield
  }
  mirror(out, design.width)
  return out
}

/** Adds the upper triangle of one tile to `out`. */
function gramTile({ z, rows, width, work }: Design, from: number, to: number, out: Float64Array): void {
  const { kernels, square } = work
  square.values.fill(0)
  const stride = DOUBLE * rows
  const pairs = (to - from) & ~1
  for (let i = 0; i < width; i += 4) {
    const column = i * stride + DOUBLE * from
    const at = square.address + DOUBLE * (i * width + i)
    kernels.cross(column, column, stride, width - i, DOUBLE * pairs, at, DOUBLE * width)
  }
  if (from + pairs < to) {
    const last = to - 1
    for (let i = 0; i < width; i++)
      for (let j = i; j < width; j++) square.values[i * width + j] += z[i * rows + last] * z[j * rows + last]
  }
  for (let i = 0; i < out.length; i++) out[i] += square.values[i]
}

function mirror(m: Float64Array, p: number): void {
  for (let i = 1; i < p; i++) for (let j = 0; j < i; j++) m[i * p + j] = m[j * p + i]
}

/**
 * Lower Cholesky factor of scale * gram + diag(penalty). A pivot that rounding has made tiny is lifted, so the factor exists for
 * every finite input.
 */
export function cholesky(gram: Float64Array, p: number, scale: number, penalty: Float64Array): Float64Array {
  const l = new Float64Array(p * p)
  let largest = 0
  for (let i = 0; i < p; i++) largest = Math.max(largest, scale * gram[i * p + i] + penalty[i])
  const jitter = 1e-10 * largest + 1e-300
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      const ri = i * p
      const rj = j * p
      let s0 = 0
      let s1 = 0
      let k = 0
      for (; k + 1 < j; k += 2) {
        s0 += l[ri + k] * l[rj + k]
        s1 += l[ri + k + 1] * l[rj + k + 1]
      }
      if (k < j) s0 += l[ri + k] * l[rj + k]
      const rest = scale * gram[ri + j] + (i === j ? penalty[i] : 0) - (s0 + s1)
      l[ri + j] = i === j ? Math.sqrt(Math.max(rest, jitter)) : rest / l[rj + j]
    }
  }
  return l
}

/** Solves L L' x = b. */
export function solveFactored(l: Float64Array, p: number, b: Float64Array): Float64Array {
  const x = Float64Array.from(b)
  for (let i = 0; i < p; i++) {
    let s = x[i]
    for (let k = 0; k < i; k++) s -= l[i * p + k] * x[k]
    x[i] = s / l[i * p + i]
  }
  for (let i = p - 1; i >= 0; i--) {
    const xi = x[i] / l[i * p + i]
    x[i] = xi
    for (let k = 0; k < i; k++) x[k] -= l[i * p + k] * xi
  }
  return x
}

/** Z b over a range; `out` is indexed from 0 = row `from`. */
export function apply({ design, from, to }: Range, b: Float64Array, out: Float64Array): void {
  const { columns, tile } = design.work
  columns.values.set(b)
  for (let start = from; start < to; start += TILE) {
    const end = Math.min(to, start + TILE)
    applyTile(design, start, end)
    out.set(tile.values.subarray(0, end - start), start - from)
  }
}

/** Z' v over a range; `v` is indexed from 0 = row `from`. */
export function applyTransposed({ design, from, to }: Range, v: Float64Array): Float64Array {
  const { sums, tile } = design.work
  sums.values.fill(0)
  for (let start = from; start < to; start += TILE) {
    const end = Math.min(to, start + TILE)
    tile.values.set(v.subarray(start - from, end - from))
    transposedTile(design, start, end)
  }
  return sums.values.slice()
}

/** Z' W Z b + diag(penalty) b over a range in one pass over memory; `w` is indexed from 0 = row `from`. */
export function applyNormal(
  { design, from, to }: Range,
  w: Float64Array,
  penalty: Float64Array,
  b: Float64Array,
): Float64Array {
  const { columns, sums, tile } = design.work
  const { values } = tile
  columns.values.set(b)
  sums.values.fill(0)
  for (let start = from; start < to; start += TILE) {
    const end = Math.min(to, start + TILE)
    applyTile(design, start, end)
    for (let r = start; r < end; r++) values[r - start] *= w[r - from]
    transposedTile(design, start, end)
  }
  const out = sums.values.slice()
  for (let j = 0; j < design.width; j++) out[j] += penalty[j] * b[j]
  return out
}

/** Bytes of so many rows, in pairs. */
const inPairs = (rows: number): number => DOUBLE * ((rows + 1) & ~1)

/** Of the columns' numbers, one number a row of the tile. */
function applyTile({ rows, width, work }: Design, from: number, to: number): void {
  const { kernels, tile, columns } = work
  const bytes = inPairs(to - from)
  tile.values.fill(0, 0, bytes / DOUBLE)
  kernels.times(DOUBLE * from, DOUBLE * rows, width, bytes, columns.address, tile.address)
}

/** Adds to the columns' sums. The row that makes up a pair is another column's, or the vector's: a number, and counted not at all. */
function transposedTile({ rows, width, work }: Design, from: number, to: number): void {
  const { kernels, tile, sums } = work
  tile.values[to - from] = 0
  kernels.transposed(DOUBLE * from, DOUBLE * rows, width, inPairs(to - from), tile.address, sums.address)
}

export function dot(a: Float64Array, b: Float64Array): number {
  let s = 0
  for (let i = 0; i < a.length; i++) s += a[i] * b[i]
  return s
}
