// Do the newest rows' values look unlike older rows' because they have not settled yet? Slices of rows in order of time, at several
// sizes: the newest is compared with the two before it, and that distance with the usual one between older neighbours. Drift and seasons
// make every slice differ from the next, and so do not count.

import { NULL_CODE, type Rows } from '../decode/neighbourhood.js'
import type { Finding } from './suspects.js'
import { upperBound } from './view.js'

const SMALLEST = 50
const GROWTH = 3
const MOST_SLICES = 24
const FEWEST_SLICES = 11
/** Rows looked at: beyond, keys are thinned. */
const MOST_ROWS = 30_000
/** Levels told apart, the rest being one; and classes that numbers are cut into. */
const LEVELS = 20
const CLASSES = 16
/** What settles does so within so many horizons, or this share of all the past; a change that lies further back is history. */
const SETTLING_HORIZONS = 3
const SETTLING_SHARE = 0.02
/** Distances that chance makes of slices of n rows stay below this over the root of n. */
const CHANCE = 2.7
/** The newest distance must exceed this many times the largest of the older ones … */
const BEYOND_USUAL = 1.5
/** … numbers more than categories: rows that came together, as the lines of one invoice do, have numbers alike; */
const BEYOND_USUAL_NUMBER = 2
/** … and these distances at least. */
const LEAST_NUMBER = 0.33
const LEAST_CATEGORY = 0.08
/** Some level must have gained or lost this much, and its share changed by this factor: settling empties or fills levels. */
const LEVEL_FACTOR = 3

export interface SliceTests {
  number(channel: number): Finding
  category(channel: number): Finding
  /** Only whether the code is there. */
  presence(channel: number): Finding
}

/** A way of cutting the newest rows into slices: slice of each row, 0 = newest, -1 = older than all. */
interface Cut {
  readonly slices: number
  readonly size: number
  readonly of: Int8Array
}

const UNKNOWN: SliceTests = { number: () => null, category: () => null, presence: () => null }

/** `horizon` in the unit of the rows' times. With `once`, of the rows that share a code there the earliest alone counts. */
export function settlesLate(
  rows: Rows,
  keys: Int32Array,
  now: number,
  horizon: number,
  once: Int32Array | null = null,
): SliceTests {
  const index = once ? earliest(rows, rowsUpTo(rows, keys, now), once) : rowsUpTo(rows, keys, now)
  if (index.length < SMALLEST * FEWEST_SLICES) return UNKNOWN
  const cuts = cutTimes(rows.time, index, now, horizon)
  const classes = new Int16Array(index.length)

  /** Distances at every size; `classes` holds each row's class. */
  function judge(count: number, ordered: boolean): Finding {
    let worst = 0
    for (const cut of cuts) {
      const shares = histogram(cut, classes, count)
      const distance = ordered ? kolmogorov : totalVariation
      const newest = distance(shares, 0, count)
      const least = Math.max(ordered ? LEAST_NUMBER : LEAST_CATEGORY, CHANCE / Math.sqrt(cut.size))
      if (newest < least || newest <= worst) continue
      if (!ordered && !emptiesLevel(shares, count)) continue
      let usual = 0
      for (let s = 1; s + 2 < cut.slices; s++) usual = Math.max(usual, distance(shares, s, count))
      if (newest > (ordered ? BEYOND_USUAL_NUMBER : BEYOND_USUAL) * usual) worst = newest
    }
    return worst > 0 ? { reason: 'settling', number: worst } : null
  }

  return {
    number(channel) {
      const values = rows.numbers[channel]
      const sample = new Float64Array(index.length)
      let n = 0
      for (const i of index) if (!Number.isNaN(values[i])) sample[n++] = values[i]
      const sorted = sample.subarray(0, n).sort()
      const limits = [
        ...new Set(Array.from({ length: CLASSES - 1 }, (_, q) => sorted[Math.floor(((q + 1) * n) / CLASSES)])),
      ]
      const few = distinctUpTo(sorted, 3)
      if (n === 0 || few === 1) limits.length = 0
      // class 0 is missing
      index.forEach((i, at) => {
        classes[at] = Number.isNaN(values[i]) ? 0 : 1 + below(limits, values[i])
      })
      // flags are categories: their few values empty and fill
      return judge(limits.length + 2, few > 2)
    },
    category(channel) {
      const codes = rows.codes[channel]
      const counts = new Map<number, number>()
      for (const i of index) counts.set(codes[i], (counts.get(codes[i]) ?? 0) + 1)
      const top = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, LEVELS)
      const place = new Map(top.map(([code], level) => [code, level]))
      index.forEach((i, at) => {
        classes[at] = place.get(codes[i]) ?? LEVELS
      })
      return judge(LEVELS + 1, false)
    },
    presence(channel) {
      const codes = rows.codes[channel]
      index.forEach((i, at) => {
        classes[at] = codes[i] === NULL_CODE || codes[i] === -1 ? 0 : 1
      })
      return judge(2, false)
    },
  }
}

/** Dated rows of the keys up to `now`; where there are too many, those of every n-th key by a hash of its first time. */
function rowsUpTo({ ptr, time }: Rows, keys: Int32Array, now: number): Int32Array {
  let total = 0
  for (const k of keys) total += upperBound(time, ptr[k], ptr[k + 1], now) - ptr[k]
  const step = Math.ceil(total / MOST_ROWS)
  const index = new Int32Array(total)
  let n = 0
  for (const k of keys) {
    const first = time[ptr[k]]
    if (step > 1 && (Math.imul(first % 4294967296, 0x9e3779b1) >>> 9) % step !== 0) continue
    const end = upperBound(time, ptr[k], ptr[k + 1], now)
    for (let i = ptr[k]; i < end; i++) if (time[i] > Number.NEGATIVE_INFINITY) index[n++] = i
  }
  return index.slice(0, n)
}

/** The earliest of the rows of each code, none for those that are missing. */
function earliest({ time }: Rows, index: Int32Array, codes: Int32Array): Int32Array {
  const first = new Map<number, number>()
  for (const i of index) {
    const before = first.get(codes[i])
    if (codes[i] !== NULL_CODE && (before === undefined || time[i] < time[before])) first.set(codes[i], i)
  }
  return Int32Array.from(first.values())
}

/** Cuts at sizes growing from SMALLEST while enough slices are left. Rows of one instant are never parted. */
function cutTimes(time: Float64Array, index: Int32Array, now: number, horizon: number): Cut[] {
  const n = index.length
  const sorted = Float64Array.from(index, i => time[i]).sort()
  const longest = Math.max(SETTLING_HORIZONS * horizon, SETTLING_SHARE * (now - sorted[0]))
  const cuts: Cut[] = []
  const sizes: number[] = []
  for (let size = SMALLEST; size * FEWEST_SLICES <= n; size *= GROWTH) sizes.push(size)
  // what takes longest to settle shows in the largest slices there can be
  sizes.push(Math.floor(n / FEWEST_SLICES))
  for (const size of sizes) {
    const slices = Math.min(MOST_SLICES, Math.floor(n / size))
    // starts[s] is the earliest time of slice s; equal starts (many rows at once) make an empty slice
    const starts = Array.from({ length: slices }, (_, s) => sorted[n - (s + 1) * size])
    if (new Set(starts).size < slices || now - starts[0] > longest) continue
    const of = new Int8Array(n)
    for (let at = 0; at < n; at++) {
      const t = time[index[at]]
      let low = 0
      let high = slices
      while (low < high) {
        const middle = (low + high) >>> 1
        if (starts[middle] <= t) high = middle
        else low = middle + 1
      }
      of[at] = low === slices ? -1 : low
    }
    cuts.push({ slices, size, of })
  }
  return cuts
}

/** slices x classes shares. */
function histogram({ slices, of }: Cut, classes: Int16Array, count: number): Float64Array {
  const shares = new Float64Array(slices * count)
  const totals = new Float64Array(slices)
  for (let i = 0; i < of.length; i++) {
    if (of[i] < 0) continue
    shares[of[i] * count + classes[i]]++
    totals[of[i]]++
  }
  for (let s = 0; s < slices; s++) for (let c = 0; c < count; c++) shares[s * count + c] /= totals[s]
  return shares
}

/** Slice s against the mean of the two before it. */
function totalVariation(shares: Float64Array, s: number, count: number): number {
  let sum = 0
  for (let c = 0; c < count; c++) sum += Math.abs(shares[s * count + c] - older(shares, s, c, count))
  return sum / 2
}

/** Largest difference of the cumulative shares, or of the shares missing (class 0). */
function kolmogorov(shares: Float64Array, s: number, count: number): number {
  let most = Math.abs(shares[s * count] - older(shares, s, 0, count))
  let sum = 0
  for (let c = 1; c < count; c++) {
    sum += shares[s * count + c] - older(shares, s, c, count)
    most = Math.max(most, Math.abs(sum))
  }
  return most
}

function older(shares: Float64Array, s: number, c: number, count: number): number {
  return (shares[(s + 1) * count + c] + shares[(s + 2) * count + c]) / 2
}

function emptiesLevel(shares: Float64Array, count: number): boolean {
  for (let c = 0; c < count; c++) {
    const newest = shares[c]
    const before = older(shares, 0, c, count)
    if (Math.abs(newest - before) < LEAST_CATEGORY * 0.75) continue
    if (newest > LEVEL_FACTOR * before || before > LEVEL_FACTOR * newest) return true
  }
  return false
}

function distinctUpTo(sorted: Float64Array, most: number): number {
  let distinct = 0
  for (let i = 0; i < sorted.length && distinct < most; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) distinct++
  return distinct
}

function below(limits: readonly number[], value: number): number {
  let c = 0
  while (c < limits.length && limits[c] <= value) c++
  return c
}
