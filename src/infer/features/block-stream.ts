// Counts, times, distinct values and secondary timestamps of a stream: what its rows say without their values.

import type { Rows } from '../decode/neighbourhood.js'
import { CLOSING, COUNTS, DISTINCT } from './columns.js'
import { scratchFloats, scratchInts } from './scratch.js'
import type { Touched, View } from './view.js'

/** Where a block's results go: offset of each slot's column in the output, -1 where it isn't asked for. */
export type Slots = Int32Array

const GAPS = 10
/** Rows read for secondary timestamps, newest first: enough for shares, and bounded for keys with a million rows. */
const CLOSING_ROWS = 256

/** Ordinals of distinct days: rows of one key and one day share an ordinal; `first[ordinal]` is that day's first row's time. */
interface Days {
  readonly of: Int32Array
  readonly first: Float64Array
}

function readDays({ rows, time }: Rows, { count, lo, end }: Touched, day: number): Days {
  const of = scratchInts(0, rows)
  const first = scratchFloats(0, rows)
  let ordinal = -1
  for (let t = 0; t < count; t++) {
    let current = Number.NaN
    for (let i = lo[t]; i < end[t]; i++) {
      const at = Math.floor(time[i] / day)
      if (at !== current) {
        current = at
        first[++ordinal] = time[i]
      }
      of[i] = ordinal
    }
  }
  return { of, first }
}

/** COUNTS: how many rows in which window, how recent, how regular. */
export function countsBlock(view: View, stream: number, day: number, slots: Slots, out: Float64Array): void {
  const rows = view.neighbourhood.streams[stream]
  const { time } = rows
  const { lo, hi, quarter, half, w1, w3, w10 } = view.span(stream)
  const keys = view.nodeKey(view.neighbourhood.spec.streams[stream].node)
  const days = readDays(rows, view.touched(stream), day)
  const put = (slot: number, r: number, value: number) => {
    if (slots[slot] >= 0) out[slots[slot] + r] = value
  }
  for (let r = 0; r < view.rows; r++) {
    if (keys[r] < 0) continue
    const h = hi[r]
    const count = h - lo[r]
    put(COUNTS.countQuarter, r, h - quarter[r])
    put(COUNTS.countHalf, r, h - half[r])
    put(COUNTS.count1, r, h - w1[r])
    put(COUNTS.count3, r, h - w3[r])
    put(COUNTS.count10, r, h - w10[r])
    put(COUNTS.count, r, count)
    if (count === 0) {
      put(COUNTS.days, r, 0)
      put(COUNTS.days10, r, 0)
      continue
    }
    const recency = finite((view.now[r] - time[h - 1]) / view.unit[r])
    const age = finite((view.now[r] - time[lo[r]]) / view.unit[r])
    const first = days.of[lo[r]]
    const last = days.of[h - 1]
    const distinct = last - first + 1
    const back = Math.max(first, last - GAPS)
    const gap = last > back ? (days.first[last] - days.first[back]) / (last - back) / view.unit[r] : Number.NaN
    put(COUNTS.recency, r, recency)
    put(COUNTS.age, r, age)
    put(COUNTS.days, r, distinct)
    put(COUNTS.days10, r, w10[r] < h ? last - days.of[w10[r]] + 1 : 0)
    put(COUNTS.gap, r, gap)
    put(COUNTS.recencyByGap, r, finite(recency / gap))
    put(COUNTS.countByAge, r, finite(count / age))
    put(COUNTS.daysByAge, r, finite(distinct / age))
  }
}

function finite(value: number): number {
  return value - value === 0 ? value : Number.NaN
}

/**
 * For each touched row the previous row of its key with the same code: -1 where there is none, -2 where the code is missing or the filter
 * does not hold. Written to `previous`, which holds as many elements as the stream has rows.
 */
export function previousSame(
  previous: Int32Array,
  { count, lo, end }: Touched,
  codes: Int32Array,
  missing: (code: number) => boolean,
  filter: Float64Array | null,
): Int32Array {
  let longest = 0
  for (let t = 0; t < count; t++) longest = Math.max(longest, end[t] - lo[t])
  let size = 16
  while (size < longest * 2) size *= 2
  // an open hash table emptied by changing its owner
  const owner = scratchInts(1, size)
  const newest = scratchInts(2, size)
  owner.fill(-1, 0, size)
  for (let t = 0; t < count; t++)
    for (let i = lo[t]; i < end[t]; i++) {
      const code = codes[i]
      if (missing(code) || (filter !== null && filter[i] !== 1)) {
        previous[i] = -2
        continue
      }
      let at = (Math.imul(code, 0x9e3779b1) >>> 7) & (size - 1)
      while (owner[at] === t && codes[newest[at]] !== code) at = (at + 1) & (size - 1)
      previous[i] = owner[at] === t ? newest[at] : -1
      owner[at] = t
      newest[at] = i
    }
  return previous
}

/** NULL in any kind of code channel: references send -1 for a key that is not there. */
export function missingCode(kind: 'category' | 'reference' | 'key'): (code: number) => boolean {
  return kind === 'reference' ? code => code < 0 : code => code === -2147483648
}

/** DISTINCT: how many different codes. */
export function distinctBlock(view: View, stream: number, channel: number, slots: Slots, out: Float64Array): void {
  const rows = view.neighbourhood.streams[stream]
  const spec = view.neighbourhood.spec.streams[stream]
  const { lo, hi, w3 } = view.span(stream)
  const keys = view.nodeKey(spec.node)
  const touched = view.touched(stream)
  const missing = missingCode(spec.codes[channel].kind)
  const previous = previousSame(scratchInts(0, rows.rows), touched, rows.codes[channel], missing, null)
  // running number of first occurrences within the key, up to and including the row
  const firsts = scratchInts(3, rows.rows)
  for (let t = 0; t < touched.count; t++)
    for (let i = touched.lo[t], seen = 0; i < touched.end[t]; i++) {
      if (previous[i] === -1) seen++
      firsts[i] = seen
    }
  for (let r = 0; r < view.rows; r++) {
    if (keys[r] < 0) continue
    const h = hi[r]
    const all = h > lo[r] ? firsts[h - 1] : 0
    if (slots[DISTINCT.all] >= 0) out[slots[DISTINCT.all] + r] = all
    if (slots[DISTINCT.share] >= 0) out[slots[DISTINCT.share] + r] = h > lo[r] ? all / (h - lo[r]) : Number.NaN
    if (slots[DISTINCT.window3] >= 0) {
      let recent = 0
      for (let i = w3[r]; i < h; i++) if (previous[i] > -2 && previous[i] < w3[r]) recent++
      out[slots[DISTINCT.window3] + r] = recent
    }
  }
}

/** CLOSING: a second timestamp of each row (end, delivery, cancellation): what is still open at the anchor, how long closing took. */
export function closingBlock(view: View, stream: number, channel: number, slots: Slots, out: Float64Array): void {
  const rows = view.neighbourhood.streams[stream]
  const { time } = rows
  const ends = rows.numbers[channel]
  const { lo, hi } = view.span(stream)
  const keys = view.nodeKey(view.neighbourhood.spec.streams[stream].node)
  for (let r = 0; r < view.rows; r++) {
    if (keys[r] < 0) continue
    const from = Math.max(lo[r], hi[r] - CLOSING_ROWS)
    const read = hi[r] - from
    let open = 0
    let total = 0
    let closed = 0
    let latest = Number.NEGATIVE_INFINITY
    for (let i = from; i < hi[r]; i++) {
      const end = ends[i]
      if (!(end <= view.now[r])) {
        open++
        continue
      }
      if (end > latest) latest = end
      const duration = end - time[i]
      if (duration - duration === 0) {
        total += duration / view.unit[r]
        closed++
      }
    }
    if (slots[CLOSING.open] >= 0) out[slots[CLOSING.open] + r] = open
    if (slots[CLOSING.share] >= 0) out[slots[CLOSING.share] + r] = read > 0 ? open / read : Number.NaN
    if (slots[CLOSING.duration] >= 0) out[slots[CLOSING.duration] + r] = closed > 0 ? total / closed : Number.NaN
    if (slots[CLOSING.since] >= 0) out[slots[CLOSING.since] + r] = finite((view.now[r] - latest) / view.unit[r])
  }
}
