// Where the rows of a batch stand in a neighbourhood: which key of each node, and which slice of each stream is visible at their anchor.

import { BOUNDARIES, type Neighbourhood } from '../decode/neighbourhood.js'

/** Rows to compute features for: a key of node 0 and an anchor each, both as indexes. */
export interface RowSet {
  readonly key: Int32Array
  readonly anchor: Int32Array
}

/** Per row: visible rows are lo … hi - 1; those of the last quarter, half, 1, 3, 10 horizons start at quarter, half, w1, w3, w10. */
export interface Span {
  readonly lo: Int32Array
  readonly hi: Int32Array
  readonly quarter: Int32Array
  readonly half: Int32Array
  readonly w1: Int32Array
  readonly w3: Int32Array
  readonly w10: Int32Array
}

/** Slices of a stream that the rows of a batch can see at all: row lo[i] … end[i] - 1 of one key each, in order of keys. */
export interface Touched {
  readonly count: number
  readonly lo: Int32Array
  readonly end: Int32Array
}

/** The different (key, anchor) of a node among the rows of a view: many rows share a parent, which is then read once. */
export interface Compact {
  readonly view: View
  /** Row of `view` for each row of the original; -1 where it has no key in the node. */
  readonly of: Int32Array
}

export interface View {
  readonly neighbourhood: Neighbourhood
  readonly rows: number
  readonly key: Int32Array
  /** Anchor index of each row. */
  readonly anchor: Int32Array
  /** Anchor of each row in microseconds. */
  readonly now: Float64Array
  /** One horizon before each row's anchor, in microseconds. */
  readonly unit: Float64Array
  /** Key of each row in a node; -1 where it has none. */
  nodeKey(node: number): Int32Array
  /** Row of each row's key in a node, if visible at its anchor; else -1. */
  nodeRow(node: number): Int32Array
  span(stream: number): Span
  touched(stream: number): Touched
  compact(node: number): Compact
  /** rows x BOUNDARIES: first row of the stream later than each boundary, never beyond the anchor. */
  bounds(stream: number): Int32Array
  /** Time of each row's first visible event: its own row's time or its first row in any dated stream; Infinity where none. */
  firstSeen(): Float64Array
  /** Something derived once for all blocks of the batch. */
  shared<T>(name: string, make: () => T): T
}

/** Unit of time where a task has no horizon: 30 days in microseconds. */
export const DEFAULT_UNIT = 30 * 86_400_000_000

/** First index in lo … hi whose time is later than `at`. */
export function upperBound(time: Float64Array, lo: number, hi: number, at: number): number {
  while (lo < hi) {
    const middle = (lo + hi) >>> 1
    if (time[middle] <= at) lo = middle + 1
    else hi = middle
  }
  return lo
}

/** Length of the horizon before anchor `index`, in microseconds. */
export function horizonAt(neighbourhood: Neighbourhood, index: number): number {
  const { bounds } = neighbourhood.anchors
  const horizon = bounds[index * BOUNDARIES] - bounds[index * BOUNDARIES + 1]
  return horizon > 0 && horizon < Number.POSITIVE_INFINITY ? horizon : DEFAULT_UNIT
}

/** Rows are keys of node `home`; of a view whose home is not 0, only that node's streams may be read. */
export function createView(neighbourhood: Neighbourhood, set: RowSet, home = 0): View {
  const { spec, anchors, nodes, streams } = neighbourhood
  const { key, anchor } = set
  const rows = key.length
  const now = new Float64Array(rows)
  const unit = new Float64Array(rows)
  for (let r = 0; r < rows; r++) {
    now[r] = anchors.time[anchor[r]]
    unit[r] = horizonAt(neighbourhood, anchor[r])
  }
  const cache = new Map<string, unknown>()
  function shared<T>(name: string, make: () => T): T {
    let value = cache.get(name) as T | undefined
    if (value === undefined) {
      value = make()
      cache.set(name, value)
    }
    return value
  }

  function readNodeKey(node: number): Int32Array {
    if (node === home) return key
    const { kind, stream, channel } = spec.nodes[node]
    const out = new Int32Array(rows).fill(-1)
    const limit = nodes[node].keys
    const codes = kind === 'latest' ? streams[stream!].codes[channel!] : nodes[0].codes[channel!]
    const at = kind === 'latest' ? lastRow(stream!) : nodeRow(0)
    for (let r = 0; r < rows; r++) {
      const code = at[r] < 0 ? -1 : codes[at[r]]
      if (code >= 0 && code < limit) out[r] = code
    }
    return out
  }

  function lastRow(stream: number): Int32Array {
    const { lo, hi } = span(stream)
    const out = new Int32Array(rows)
    for (let r = 0; r < rows; r++) out[r] = hi[r] > lo[r] ? hi[r] - 1 : -1
    return out
  }

  function readNodeRow(node: number): Int32Array {
    const { ptr, time } = nodes[node]
    const keys = nodeKey(node)
    const out = new Int32Array(rows).fill(-1)
    for (let r = 0; r < rows; r++) {
      const k = keys[r]
      if (k >= 0 && ptr[k + 1] > ptr[k] && time[ptr[k]] <= now[r]) out[r] = ptr[k]
    }
    return out
  }

  function readSpan(stream: number): Span {
    const { ptr, time } = streams[stream]
    const keys = nodeKey(spec.streams[stream].node)
    const { bounds } = anchors
    const ints = () => new Int32Array(rows)
    const out = { lo: ints(), hi: ints(), quarter: ints(), half: ints(), w1: ints(), w3: ints(), w10: ints() }
    for (let r = 0; r < rows; r++) {
      const k = keys[r]
      if (k < 0) continue
      const b = anchor[r] * BOUNDARIES
      const lo = ptr[k]
      const hi = upperBound(time, lo, ptr[k + 1], now[r])
      const w10 = upperBound(time, lo, hi, bounds[b + 10])
      const w3 = upperBound(time, w10, hi, bounds[b + 3])
      out.lo[r] = lo
      out.hi[r] = hi
      out.w10[r] = w10
      out.w3[r] = w3
      const w1 = upperBound(time, w3, hi, bounds[b + 1])
      const horizon = bounds[b] - bounds[b + 1]
      out.w1[r] = w1
      out.half[r] = upperBound(time, w1, hi, bounds[b] - horizon / 2)
      out.quarter[r] = upperBound(time, w1, hi, bounds[b] - horizon / 4)
    }
    return out
  }

  function readTouched(stream: number): Touched {
    const { keys, ptr } = streams[stream]
    const { hi } = span(stream)
    const mine = nodeKey(spec.streams[stream].node)
    const furthest = new Int32Array(keys)
    for (let r = 0; r < rows; r++) if (mine[r] >= 0 && hi[r] > furthest[mine[r]]) furthest[mine[r]] = hi[r]
    const lo = new Int32Array(Math.min(keys, rows))
    const end = new Int32Array(lo.length)
    let count = 0
    for (let k = 0; k < keys; k++)
      if (furthest[k] > ptr[k]) {
        lo[count] = ptr[k]
        end[count++] = furthest[k]
      }
    return { count, lo, end }
  }

  function readCompact(node: number): Compact {
    const keys = nodeKey(node)
    const places = new Map<number, number>()
    const of = new Int32Array(rows).fill(-1)
    const first: number[] = []
    for (let r = 0; r < rows; r++) {
      if (keys[r] < 0) continue
      const id = keys[r] * anchors.count + anchor[r]
      let place = places.get(id)
      if (place === undefined) {
        place = first.push(r) - 1
        places.set(id, place)
      }
      of[r] = place
    }
    const pick = (from: Int32Array) => Int32Array.from(first, r => from[r])
    return { of, view: createView(neighbourhood, { key: pick(keys), anchor: pick(anchor) }, node) }
  }

  function readBounds(stream: number): Int32Array {
    const { time } = streams[stream]
    const { lo, hi } = span(stream)
    const { bounds } = anchors
    const out = new Int32Array(rows * BOUNDARIES)
    for (let r = 0; r < rows; r++) {
      const b = anchor[r] * BOUNDARIES
      const o = r * BOUNDARIES
      let from = hi[r]
      out[o] = from
      for (let k = 1; k <= 10; k++) {
        from = upperBound(time, lo[r], from, bounds[b + k])
        out[o + k] = from
      }
      out[o + 11] = upperBound(time, lo[r], hi[r], bounds[b + 11])
      out[o + 12] = upperBound(time, out[o + 11], hi[r], bounds[b + 12])
    }
    return out
  }

  function readFirstSeen(): Float64Array {
    const out = new Float64Array(rows).fill(Number.POSITIVE_INFINITY)
    const own = nodeRow(0)
    for (let r = 0; r < rows; r++) {
      const time = own[r] < 0 ? Number.POSITIVE_INFINITY : nodes[0].time[own[r]]
      if (time > Number.NEGATIVE_INFINITY) out[r] = time
    }
    spec.streams.forEach((stream, s) => {
      if (stream.node !== 0 || stream.static) return
      const { time } = streams[s]
      const { lo, hi } = span(s)
      for (let r = 0; r < rows; r++) if (hi[r] > lo[r] && time[lo[r]] < out[r]) out[r] = time[lo[r]]
    })
    return out
  }

  const nodeKey = (node: number) => shared(`key ${node}`, () => readNodeKey(node))
  const nodeRow = (node: number) => shared(`row ${node}`, () => readNodeRow(node))
  const span = (stream: number) => shared(`span ${stream}`, () => readSpan(stream))
  return {
    neighbourhood,
    rows,
    key,
    anchor,
    now,
    unit,
    nodeKey,
    nodeRow,
    span,
    touched: stream => shared(`touched ${stream}`, () => readTouched(stream)),
    compact: node => shared(`compact ${node}`, () => readCompact(node)),
    bounds: stream => shared(`bounds ${stream}`, () => readBounds(stream)),
    firstSeen: () => shared('first seen', readFirstSeen),
    shared,
  }
}
