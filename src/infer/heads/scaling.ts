// Feature cells as a linear model reads them: signed logarithm in units of the column's own median, standardised and clipped, missing
// as zero beside a flag. Fitted on the context alone; a row is then scaled without looking at any other.

import type { ClassBatch, ColumnDescriptor, ContextBatch, ListBatch } from '../head.js'
import { createDesign, type Design } from './matrix.js'

const CLIP = 4
const MEDIAN_SAMPLE = 2048
/** Standard deviation of a uniform variable on [0, 1], which a cohort percentile is by construction. */
const PERCENTILE_SD = Math.sqrt(1 / 12)

/** One input of the linear model: a column's value, or whether it is missing. */
export type Channel =
  | { readonly kind: 'log'; readonly column: number; readonly unit: number; readonly mean: number; readonly sd: number }
  | { readonly kind: 'percentile'; readonly column: number }
  | { readonly kind: 'missing'; readonly column: number; readonly rate: number }

/** sign(x) log(1 + |x| / unit), finite for every x but NaN. */
const signedLog = (x: number, unit: number): number => {
  const size = Math.log1p(Math.min(Math.abs(x) / unit, 1e300))
  return x < 0 ? -size : size
}

/** Writes channel values of rows [from, to) of the column-major `x` (`rows` a column) to `out` at `offset`. */
export function scaleColumn(
  channel: Channel,
  x: Float64Array,
  rows: number,
  from: number,
  to: number,
  out: Float64Array,
  offset: number,
): void {
  const base = channel.column * rows
  const shift = offset - from
  if (channel.kind === 'log') {
    const { unit, mean, sd } = channel
    for (let r = from; r < to; r++) {
      const v = x[base + r]
      const z = (signedLog(v, unit) - mean) / sd
      out[r + shift] = Number.isNaN(v) ? 0 : Math.min(CLIP, Math.max(-CLIP, z))
    }
  } else if (channel.kind === 'percentile') {
    for (let r = from; r < to; r++) {
      const v = x[base + r]
      out[r + shift] = Number.isNaN(v) ? 0 : (Math.min(1, Math.max(0, v)) - 0.5) / PERCENTILE_SD
    }
  } else {
    // A flag has the weight of a standardised column when it is set half of the time, less when it is rare.
    for (let r = from; r < to; r++) {
      const v = x[base + r]
      out[r + shift] = Number.isNaN(v) ? 2 * (1 - channel.rate) : -2 * channel.rate
    }
  }
}

/** Channels of a context: columns that never vary have none, flags of columns missing together share one. */
export function* fitScaling(context: ContextBatch | ClassBatch | ListBatch): Generator<void, Channel[], void> {
  const values: Channel[] = []
  const flags: Channel[] = []
  const patterns = new Set<string>()
  for (let column = 0; column < context.columns.length; column++) {
    const x = context.x.subarray(column * context.rows, (column + 1) * context.rows)
    const channel = valueChannel(context.columns[column], column, x)
    if (channel) values.push(channel)
    const { missing, pattern } = missingness(x)
    const rate = missing / Math.max(1, x.length)
    if (rate >= 0.02 && rate <= 0.98 && !patterns.has(pattern)) {
      patterns.add(pattern)
      flags.push({ kind: 'missing', column, rate })
    }
    if (column % 16 === 15) yield
  }
  return [...values, ...flags]
}

function valueChannel(descriptor: ColumnDescriptor, column: number, x: Float64Array): Channel | null {
  const unit = medianSize(x)
  let n = 0
  let mean = 0
  let squares = 0
  for (let r = 0; r < x.length; r++) {
    const v = x[r]
    if (Number.isNaN(v)) continue
    const s = signedLog(v, unit)
    n++
    const step = s - mean
    mean += step / n
    squares += step * (s - mean)
  }
  const sd = Math.sqrt(squares / Math.max(1, n))
  if (n < 2 || !(sd > 1e-9)) return null
  return descriptor.cohort ? { kind: 'percentile', column } : { kind: 'log', column, unit, mean, sd }
}

/** Median of |x| over non-zero values, of an evenly spaced sample when there are many; 1 where there are none. */
function medianSize(x: Float64Array): number {
  const stride = Math.max(1, Math.ceil(x.length / MEDIAN_SAMPLE))
  const sizes = new Float64Array(Math.ceil(x.length / stride))
  let n = 0
  for (let r = 0; r < x.length; r += stride) {
    const size = Math.abs(x[r])
    if (size > 0) sizes[n++] = size
  }
  if (n === 0) return 1
  const sorted = sizes.subarray(0, n).sort()
  const median = sorted[n >> 1]
  return median > 1e-300 && median < 1e300 ? median : 1
}

/** How many rows are missing, and a hash of which. */
function missingness(x: Float64Array): { missing: number; pattern: string } {
  let missing = 0
  let a = 0x811c9dc5
  let b = 0x9e3779b9
  for (let r = 0; r < x.length; r++) {
    if (!Number.isNaN(x[r])) continue
    missing++
    a = Math.imul(a ^ r, 0x01000193)
    b = (Math.imul(b ^ (b >>> 15), 0x85ebca6b) + r) | 0
  }
  return { missing, pattern: `${missing}/${a}/${b}` }
}

/** The scaled context with its intercept: what every fit reads a selection of rows of. */
export function* designOf(channels: readonly Channel[], x: Float64Array, rows: number): Generator<void, Design, void> {
  const design = createDesign(rows, channels.length)
  for (let j = 0; j < channels.length; j++) {
    scaleColumn(channels[j], x, rows, 0, rows, design.z, j * rows)
    if (j % 16 === 15) yield
  }
  return design
}

/** The same columns for the rows in `index`, contiguous. */
export function selectRows(design: Design, index: Int32Array): Design {
  const rows = index.length
  const selected = createDesign(rows, design.ones)
  for (let j = 0; j < design.ones; j++) {
    const from = j * design.rows
    const to = j * rows
    for (let r = 0; r < rows; r++) selected.z[to + r] = design.z[from + index[r]]
  }
  return selected
}
