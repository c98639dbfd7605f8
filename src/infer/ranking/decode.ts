// Rows of a ranking extraction, as typed arrays. Nothing is in order yet: histories.ts sees to that.

import type { RankingPart, RankingSpec } from '../../graph/ranking.js'
import {
  locateFields,
  malformed,
  readCodes,
  readElements,
  readHeader,
  readNumbers,
  readTimes,
} from '../decode/arrays.js'
import { createItems, type Items } from './items.js'

export interface Windows {
  readonly count: number
  /** Microseconds since 2000-01-01 UTC, as all times here. */
  readonly time: Float64Array
  /** The window (from, to], and the one a year earlier. */
  readonly from: Float64Array
  readonly to: Float64Array
  readonly lastFrom: Float64Array
  readonly lastTo: Float64Array
}

export interface Events {
  readonly count: number
  readonly entity: Int32Array
  readonly time: Float64Array
  readonly item: Int32Array
  /** 1 where the target's filter holds. */
  readonly passes: Uint8Array
}

/** The key column of the scored entities: each element with its length word, and where it starts. */
export interface KeyColumn {
  readonly type: number
  readonly elements: Buffer
  readonly starts: Int32Array
}

export interface RankingData {
  readonly spec: RankingSpec
  readonly windows: Windows
  /** Entities: numbers below this. */
  readonly entities: number
  readonly population: Int32Array
  readonly pairs: { readonly entity: Int32Array; readonly anchor: Int32Array }
  readonly scored: { readonly count: number; readonly entity: Int32Array; readonly keys: readonly KeyColumn[] }
  readonly events: Events
  /** Every item that any row names. */
  readonly items: Items
  readonly itemType: number
  /** Items of their own table. */
  readonly listed: Int32Array
  readonly bytes: number
}

interface Chunk {
  readonly k: Int32Array
  readonly t: Float64Array | null
  readonly v: Float64Array | null
  readonly c: Int32Array | null
  readonly items: Int32Array | null
  readonly keys: readonly { readonly type: number; readonly elements: Buffer }[]
}

const WINDOW_TIMES = 4
/** Far beyond any real extraction: a larger number is garbage and must not become an allocation. */
const MAX_ENTITY = 1 << 26

export function createRankingDecoder(spec: RankingSpec) {
  const chunks = new Map<RankingPart, Chunk[]>(spec.parts.map(part => [part, []]))
  const items = createItems()
  const fields = 6 + spec.keys
  const starts = new Int32Array(fields)
  const ends = new Int32Array(fields)
  let itemType = 0

  function readItems(view: DataView, payload: Buffer, start: number, end: number): Int32Array {
    const header = readHeader(view, start, end)
    const out = new Int32Array(header.length)
    let at = header.data
    for (let i = 0; i < out.length; i++) {
      const size = view.getInt32(at)
      at += 4
      if (size < 0 || at + size > end) throw malformed(`item of ${size} bytes`)
      out[i] = items.intern(payload, at, at + size)
      at += size
    }
    if (at !== end) throw malformed('array length does not match its elements')
    itemType = header.type
    return out
  }

  function push(payload: Buffer): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    locateFields(view, starts, ends)
    if (starts[0] === -1 || ends[0] - starts[0] !== 4) throw malformed('part is not an int4')
    const part = spec.parts[view.getInt32(starts[0])]
    if (!part) throw malformed(`part ${view.getInt32(starts[0])} does not exist`)
    const read = <T>(f: number, as: (start: number, end: number) => T): T | null =>
      starts[f] === -1 ? null : as(starts[f], ends[f])
    const k = read(1, (start, end) => readCodes(view, start, end, 1))
    const t = read(2, (start, end) => readTimes(view, start, end))
    const v = read(3, (start, end) => readNumbers(view, start, end, part === 'anchors' ? WINDOW_TIMES : 1))
    const c = read(4, (start, end) => readCodes(view, start, end, 1))
    const keys = Array.from({ length: spec.keys }, (_, j) =>
      read(5 + j, (start, end) => {
        const { header, elements } = readElements(view, payload, start, end)
        return { type: header.type, elements, length: header.length }
      }),
    )
    const named = read(fields - 1, (start, end) => readItems(view, payload, start, end))
    const n = (k ?? named)?.length ?? 0
    const lengths = [t, c, named, ...keys].filter(list => list !== null).map(list => list.length)
    if (lengths.some(length => length !== n)) throw malformed(`arrays of part ${part} differ in length`)
    if (part === 'rows' && !(k && t && c && named)) throw malformed('rows lack an array')
    if ((part === 'pairs' || part === 'scored') && !(k && c)) throw malformed(`part ${part} lacks an array`)
    if (part === 'anchors' && !(t && v?.length === n * WINDOW_TIMES)) throw malformed('anchors lack an array')
    for (const entity of k ?? []) if (entity < 0 || entity > MAX_ENTITY) throw malformed(`entity ${entity}`)
    chunks
      .get(part)!
      .push({ k: k ?? new Int32Array(0), t, v, c, items: named, keys: keys.filter(list => list !== null) })
  }

  function* finishSteps(): Generator<void, RankingData, void> {
    const of = (part: RankingPart) => chunks.get(part) ?? []
    const windows = windowsOf(of('anchors')[0])
    const scored = of('scored').sort((a, b) => a.c![0] - b.c![0])
    const rows = of('rows')
    const time = new Float64Array(rows.reduce((sum, chunk) => sum + chunk.k.length, 0))
    const passes = new Uint8Array(time.length)
    let at = 0
    for (const chunk of rows) {
      time.set(chunk.t!, at)
      passes.set(chunk.c!, at)
      at += chunk.k.length
    }
    yield
    const entity = joined(rows.map(chunk => chunk.k))
    const item = joined(rows.map(chunk => chunk.items!))
    yield
    const population = joined(of('population').map(chunk => chunk.k))
    const pairs = {
      entity: joined(of('pairs').map(chunk => chunk.k)),
      anchor: joined(of('pairs').map(chunk => chunk.c!)),
    }
    for (const anchor of pairs.anchor) if (anchor < 2 || anchor >= windows.count) throw malformed(`anchor ${anchor}`)
    const asked = joined(scored.map(chunk => chunk.k))
    let entities = 0
    for (const list of [entity, population, pairs.entity, asked])
      for (let i = 0; i < list.length; i++) if (list[i] >= entities) entities = list[i] + 1
    const keys = Array.from({ length: asked.length > 0 ? spec.keys : 0 }, (_, j) => keyColumn(scored, j, asked.length))
    const listed = joined(of('items').map(chunk => chunk.items ?? new Int32Array(0)))
    chunks.clear()
    const bytes = 17 * time.length + 12 * asked.length + 8 * pairs.entity.length + items.bytes
    return {
      spec,
      windows,
      entities,
      population,
      pairs,
      scored: { count: asked.length, entity: asked, keys },
      events: { count: time.length, entity, time, item, passes },
      items,
      itemType,
      listed,
      bytes,
    }
  }

  return {
    push(payload: Buffer) {
      try {
        push(payload)
      } catch (error) {
        // a DataView read past the end
        throw error instanceof RangeError ? malformed('row is cut short') : error
      }
    },
    finishSteps,
  }
}

function windowsOf(chunk: Chunk | undefined): Windows {
  if (!chunk || chunk.k.length === 0) throw malformed('there are no anchors')
  const n = chunk.k.length
  const column = (j: number) => chunk.v!.subarray(j * n, (j + 1) * n)
  return { count: n, time: chunk.t!, from: column(0), to: column(1), lastFrom: column(2), lastTo: column(3) }
}

function joined(lists: readonly Int32Array[]): Int32Array {
  const out = new Int32Array(lists.reduce((sum, list) => sum + list.length, 0))
  let at = 0
  for (const list of lists) {
    out.set(list, at)
    at += list.length
  }
  return out
}

function keyColumn(scored: readonly Chunk[], j: number, count: number): KeyColumn {
  const elements = Buffer.concat(scored.map(chunk => chunk.keys[j].elements))
  const starts = new Int32Array(count + 1)
  let at = 0
  for (let i = 0; i < count; i++) {
    starts[i] = at
    at += 4 + Math.max(0, elements.readInt32BE(at))
  }
  starts[count] = at
  return { type: scored[0].keys[j].type, elements, starts }
}
