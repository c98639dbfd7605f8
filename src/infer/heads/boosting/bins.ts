// Feature cells as trees read them: each column cut at quantiles of the context into at most 63 bins, bin 0 for missing. A row's bins depend on
// that row alone.

import { CUTS } from '../../kernels/bins.js'
import { createWorkspace, type Workspace } from '../../kernels/kernels.js'

/** Bins of a column, the one for missing values included. */
export const BINS = 64
const SAMPLE = 4096

/** Ascending cut points of each column: value v falls into bin 1 + (number of cuts < v). */
export interface Cuts {
  readonly byColumn: readonly Float64Array[]
}

/** Cuts of the column-major `x`, `rows` a column. */
export function* fitCuts(x: Float64Array, columns: number, rows: number): Generator<void, Cuts, void> {
  const byColumn: Float64Array[] = []
  const stride = Math.max(1, Math.ceil(rows / SAMPLE))
  for (let c = 0; c < columns; c++) {
    const values = new Float64Array(Math.ceil(rows / stride))
    let n = 0
    for (let r = 0; r < rows; r += stride) {
      const v = x[c * rows + r]
      if (!Number.isNaN(v)) values[n++] = v
    }
    byColumn.push(cutsOf(values.subarray(0, n).sort()))
    if (c % 16 === 15) yield
  }
  return { byColumn }
}

/** Between neighbours at equal shares of the sorted values; equal values are never parted. */
function cutsOf(sorted: Float64Array): Float64Array {
  const cuts: number[] = []
  const n = sorted.length
  for (let k = 1; k < BINS - 1; k++) {
    const at = Math.floor((k * n) / (BINS - 1))
    if (at === 0 || at >= n || sorted[at - 1] === sorted[at]) continue
    const cut = sorted[at - 1] / 2 + sorted[at] / 2
    if (cuts.length === 0 || cut > cuts[cuts.length - 1]) cuts.push(cut)
  }
  // A value that fills most shares hides the steps around it: part it from its neighbours.
  if (cuts.length < BINS / 4) {
    const seen = new Set(cuts)
    for (let i = 1; i < n && seen.size < BINS - 2; i++) {
      if (sorted[i] === sorted[i - 1]) continue
      seen.add(sorted[i - 1] / 2 + sorted[i] / 2)
    }
    return Float64Array.from(seen).sort()
  }
  return Float64Array.from(cuts)
}

/** Cells binned by one call of the kernel. */
const CHUNK = 4096
/** Cuts, cells, and their bins, one after the other. */
const CELLS_AT = 8 * CUTS
const BINS_AT = CELLS_AT + 8 * CHUNK

let workspace: Workspace | null = null

/** Bins of rows [from, to) of every column, column-major, `to - from` a column. */
export function binRows({ byColumn }: Cuts, x: Float64Array, rows: number, from: number, to: number): Uint8Array {
  workspace ??= createWorkspace(BINS_AT + CHUNK)
  const { kernels, buffer } = workspace
  const cuts = new Float64Array(buffer, 0, CUTS)
  const cells = new Float64Array(buffer, CELLS_AT, CHUNK)
  const bins = new Uint8Array(buffer, BINS_AT, CHUNK)
  const n = to - from
  const out = new Uint8Array(byColumn.length * n)
  for (let c = 0; c < byColumn.length; c++) {
    cuts.fill(Number.POSITIVE_INFINITY)
    cuts.set(byColumn[c])
    for (let r = 0; r < n; r += CHUNK) {
      const count = Math.min(CHUNK, n - r)
      const first = c * rows + from + r
      cells.set(x.subarray(first, first + count))
      kernels.bin(CELLS_AT, CELLS_AT + 8 * count, 0, BINS_AT)
      out.set(bins.subarray(0, count), c * n + r)
    }
  }
  return out
}
