// Does a column of the entity's own row follow what the entity has done up to now, more closely than a fixed attribute could? A running
// count, a status recomputed nightly, a time last seen: their tie to activity is strongest at the moment the table was read.

import { type Neighbourhood, NULL_CODE } from '../decode/neighbourhood.js'
import { correlation, createRanker } from './rank.js'
import type { Finding } from './suspects.js'
import { upperBound } from './view.js'

/** Keys that must have existed at both anchors. */
const MIN_KEYS = 60
const MOST_STREAMS = 6
const MOST_CHANNELS = 6
/** Earlier times whose mutual differences show how much a tie varies anyway. */
const USUAL_TIMES = 4
/** Windows of activity, as shares of how long the median key has been there. */
const WIDTHS = [1 / 16, 1 / 4]
/** How far back a total is compared, as such a share. */
const TOTAL_WIDTH = 0.6
/** Standard errors between the two ties; many pairs of columns are tried. */
const SIGNIFICANT = 5.5
/** The step up to the reference anchor must exceed this many times the mean one between older anchors, on Fisher's scale. */
const BEYOND_USUAL = 2
/** Share of keys, over the times compared, that must have rows for a measure to count. */
const ACTIVE_SHARE = 0.25
const LEAST_TIE = 0.6
const LEAST_GAIN = 0.1
/** A tie no fixed attribute would have; a smaller step will do, if it is more than a hair's breadth below one. */
const CLOSE_TIE = 0.8
const CLOSE_STEP = 0.15
const CLOSE_GAIN = 0.02
/** For totals over all of the past, which any fixed attribute ties better to the longer they run: nearly one, and a clear step. */
const LEAST_TOTAL_TIE = 0.8
const LEAST_TOTAL_STEP = 0.4
const LEVELS = 50
const LEVEL_ROWS = 5
/** Rows that each level takes away from what a tie can be told by. */
const LEVEL_COST = 3

export interface ActivityTests {
  number(channel: number): Finding
  category(channel: number): Finding
}

/** One measure of activity at the reference anchor ([0]) and at older ones, as ranks over the keys; NaN where a key did not exist. */
interface Measure {
  readonly total: boolean
  readonly ranks: readonly Float64Array[]
}

/** A figure from rows start … end - 1 of a stream, seen at a time. */
type Read = (start: number, end: number, at: number) => number

const UNKNOWN: ActivityTests = { number: () => null, category: () => null }

/** In steps, a measure each; what it returns tests a channel at a time. */
export function* followsActivity(
  neighbourhood: Neighbourhood,
  node: number,
  keys: Int32Array,
): Generator<void, ActivityTests, void> {
  const { anchors } = neighbourhood
  if (anchors.count < 3 || keys.length < MIN_KEYS) return UNKNOWN
  const measures = yield* activity(neighbourhood, node, keys)
  if (measures.length === 0) return UNKNOWN
  const rows = neighbourhood.nodes[node]
  const own = Int32Array.from(keys, k => (rows.ptr[k + 1] > rows.ptr[k] ? rows.ptr[k] : -1))

  function judge(tie: (ranks: Float64Array) => { r: number; n: number }): Finding {
    let worst = 0
    for (const { total, ranks } of measures) {
      const now = tie(ranks[0])
      const strength = Math.abs(now.r)
      if (strength < (total ? LEAST_TOTAL_TIE : LEAST_TIE) || now.n < MIN_KEYS) continue
      const sign = Math.sign(now.r)
      const ties = ranks.slice(1).map(r => tie(r).r * sign)
      const then = ties[0]
      const between = correlation(ranks[0], ranks[1])
      const step = fisher(strength) - fisher(then)
      const enough = total
        ? step >= LEAST_TOTAL_STEP
        : strength - then >= LEAST_GAIN ||
          (strength >= CLOSE_TIE && step >= CLOSE_STEP && strength - then >= CLOSE_GAIN)
      if (!enough || standardErrors(strength, then, between, now.n) < SIGNIFICANT) continue
      if (!total) {
        let usual = 0
        for (let i = 1; i < ties.length; i++)
          usual += Math.abs(fisher(ties[i]) - fisher(ties[i - 1])) / (ties.length - 1)
        if (step < BEYOND_USUAL * usual) continue
        // a fixed attribute is as close to either window once the other is known; only what repeats a window follows it more closely
        const partial = (then - strength * between) / Math.sqrt((1 - strength ** 2) * (1 - between ** 2) + 1e-12)
        if (strength < CLOSE_TIE && partial > 2.5 / Math.sqrt(now.n)) continue
      }
      worst = Math.max(worst, strength)
    }
    return worst > 0 ? { reason: 'running', number: worst } : null
  }

  return {
    number(channel) {
      const values = rows.numbers[channel]
      const x = Float64Array.from(own, row => (row < 0 ? Number.NaN : values[row]))
      const ranks = new Float64Array(x.length)
      createRanker(x.length).rank(x, 0, ranks)
      return judge(measure => ({ r: correlation(ranks, measure), n: together(ranks, measure) }))
    },
    category(channel) {
      const codes = rows.codes[channel]
      const levels = toLevels(Int32Array.from(own, row => (row < 0 ? NULL_CODE : codes[row])))
      return judge(measure => correlationRatio(levels, measure))
    },
  }
}

/**
 * Counts, recencies, sums and last values of the node's streams, over keys that existed at the oldest time compared. Times and widths follow
 * from how long keys have been there, never from the question: a column changes or does not, whatever is asked.
 */
function* activity(neighbourhood: Neighbourhood, node: number, keys: Int32Array): Generator<void, Measure[], void> {
  const { anchors, spec, streams, nodes } = neighbourhood
  const now = anchors.time[1]
  const mine = spec.streams
    .flatMap((stream, s) => (stream.node === node && !stream.static ? [s] : []))
    .slice(0, MOST_STREAMS)
  if (mine.length === 0) return []
  const first = Float64Array.from(keys, k => {
    const { ptr, time } = nodes[node]
    let earliest =
      ptr[k + 1] > ptr[k] && time[ptr[k]] > Number.NEGATIVE_INFINITY ? time[ptr[k]] : Number.POSITIVE_INFINITY
    for (const s of mine)
      if (streams[s].ptr[k + 1] > streams[s].ptr[k]) earliest = Math.min(earliest, streams[s].time[streams[s].ptr[k]])
    return earliest
  })
  const there = first.filter(t => t <= now).sort()
  if (there.length < MIN_KEYS) return []
  const life = now - there[there.length >> 1]
  /** Up to `most` times before now, `width` apart, at which enough keys existed. */
  const before = (width: number, most: number): number[] =>
    Array.from({ length: most }, (_, k) => now - (k + 1) * width).filter(
      t => upperBound(there, 0, there.length, t) >= MIN_KEYS,
    )
  const ranker = createRanker(keys.length)
  const measures: Measure[] = []

  /**
   * A measure now and at earlier times, a width apart so that windows never overlap, or each would hold part of the other. 'window': over rows
   * of the last `width`; 'state': over all rows, though the newest of them decide; 'total': over all rows.
   */
  function measure(stream: number, kind: 'window' | 'state' | 'total', width: number, read: Read): void {
    const old = before(width, kind === 'total' ? 1 : USUAL_TIMES)
    if (old.length === 0) return
    const oldest = old[old.length - 1]
    const { ptr, time } = streams[stream]
    let [present, active] = [0, 0]
    const ranks = [now, ...old].map(at => {
      const values = new Float64Array(keys.length).fill(Number.NaN)
      keys.forEach((k, i) => {
        if (!(first[i] <= oldest)) return
        const end = upperBound(time, ptr[k], ptr[k + 1], at)
        const start = kind === 'window' ? upperBound(time, ptr[k], end, at - width) : ptr[k]
        values[i] = read(start, end, at)
        present++
        if (end > start) active++
      })
      const out = new Float64Array(keys.length)
      ranker.rank(values, 0, out)
      return out
    })
    // where hardly anyone does anything, chance and the few who do make ties
    if (active >= ACTIVE_SHARE * present) measures.push({ total: kind === 'total', ranks })
  }

  const count: Read = (start, end) => end - start
  const sumOf =
    (column: Float64Array): Read =>
    (start, end) => {
      let sum = 0
      for (let i = start; i < end; i++) if (!Number.isNaN(column[i])) sum += column[i]
      return sum
    }
  for (const s of mine) {
    const { time, numbers } = streams[s]
    const recency: Read = (start, end, at) => (end > start ? at - time[end - 1] : Number.MAX_VALUE)
    const values = spec.streams[s].numbers
      .flatMap((n, c) => (n.own && (n.kind === 'number' || n.kind === 'value') ? [numbers[c]] : []))
      .slice(0, MOST_CHANNELS)
    for (const read of [count, ...values.map(sumOf)]) measure(s, 'total', TOTAL_WIDTH * life, read)
    yield
    for (const width of WIDTHS.map(share => share * life)) {
      measure(s, 'window', width, count)
      measure(s, 'state', width, recency)
      yield
      for (const column of values) {
        measure(s, 'window', width, sumOf(column))
        measure(s, 'state', width, (start, end) => (end > start ? column[end - 1] : Number.NaN))
        yield
      }
    }
  }
  return measures
}

function fisher(r: number): number {
  return Math.atanh(Math.max(-0.9999, Math.min(0.9999, r)))
}

/** Steiger's test of two correlations that share a variable: standard errors between them. */
function standardErrors(r1: number, r2: number, between: number, n: number): number {
  const mean = (r1 + r2) / 2
  const squared = mean * mean
  const c =
    (between * (1 - 2 * squared) - 0.5 * squared * (1 - 2 * squared - between * between)) / (1 - squared + 1e-9) ** 2
  return ((fisher(r1) - fisher(r2)) * Math.sqrt(n - 3)) / Math.sqrt(Math.max(0.02, 2 - 2 * Math.min(c, 1)))
}

function together(a: Float64Array, b: Float64Array): number {
  let n = 0
  for (let i = 0; i < a.length; i++) if (!Number.isNaN(a[i] + b[i])) n++
  return n
}

/** Codes as levels 0 … by frequency; rare ones share the last, missing ones have their own. */
function toLevels(codes: Int32Array): Int32Array {
  const counts = new Map<number, number>()
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1)
  const top = [...counts]
    .filter(([, n]) => n >= LEVEL_ROWS)
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, LEVELS)
  const place = new Map(top.map(([code], level) => [code, level]))
  return codes.map(code => place.get(code) ?? LEVELS)
}

/** How much of a measure's variance lies between levels, adjusted for their number, as a correlation; `n` is what is left to tell it by. */
function correlationRatio(levels: Int32Array, measure: Float64Array): { r: number; n: number } {
  const sums = new Float64Array(LEVELS + 1)
  const counts = new Float64Array(LEVELS + 1)
  let n = 0
  let sum = 0
  let squares = 0
  for (let i = 0; i < levels.length; i++) {
    const value = measure[i]
    if (Number.isNaN(value)) continue
    sums[levels[i]] += value
    counts[levels[i]]++
    n++
    sum += value
    squares += value * value
  }
  let between = 0
  let used = 0
  for (let l = 0; l <= LEVELS; l++)
    if (counts[l] > 0) {
      between += sums[l] ** 2 / counts[l]
      used++
    }
  const all = squares - (sum * sum) / n
  if (n <= used || all <= 0) return { r: 0, n }
  const share = (between - (sum * sum) / n) / all
  return { r: Math.sqrt(Math.max(0, 1 - ((1 - share) * (n - 1)) / (n - used))), n: n - LEVEL_COST * used }
}
