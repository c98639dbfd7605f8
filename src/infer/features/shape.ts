// Decisions about the shape of the columns (which codes are categories, which levels count) from rows visible at one cut alone.

import { type Neighbourhood, NULL_CODE } from '../decode/neighbourhood.js'
import { upperBound, type View } from './view.js'

/** Most levels a category may have. */
const MAX_LEVELS = 1000
/** Up to this many levels the most frequent ones get an indicator each. */
const FEW_LEVELS = 12
const TOP_LEVELS = 5
/** Codes on more than this share of distinct values among their rows are keys in disguise. */
const DISTINCT_SHARE = 0.5

export interface Levels {
  /** Has few enough levels for target encoding and frequencies. */
  readonly category: boolean
  /** Most frequent levels, to be given an indicator each; empty where there are too many. */
  readonly top: readonly number[]
  readonly share: ReadonlyMap<number, number>
}

/** Keys of each node that the rows of a view stand on. */
export function markKeys(view: View, node: number): Uint8Array {
  const marked = new Uint8Array(view.neighbourhood.nodes[node].keys)
  for (const key of view.nodeKey(node)) if (key >= 0) marked[key] = 1
  return marked
}

/** Counts the codes at `rows`, giving up beyond MAX_LEVELS. */
class Tally {
  private readonly counts = new Map<number, { n: number }>()
  private rows = 0
  private overflowed = false

  add(code: number): void {
    if (code === NULL_CODE || this.overflowed) return
    this.rows++
    const seen = this.counts.get(code)
    if (seen) seen.n++
    else if (this.counts.size >= MAX_LEVELS) this.overflowed = true
    else this.counts.set(code, { n: 1 })
  }

  levels(): Levels {
    const size = this.counts.size
    const category = !this.overflowed && size > 1 && size <= Math.max(2, DISTINCT_SHARE * this.rows)
    if (!category) return { category: false, top: [], share: new Map() }
    const ordered = [...this.counts].sort((a, b) => b[1].n - a[1].n || a[0] - b[0])
    // with two levels one indicator says it all
    const top = size > FEW_LEVELS ? [] : ordered.slice(0, size === 2 ? 1 : TOP_LEVELS).map(([code]) => code)
    return { category: true, top, share: new Map(ordered.map(([code, { n }]) => [code, n / this.rows])) }
  }
}

/** Levels of a node's code channel over its marked keys. */
export function nodeLevels(
  neighbourhood: Neighbourhood,
  node: number,
  channel: number,
  marked: Uint8Array,
  cut: number,
): Levels {
  const { ptr, time, codes } = neighbourhood.nodes[node]
  const tally = new Tally()
  for (let k = 0; k < marked.length; k++)
    if (marked[k] && ptr[k + 1] > ptr[k] && time[ptr[k]] <= cut) tally.add(codes[channel][ptr[k]])
  return tally.levels()
}

/** Levels of a stream's code channel over the rows of its node's marked keys up to the cut. */
export function streamLevels(
  neighbourhood: Neighbourhood,
  stream: number,
  channel: number,
  marked: Uint8Array,
  cut: number,
): Levels {
  const { ptr, time, codes } = neighbourhood.streams[stream]
  const tally = new Tally()
  for (let k = 0; k < marked.length; k++) {
    if (!marked[k]) continue
    const end = upperBound(time, ptr[k], ptr[k + 1], cut)
    for (let i = ptr[k]; i < end; i++) tally.add(codes[channel][i])
  }
  return tally.levels()
}

/** Rows of a stream that the marked keys have up to the cut, and how many different times a key has on average. */
export function streamVolume(
  neighbourhood: Neighbourhood,
  stream: number,
  marked: Uint8Array,
  cut: number,
): { rows: number; timesPerKey: number } {
  const { ptr, time } = neighbourhood.streams[stream]
  let rows = 0
  let keys = 0
  let times = 0
  for (let k = 0; k < marked.length; k++) {
    if (!marked[k]) continue
    const end = upperBound(time, ptr[k], ptr[k + 1], cut)
    if (end === ptr[k]) continue
    keys++
    rows += end - ptr[k]
    for (let i = ptr[k]; i < end; i++) if (i === ptr[k] || time[i] !== time[i - 1]) times++
  }
  return { rows, timesPerKey: keys > 0 ? times / keys : 0 }
}
