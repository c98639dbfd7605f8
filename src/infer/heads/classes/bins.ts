// Columns as categories: the range a number falls into may go with a class where no slope does, and with another category at once.

import { type ClassSide, MISSING, type QueryBatch } from '../../head.js'

const COLUMNS = 5
const BINS = 10
/** Columns looked at, the most telling first. */
const LOOKED_AT = 60
/** Columns whose ranges agree as much as this say the same. */
const ALIKE = 0.7
/** Categories of a row, each crossed with each range. */
const CROSSED = 3

export interface Bins {
  readonly columns: readonly number[]
  /** Inner edges, ascending, by column. */
  readonly edges: readonly Float64Array[]
}

/** `x` column-major, its columns ordered by how much they tell. */
export function fitBins(x: Float64Array, rows: number, columns: number): Bins {
  const chosen: number[] = []
  const edges: Float64Array[] = []
  const codes: Int32Array[] = []
  for (let c = 0; c < Math.min(columns, LOOKED_AT) && chosen.length < COLUMNS; c++) {
    const own = x.subarray(c * rows, (c + 1) * rows)
    const between = edgesOf(own)
    if (between.length < 2) continue
    const code = codesOf(own, between)
    if (codes.some(other => alike(other, code))) continue
    chosen.push(c)
    edges.push(between)
    codes.push(code)
  }
  return { columns: chosen, edges }
}

/** The rows' side with their ranges, ranges two by two, and ranges with categories. */
export function withBins(side: ClassSide, { x, rows }: Pick<QueryBatch, 'x' | 'rows'>, bins: Bins): ClassSide {
  const ranges = bins.columns.map((c, i) => codesOf(x.subarray(c * rows, (c + 1) * rows), bins.edges[i]))
  const crossed: Int32Array[] = []
  for (const [i, range] of ranges.entries()) {
    for (const other of ranges.slice(i + 1)) crossed.push(cross(range, other))
    for (const site of side.sites.slice(0, CROSSED)) crossed.push(cross(site, range))
  }
  return { ...side, sites: [...side.sites, ...ranges, ...crossed] }
}

/** One code for two; nothing where either is missing. */
export const cross = (a: Int32Array, b: Int32Array): Int32Array =>
  a.map((code, r) => (code === MISSING || b[r] === MISSING ? MISSING : (Math.imul(code, 0x9e3779b1) + b[r]) | 0))

function edgesOf(values: Float64Array): Float64Array {
  const sorted = values.filter(v => !Number.isNaN(v)).sort()
  const out: number[] = []
  for (let b = 1; b < BINS; b++) {
    const edge = sorted[Math.floor((b * sorted.length) / BINS)]
    if (edge !== undefined && edge > sorted[0] && edge !== out[out.length - 1]) out.push(edge)
  }
  return Float64Array.from(out)
}

const codesOf = (values: Float64Array, edges: Float64Array): Int32Array =>
  Int32Array.from(values, v => {
    if (Number.isNaN(v)) return MISSING
    let bin = 0
    while (bin < edges.length && v >= edges[bin]) bin++
    return bin
  })

/** Whether two codings mostly fall together: by how seldom a range of one is not the commonest within a range of the other. */
function alike(a: Int32Array, b: Int32Array): boolean {
  const counts = new Map<number, Map<number, number>>()
  for (let i = 0; i < a.length; i++) {
    let own = counts.get(a[i])
    if (!own) {
      own = new Map()
      counts.set(a[i], own)
    }
    own.set(b[i], (own.get(b[i]) ?? 0) + 1)
  }
  let agreeing = 0
  for (const own of counts.values()) agreeing += Math.max(...own.values())
  return agreeing >= ALIKE * a.length
}
