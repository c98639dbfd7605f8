// What an extraction of a small shop would send: DataRow payloads of entities with dated rows whose rate is the entity's own.

import type { NeighbourhoodSpec } from '../../src/graph/neighbourhood.js'
import { poisson, uniforms } from './synthetic.js'

const DAY = 86_400_000_000
const HORIZON = 30 * DAY
const NOW = 9_000 * DAY

type Elements = readonly (Buffer | null)[]

function array(type: number, elements: Elements, width?: number): Buffer {
  if (elements.length === 0) {
    const empty = Buffer.alloc(12)
    empty.writeUInt32BE(type, 8)
    return empty
  }
  const dimensions = width === undefined ? [elements.length] : [elements.length / width, width]
  const head = Buffer.alloc(12 + 8 * dimensions.length)
  head.writeInt32BE(dimensions.length, 0)
  head.writeInt32BE(elements.some(e => e === null) ? 1 : 0, 4)
  head.writeUInt32BE(type, 8)
  dimensions.forEach((n, i) => {
    head.writeInt32BE(n, 12 + 8 * i)
    head.writeInt32BE(1, 16 + 8 * i)
  })
  return Buffer.concat([head, ...elements.map(sized)])
}

function sized(value: Buffer | null): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(value?.length ?? -1)
  return value ? Buffer.concat([length, value]) : length
}

const int4 = (v: number): Buffer => {
  const out = Buffer.alloc(4)
  out.writeInt32BE(v)
  return out
}
const int8 = (v: number): Buffer => {
  const out = Buffer.alloc(8)
  out.writeBigInt64BE(BigInt(v))
  return out
}
const float8 = (v: number): Buffer => {
  const out = Buffer.alloc(8)
  out.writeDoubleBE(v)
  return out
}

function dataRow(fields: Elements): Buffer {
  const count = Buffer.alloc(2)
  count.writeInt16BE(fields.length)
  return Buffer.concat([count, ...fields.map(sized)])
}

export interface Extraction {
  readonly spec: NeighbourhoodSpec
  readonly rows: readonly Buffer[]
  /** The key array of the entities scored, as sent. */
  readonly keys: Buffer
  readonly scored: number
}

/** `cold`: with a context of `entities` x `anchors` labelled rows. The `scored` first entities are scored. */
export function extraction(options: {
  readonly task: 'binary' | 'numeric'
  readonly entities: number
  readonly anchors: number
  readonly scored: number
  readonly seed?: number
  readonly cold?: boolean
}): Extraction {
  const { task, entities, anchors, scored, cold = true } = options
  const next = uniforms(options.seed ?? 1)
  const source = { table: 'public.orders', column: 'amount', hop: 1 }
  const spec: NeighbourhoodSpec = {
    task,
    parts: [
      { kind: 'anchors' },
      { kind: 'pairs' },
      { kind: 'scored' },
      { kind: 'constants' },
      { kind: 'node', node: 0 },
      { kind: 'stream', stream: 0 },
    ],
    nodes: [{ kind: 'entity', hop: 0, numbers: [], codes: [] }],
    streams: [
      {
        node: 0,
        hop: 1,
        table: 1,
        numbers: [{ kind: 'number', source, own: true, trusted: false }],
        codes: [],
        static: false,
      },
    ],
    target: {
      leaves: [{ name: 'COUNT', stream: 0, filter: null, value: null, code: null }],
      program: task === 'numeric' ? { op: 'leaf', leaf: 0 } : { op: 'compare', compare: '>', leaf: 0, constant: 0 },
      assuming: null,
    },
    keys: 1,
    counting: task === 'numeric',
    conditional: false,
  }

  const times = [NOW, NOW - DAY, ...Array.from({ length: anchors }, (_, k) => NOW - DAY - (k + 1) * HORIZON)]
  const born = NOW - (anchors + 12) * HORIZON
  const events: { k: number; t: number; v: number }[] = []
  const counts: number[][] = []
  for (let k = 0; k < entities; k++) {
    const rate = Math.exp(2 * next() - 1.5)
    const own: number[] = []
    for (let month = 0; month < anchors + 12; month++) {
      for (let n = poisson(rate, next); n > 0; n--) own.push(Math.floor(born + (month + next()) * HORIZON))
    }
    own.sort((a, b) => a - b)
    for (const t of own) events.push({ k, t, v: Math.exp(3 + next()) })
    counts.push(own)
  }
  const label = (k: number, anchor: number): number => {
    const n = counts[k].filter(t => t > times[anchor] && t <= times[anchor] + HORIZON).length
    return task === 'numeric' ? n : n > 0 ? 1 : 0
  }

  const pairs: { k: number; anchor: number; role: number; y: number | null }[] = []
  for (let a = 0; a < anchors; a++) {
    for (let k = 0; k < entities; k++) pairs.push({ k, anchor: a + 2, role: 0, y: label(k, a + 2) })
  }
  for (let k = 0; k < entities; k++) pairs.push({ k, anchor: 1, role: 1, y: null })
  const bounds = times.flatMap(t => [
    ...Array.from({ length: 11 }, (_, k) => t - k * HORIZON),
    t - 365 * DAY,
    t - 365 * DAY + HORIZON,
  ])
  const ids = Array.from({ length: scored }, (_, k) => int8(1_000 + k))
  const keys = array(20, ids)
  const rows: Buffer[] = []
  const part = (
    index: number,
    k: Buffer | null,
    t: Buffer | null,
    v: Buffer | null,
    c: Buffer | null,
    key: Buffer | null,
  ) => rows.push(dataRow([int4(index), k, t, v, c, key]))
  part(0, null, array(1184, times.map(int8)), array(701, bounds.map(float8), 13), null, null)
  if (cold) {
    part(
      1,
      array(
        23,
        pairs.map(p => int4(p.k)),
      ),
      null,
      array(
        701,
        pairs.map(p => (p.y === null ? null : float8(p.y))),
        1,
      ),
      array(
        23,
        pairs.flatMap(p => [int4(p.anchor), int4(p.role)]),
        2,
      ),
      null,
    )
  }
  // a part without rows sends none
  if (scored > 0)
    part(
      2,
      array(
        23,
        ids.map((_, k) => int4(k)),
      ),
      null,
      null,
      null,
      keys,
    )
  part(3, null, null, array(701, [float8(0)], 1), null, null)
  const known = Array.from({ length: cold ? entities : scored }, (_, k) => k)
  part(
    4,
    array(23, known.map(int4)),
    array(
      1184,
      known.map(() => int8(born)),
    ),
    null,
    null,
    null,
  )
  const sent = events.filter(e => e.k < known.length)
  for (let from = 0; from < sent.length; from += 20_000) {
    const slice = sent.slice(from, from + 20_000)
    part(
      5,
      array(
        23,
        slice.map(e => int4(e.k)),
      ),
      array(
        1184,
        slice.map(e => int8(e.t)),
      ),
      array(
        701,
        slice.map(e => float8(e.v)),
        1,
      ),
      null,
      null,
    )
  }
  return { spec, rows, keys, scored }
}

/** Elements of a one-dimensional float8[] or bool[] array in binary format. */
export function elements(bytes: Buffer): number[] {
  if (bytes.readInt32BE(0) === 0) return []
  const out: number[] = []
  for (let i = 0, at = 20; i < bytes.readInt32BE(12); i++) {
    const size = bytes.readInt32BE(at)
    out.push(size === 8 ? bytes.readDoubleBE(at + 4) : bytes.readUInt8(at + 4))
    at += 4 + size
  }
  return out
}
