// Rows of a node or a stream as columns in order of key, and how many keys each node has.

import type { NeighbourhoodSpec, StreamSpec } from '../../graph/neighbourhood.js'
import { malformed } from './arrays.js'
import type { Pairs, Rows, Scored } from './neighbourhood.js'
import { type Chunk, MAX_KEY } from './parts.js'

/** Elements moved between two pauses: some milliseconds' work. */
const STEP_ELEMENTS = 1_000_000

export interface Table {
  readonly k: Int32Array
  readonly time: Float64Array
  readonly numbers: readonly Float64Array[]
  readonly codes: readonly Int32Array[]
}

export type Channels = Pick<StreamSpec, 'numbers' | 'codes'>

export function emptyTable(channels: Channels): Table {
  return {
    k: new Int32Array(0),
    time: new Float64Array(0),
    numbers: channels.numbers.map(() => new Float64Array(0)),
    codes: channels.codes.map(() => new Int32Array(0)),
  }
}

/** Columns in order of key; the rows of one key keep the order they were sent in, which must be that of time. */
export function* byKey(chunk: Chunk, channels: Channels, part: number): Generator<void, Table, void> {
  const { n, k, t, v, c } = chunk
  if (n === 0) return emptyTable(channels)
  let ordered = true
  for (let i = 0; i < n; i++) {
    if (k[i] < 0 || k[i] > MAX_KEY) throw malformed(`key index ${k[i]}`)
    if (Number.isNaN(t[i])) throw malformed(`part ${part} has a row without time`)
    if (i > 0 && k[i] < k[i - 1]) ordered = false
  }
  let table: Table = {
    k,
    time: t,
    numbers: channels.numbers.map((_, j) => v.subarray(j * n, (j + 1) * n)),
    codes: channels.codes.map((_, j) => c.subarray(j * n, (j + 1) * n)),
  }
  const pause = columnsAStep(n)
  yield
  if (!ordered) table = yield* reorder(table, stableOrder(k))
  for (let i = 1; i < n; i++)
    if (table.k[i] === table.k[i - 1] && table.time[i] < table.time[i - 1])
      throw malformed(`part ${part} is not in order of time`)
  // infinities mean something as times alone; anywhere else they would poison every sum
  for (const [j, { kind }] of channels.numbers.entries()) {
    if (kind === 'time') continue
    const column = table.numbers[j]
    for (let i = 0; i < n; i++) if (column[i] - column[i] !== 0) column[i] = Number.NaN
    if ((j + 1) % pause === 0) yield
  }
  return table
}

/** Row numbers sorted by key, stable: a counting sort. */
function stableOrder(k: Int32Array): Int32Array {
  let keys = 0
  for (const key of k) if (key >= keys) keys = key + 1
  const next = new Int32Array(keys + 1)
  for (const key of k) next[key + 1]++
  for (let i = 0; i < keys; i++) next[i + 1] += next[i]
  const order = new Int32Array(k.length)
  for (let i = 0; i < k.length; i++) order[next[k[i]]++] = i
  return order
}

function* reorder(table: Table, order: Int32Array): Generator<void, Table, void> {
  const ints = (from: Int32Array) => {
    const to = new Int32Array(from.length)
    for (let i = 0; i < to.length; i++) to[i] = from[order[i]]
    return to
  }
  const floats = (from: Float64Array) => {
    const to = new Float64Array(from.length)
    for (let i = 0; i < to.length; i++) to[i] = from[order[i]]
    return to
  }
  const pause = columnsAStep(order.length)
  const numbers: Float64Array[] = []
  const codes: Int32Array[] = []
  for (const column of table.numbers) if (numbers.push(floats(column)) % pause === 0) yield
  for (const column of table.codes) if (codes.push(ints(column)) % pause === 0) yield
  return { k: ints(table.k), time: floats(table.time), numbers, codes }
}

/** Columns of n rows that are gone through between two pauses. */
const columnsAStep = (n: number): number => Math.max(1, Math.floor(STEP_ELEMENTS / n))

export function toRows(table: Table, keys: number): Rows {
  const ptr = new Int32Array(keys + 1)
  for (const key of table.k) ptr[key + 1]++
  for (let i = 0; i < keys; i++) ptr[i + 1] += ptr[i]
  return { keys, rows: table.k.length, ptr, time: table.time, numbers: table.numbers, codes: table.codes }
}

/** Keys of each node: the largest index anything uses, so that readers need no bounds checks. */
export function keyCounts(
  spec: NeighbourhoodSpec,
  nodes: readonly Table[],
  streams: readonly Table[],
  pairs: Pairs,
  scored: Scored,
): number[] {
  const counts = new Array<number>(spec.nodes.length).fill(0)
  const note = (node: number, keys: Int32Array) => {
    let most = counts[node]
    for (let i = 0; i < keys.length; i++) if (keys[i] >= most) most = keys[i] + 1
    if (most > MAX_KEY + 1) throw malformed(`key index ${most - 1}`)
    counts[node] = most
  }
  const noteReferences = (channels: Channels, table: Table) =>
    channels.codes.forEach((channel, j) => {
      if (channel.kind === 'reference') note(channel.node!, table.codes[j])
    })
  nodes.forEach((table, i) => {
    note(i, table.k)
    noteReferences(spec.nodes[i], table)
  })
  streams.forEach((table, i) => {
    note(spec.streams[i].node, table.k)
    noteReferences(spec.streams[i], table)
  })
  note(0, pairs.key)
  note(0, scored.key)
  return counts
}
