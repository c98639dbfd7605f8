// Aggregates of one number per row of a stream: sums and means over windows, extremes, and the newest values.

import type { Rows } from '../decode/neighbourhood.js'
import type { Slots } from './block-stream.js'
import { type Compare, SIGNAL, type Signal } from './columns.js'
import { scratchFloats, scratchInts } from './scratch.js'
import type { Span, Touched, View } from './view.js'

const LAST_ROWS = 40
const DECAY = 0.87
/** Windows up to this long are summed row by row, which is exact where a difference of running sums would leave dust. */
const SHORT = 32

export function compareNumbers(compare: Compare, a: number, b: number): boolean {
  switch (compare) {
    case '=':
      return a === b
    case '<>':
      return a !== b
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    default:
      return a >= b
  }
}

/** The signal's value for every touched row of the stream. */
function readSignal(rows: Rows, signal: Signal, { count, lo, end }: Touched): Float64Array {
  if (signal.kind === 'channel') return rows.numbers[signal.channel]
  const out = scratchFloats(0, rows.rows)
  if (signal.kind === 'level') {
    const codes = rows.codes[signal.channel]
    for (let t = 0; t < count; t++) for (let i = lo[t]; i < end[t]; i++) out[i] = codes[i] === signal.code ? 1 : 0
    return out
  }
  const values = rows.numbers[signal.channel]
  for (let t = 0; t < count; t++)
    for (let i = lo[t]; i < end[t]; i++)
      out[i] = Number.isNaN(values[i]) ? Number.NaN : compareNumbers(signal.compare, values[i], signal.constant) ? 1 : 0
  return out
}

/** SIGNAL: `out` gets the asked-for slots of every row that has a key in the stream's node. */
export function signalBlock(view: View, stream: number, signal: Signal, slots: Slots, out: Float64Array): void {
  const rows = view.neighbourhood.streams[stream]
  const touched = view.touched(stream)
  const values = readSignal(rows, signal, touched)
  const span = view.span(stream)
  const keys = view.nodeKey(view.neighbourhood.spec.streams[stream].node)
  if (any(slots, SIGNAL.sum1, SIGNAL.mean) || any(slots, SIGNAL.sumQuarter, SIGNAL.sumHalf))
    totals(rows.rows, touched, values, span, keys, slots, out)
  if (any(slots, SIGNAL.min, SIGNAL.std)) extremes(values, span, keys, slots, out)
  if (any(slots, SIGNAL.last, SIGNAL.slope)) newest(values, span, keys, slots, out)
}

function any(slots: Slots, from: number, to: number): boolean {
  for (let slot = from; slot <= to; slot++) if (slots[slot] >= 0) return true
  return false
}

/** Sums and means. Running sums restart with every key, so that a key's numbers never depend on its neighbours. */
function totals(
  size: number,
  touched: Touched,
  values: Float64Array,
  span: Span,
  keys: Int32Array,
  slots: Slots,
  out: Float64Array,
): void {
  const sums = scratchFloats(1, size)
  const counts = scratchInts(0, size)
  for (let t = 0; t < touched.count; t++) {
    let sum = 0
    let count = 0
    for (let i = touched.lo[t]; i < touched.end[t]; i++) {
      const value = values[i]
      if (!Number.isNaN(value)) {
        sum += value
        count++
      }
      sums[i] = sum
      counts[i] = count
    }
  }
  const windows = [span.w1, span.w3, span.w10, span.lo].map((start, w) => ({
    start,
    toSum: slots[SIGNAL.sum1 + w],
    toMean: slots[SIGNAL.mean1 + w],
  }))
  windows.push({ start: span.quarter, toSum: slots[SIGNAL.sumQuarter], toMean: -1 })
  windows.push({ start: span.half, toSum: slots[SIGNAL.sumHalf], toMean: -1 })
  for (const { start, toSum, toMean } of windows) {
    if (toSum < 0 && toMean < 0) continue
    for (let r = 0; r < keys.length; r++) {
      if (keys[r] < 0) continue
      const s = start[r]
      const h = span.hi[r]
      let sum = 0
      let count = 0
      if (h > s) {
        const whole = s === span.lo[r]
        count = counts[h - 1] - (whole ? 0 : counts[s - 1])
        if (whole) sum = sums[h - 1]
        else if (h - s > SHORT) sum = count > 0 ? sums[h - 1] - sums[s - 1] : 0
        else for (let i = s; i < h; i++) if (!Number.isNaN(values[i])) sum += values[i]
      }
      if (toSum >= 0) out[toSum + r] = sum
      if (toMean >= 0) out[toMean + r] = count > 0 ? sum / count : Number.NaN
    }
  }
}

/** Smallest, largest and standard deviation over the last 10 horizons. */
function extremes(values: Float64Array, span: Span, keys: Int32Array, slots: Slots, out: Float64Array): void {
  const spread = slots[SIGNAL.std] >= 0
  for (let r = 0; r < keys.length; r++) {
    if (keys[r] < 0) continue
    let min = Number.POSITIVE_INFINITY
    let max = Number.NEGATIVE_INFINITY
    let sum = 0
    let count = 0
    const s = span.w10[r]
    const h = span.hi[r]
    for (let i = s; i < h; i++) {
      const value = values[i]
      if (Number.isNaN(value)) continue
      if (value < min) min = value
      if (value > max) max = value
      sum += value
      count++
    }
    if (slots[SIGNAL.min] >= 0) out[slots[SIGNAL.min] + r] = count > 0 ? min : Number.NaN
    if (slots[SIGNAL.max] >= 0) out[slots[SIGNAL.max] + r] = count > 0 ? max : Number.NaN
    if (!spread) continue
    const mean = sum / count
    let squares = 0
    if (min < max)
      for (let i = s; i < h; i++) {
        const off = values[i] - mean
        if (!Number.isNaN(off)) squares += off * off
      }
    out[slots[SIGNAL.std] + r] = count > 1 ? Math.sqrt(squares / count) : Number.NaN
  }
}

/** Last value, means of the last 3 and 10, exponentially weighted mean and slope, over values present in the last 40 rows. */
function newest(values: Float64Array, span: Span, keys: Int32Array, slots: Slots, out: Float64Array): void {
  const put = (slot: number, r: number, value: number) => {
    if (slots[slot] >= 0) out[slots[slot] + r] = value
  }
  for (let r = 0; r < keys.length; r++) {
    if (keys[r] < 0) continue
    let count = 0
    let last = Number.NaN
    let sum = 0
    let sum3 = Number.NaN
    let sum10 = 0
    let cross = 0
    let weight = 1
    let weights = 0
    let weighted = 0
    const stop = Math.max(span.lo[r], span.hi[r] - LAST_ROWS)
    for (let i = span.hi[r] - 1; i >= stop; i--, weight *= DECAY) {
      const value = values[i]
      if (Number.isNaN(value)) continue
      if (count === 0) last = value
      if (count < 10) {
        sum += value
        cross += count * value
        sum10 = sum
        if (count < 3) sum3 = sum
      }
      count++
      weights += weight
      weighted += weight * value
    }
    const used = Math.min(count, 10)
    put(SIGNAL.last, r, last)
    put(SIGNAL.last3, r, count > 0 ? sum3 / Math.min(count, 3) : Number.NaN)
    put(SIGNAL.last10, r, count > 0 ? sum10 / used : Number.NaN)
    put(SIGNAL.ewma, r, count > 0 ? weighted / weights : Number.NaN)
    // least squares against the row's place; places run backwards, so the sign turns
    const centre = (used - 1) / 2
    put(SIGNAL.slope, r, used > 2 ? (centre * sum10 - cross) / ((used * (used * used - 1)) / 12) : Number.NaN)
  }
}
