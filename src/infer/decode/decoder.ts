// Turns the DataRows of an extraction into a Neighbourhood: columns are read as they arrive and joined at the end.

import type { NeighbourhoodSpec } from '../../graph/neighbourhood.js'
import { drain } from '../heads/stepped.js'
import {
  type ArrayHeader,
  locateFields,
  malformed,
  readCodes,
  readElements,
  readNumbers,
  readTimes,
  readValues,
  writeArray,
} from './arrays.js'
import type { Anchors, Classes, Neighbourhood, Scored } from './neighbourhood.js'
import { type Chunk, join, MAX_KEY, pairsOf, toAnchors, toClasses, toLists, toPairs, widths } from './parts.js'
import { byKey, emptyTable, keyCounts, type Table, toRows } from './tables.js'

export interface Decoder {
  /** One DataRow without its message header. Its bytes are read at once and may be reused. Throws PgError XX000 on malformed input. */
  push(payload: Buffer): void
  /** The whole neighbourhood; parts that sent no row are empty. Throws PgError XX000 where the parts contradict each other. */
  finish(): Neighbourhood
  /** The same in steps of some milliseconds, giving way to other work in between. */
  finishSteps(): Generator<void, Neighbourhood, void>
}

interface KeyColumn {
  header: ArrayHeader | null
  length: number
  hasNull: boolean
  readonly elements: Buffer[]
}

const FIXED_FIELDS = 5

export function createDecoder(spec: NeighbourhoodSpec): Decoder {
  const chunks: Chunk[][] = spec.parts.map(() => [])
  const keyColumns: KeyColumn[] = Array.from({ length: spec.keys }, () => ({
    header: null,
    length: 0,
    hasNull: false,
    elements: [],
  }))
  const fields = FIXED_FIELDS + spec.keys + (spec.task === 'multiclass' || spec.task === 'list' ? 2 : 0)
  const starts = new Int32Array(fields)
  const ends = new Int32Array(fields)
  let classes: Pick<Classes, 'type' | 'values' | 'texts'> | null = null

  function push(payload: Buffer): void {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    locateFields(view, starts, ends)
    if (starts[0] === -1 || ends[0] - starts[0] !== 4) throw malformed('part is not an int4')
    const index = view.getInt32(starts[0])
    const part = spec.parts[index]
    if (!part) throw malformed(`part ${index} does not exist`)
    const { numbers, codes } = widths(spec, part)
    const k = starts[1] === -1 ? null : readCodes(view, starts[1], ends[1], 1)
    const t = starts[2] === -1 ? null : readTimes(view, starts[2], ends[2])
    const v = starts[3] === -1 || numbers === 0 ? null : readNumbers(view, starts[3], ends[3], numbers)
    const c = starts[4] === -1 || codes === 0 ? null : readCodes(view, starts[4], ends[4], codes)
    const n = k?.length ?? t?.length ?? (v ? v.length / numbers : 0)
    if (
      (t && t.length !== n) ||
      (numbers > 0 && n > 0 && v?.length !== n * numbers) ||
      (codes > 0 && n > 0 && c?.length !== n * codes)
    )
      throw malformed(`arrays of part ${index} differ in length`)
    if (!k && part.kind !== 'anchors' && part.kind !== 'constants') throw malformed(`part ${index} has no keys`)
    if (!t && (part.kind === 'anchors' || part.kind === 'node' || part.kind === 'stream'))
      throw malformed(`part ${index} has no times`)
    if (part.kind === 'scored') pushKeys(view, payload, n)
    if (part.kind === 'classes') pushClasses(view, payload, n)
    if (n > 0)
      chunks[index].push({
        n,
        k: k ?? new Int32Array(0),
        t: t ?? new Float64Array(0),
        v: v ?? new Float64Array(0),
        c: c ?? new Int32Array(0),
      })
  }

  function pushKeys(view: DataView, payload: Buffer, n: number): void {
    for (let j = 0; j < spec.keys; j++) {
      const f = FIXED_FIELDS + j
      if (starts[f] === -1) throw malformed(`key column ${j + 1} of the scored rows is missing`)
      const { header, elements } = readElements(view, payload, starts[f], ends[f])
      const column = keyColumns[j]
      if (header.length !== n || header.width !== 1)
        throw malformed(`key column ${j + 1} has ${header.length} values for ${n} rows`)
      if (column.header && column.header.type !== header.type) throw malformed(`key column ${j + 1} changes its type`)
      column.header = header
      column.length += n
      column.hasNull ||= header.hasNull
      column.elements.push(elements)
    }
  }

  function pushClasses(view: DataView, payload: Buffer, n: number): void {
    const at = FIXED_FIELDS + spec.keys
    if (starts[at] === -1 || starts[at + 1] === -1) throw malformed('classes have no values')
    const values = readValues(view, payload, starts[at], ends[at])
    const texts = readValues(view, payload, starts[at + 1], ends[at + 1])
    if (values.elements.length !== n || texts.elements.length !== n)
      throw malformed(`${n} classes have ${values.elements.length} values and ${texts.elements.length} texts`)
    classes = { type: values.type, values: values.elements, texts: texts.elements.map(text => text.toString('utf8')) }
  }

  function* finishSteps(): Generator<void, Neighbourhood, void> {
    const nodes: Table[] = spec.nodes.map(node => emptyTable(node))
    const streams: Table[] = spec.streams.map(stream => emptyTable(stream))
    let anchors: Anchors = { count: 0, time: new Float64Array(0), bounds: new Float64Array(0) }
    let constants: Float64Array = new Float64Array(0)
    const pairs: Chunk[] = []
    let listed: Chunk | null = null
    let asked: Chunk | null = null
    const periods = new Map<number, number>()
    let windows = { start: new Float64Array(0), end: new Float64Array(0) }
    for (const [i, part] of spec.parts.entries()) {
      const chunk = yield* join(chunks[i])
      chunks[i].length = 0
      if (part.kind === 'node') nodes[part.node] = yield* byKey(chunk, spec.nodes[part.node], i)
      else if (part.kind === 'stream') streams[part.stream] = yield* byKey(chunk, spec.streams[part.stream], i)
      else if (part.kind === 'anchors') anchors = toAnchors(chunk)
      else if (part.kind === 'constants') constants = chunk.v
      else if (part.kind === 'pairs') pairs.push(chunk)
      else if (part.kind === 'classes') listed = chunk
      else if (part.kind === 'steps') windows = { start: chunk.v.slice(0, chunk.n), end: chunk.v.slice(chunk.n) }
      else if (part.kind === 'periods') for (let i = 0; i < chunk.n; i++) periods.set(chunk.k[i], chunk.t[i])
      else asked = chunk
    }
    const entries = yield* toPairs(pairs, anchors.count)
    const { pairs: labelled, lists } = spec.task === 'list' ? toLists(entries) : { pairs: entries, lists: null }
    const scoredKey = asked?.k ?? new Int32Array(0)
    const [scoredAnchor, group] = pairsOf(asked?.c ?? new Int32Array(0), scoredKey.length)
    for (const [i, key] of scoredKey.entries())
      if (key < 0 || key > MAX_KEY || scoredAnchor[i] < 0 || (anchors.count > 0 && scoredAnchor[i] >= anchors.count))
        throw malformed(`key index ${key} at anchor ${scoredAnchor[i]}`)
    const scored: Scored = {
      count: scoredKey.length,
      key: scoredKey,
      anchor: scoredAnchor,
      group,
      keys: keyColumns.flatMap(k => (k.header ? [writeArray(k.header.type, k.hasNull, k.length, k.elements)] : [])),
    }
    yield
    const counts = keyCounts(spec, nodes, streams, labelled, scored)
    yield
    const finished = {
      nodes: nodes.map((table, i) => toRows(table, counts[i])),
      streams: streams.map((table, i) => toRows(table, counts[spec.streams[i].node])),
    }
    nodes.length = streams.length = 0
    let bytes = 8 * (anchors.bounds.length + anchors.count + constants.length) + 20 * labelled.count + 4 * scored.count
    for (const rows of [...finished.nodes, ...finished.streams])
      bytes += 4 * rows.ptr.length + rows.rows * (8 + 8 * rows.numbers.length + 4 * rows.codes.length)
    for (const key of scored.keys) bytes += key.length
    const known = listed && classes ? toClasses(listed, classes) : null
    for (let i = 0; i < entries.count; i++)
      if (known && entries.label[i] >= known.count) throw malformed(`label ${entries.label[i]} is no class`)
    return {
      spec,
      anchors,
      pairs: labelled,
      scored,
      classes: known,
      lists,
      constants,
      windows,
      periods,
      ...finished,
      bytes,
    }
  }

  return {
    push(payload) {
      try {
        push(payload)
      } catch (error) {
        // a DataView read past the end
        throw error instanceof RangeError ? malformed('row is cut short') : error
      }
    },
    finish: () => drain(finishSteps()),
    finishSteps,
  }
}
