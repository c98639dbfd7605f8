// A small shop invented for the tests of features: rows as plain objects, sent through the decoder as Postgres would send them.

import type { CodeChannel, NeighbourhoodSpec, NumberChannel, Part, TargetSpec } from '../../src/graph/neighbourhood.js'
import { createDecoder } from '../../src/infer/decode/decoder.js'
import type { Neighbourhood } from '../../src/infer/decode/neighbourhood.js'

export const DAY = 86_400_000_000
export const HORIZON = 30 * DAY

/** One row of any part; null is NULL. */
export interface Row {
  k: number
  t: number
  v: (number | null)[]
  c: (number | null)[]
}

/** Rows by part, in the order of the spec's parts; pairs are v [label], c [anchor, role]. */
export interface World {
  readonly spec: NeighbourhoodSpec
  readonly rows: Row[][]
}

export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function number(
  kind: NumberChannel['kind'],
  table: string,
  column: string,
  more: Partial<NumberChannel> = {},
): NumberChannel {
  return { kind, source: { table, column, hop: 1 }, own: true, trusted: false, ...more }
}

export function code(
  kind: CodeChannel['kind'],
  table: string,
  column: string,
  more: Partial<CodeChannel> = {},
): CodeChannel {
  return { kind, source: { table, column, hop: 1 }, own: true, trusted: false, ...more }
}

export function partsOf(nodes: number, streams: number): Part[] {
  return [
    { kind: 'anchors' },
    { kind: 'pairs' },
    { kind: 'scored' },
    { kind: 'constants' },
    ...Array.from({ length: nodes }, (_, node): Part => ({ kind: 'node', node })),
    ...Array.from({ length: streams }, (_, stream): Part => ({ kind: 'stream', stream })),
  ]
}

/** Place of a part among the rows of a world. */
export const ANCHORS = 0
export const PAIRS = 1
export const SCORED = 2
export const CONSTANTS = 3
export const nodePart = (node: number) => 4 + node
export const streamPart = (world: Pick<World, 'spec'>, stream: number) => 4 + world.spec.nodes.length + stream

/** An anchor with its 13 boundaries. */
export function anchorRow(time: number, horizon = HORIZON): Row {
  const v = Array.from({ length: 11 }, (_, k) => time - k * horizon)
  return { k: 0, t: time, v: [...v, time - 365 * DAY, time - 365 * DAY + horizon], c: [] }
}

export function shopSpec(target: TargetSpec, task: 'binary' | 'numeric' = 'binary'): NeighbourhoodSpec {
  const o = 'shop.orders'
  return {
    task,
    parts: partsOf(3, 5),
    nodes: [
      {
        kind: 'entity',
        hop: 0,
        numbers: [
          number('time', 'shop.users', 'signed_up'),
          number('number', 'shop.users', 'score'),
          number('flag', 'shop.users', 'vip'),
        ],
        codes: [code('category', 'shop.users', 'country'), code('reference', 'shop.users', 'region_id', { node: 1 })],
      },
      {
        kind: 'parent',
        channel: 1,
        hop: 1,
        numbers: [number('number', 'shop.regions', 'size')],
        codes: [code('category', 'shop.regions', 'zone')],
      },
      {
        kind: 'latest',
        stream: 0,
        channel: 2,
        hop: 2,
        numbers: [number('number', 'shop.products', 'price'), number('time', 'shop.products', 'launched')],
        codes: [code('category', 'shop.products', 'kind')],
      },
    ],
    streams: [
      {
        node: 0,
        hop: 1,
        table: 1,
        static: false,
        numbers: [
          number('number', o, 'amount'),
          number('flag', o, 'paid'),
          number('time', o, 'shipped'),
          number('size', o, 'note'),
          number('filter', o, null as never, { leaf: 0 }),
          number('value', o, 'amount', { leaf: 0 }),
          number('number', 'shop.products', 'price', {
            own: false,
            source: { table: 'shop.products', column: 'price', hop: 2 },
          }),
        ],
        codes: [
          code('category', o, 'status'),
          code('category', o, 'shop'),
          code('reference', o, 'product_id', { node: 2 }),
          code('key', o, 'courier_id'),
        ],
      },
      {
        node: 0,
        hop: 2,
        table: 2,
        static: false,
        numbers: [number('number', 'shop.items', 'quantity')],
        codes: [code('category', 'shop.items', 'size')],
      },
      {
        node: 2,
        hop: 3,
        table: 1,
        static: false,
        numbers: [
          number('number', o, 'amount'),
          number('filter', o, null as never, { leaf: 0 }),
          number('value', o, 'amount', { leaf: 0 }),
        ],
        codes: [code('reference', o, 'product_id', { leaf: 1, node: 2 })],
      },
      { node: 1, hop: 2, table: 3, static: false, numbers: [number('number', 'shop.visits', 'length')], codes: [] },
      {
        node: 0,
        hop: 1,
        table: 4,
        static: true,
        numbers: [number('number', 'shop.interests', 'weight')],
        codes: [code('category', 'shop.interests', 'topic')],
      },
    ],
    target,
    keys: 1,
    counting: false,
    conditional: target.assuming !== null,
  }
}

/** SUM of an amount where a filter holds, distinct products, largest amount; spent > 40 AND NOT distinct IN (1, 7), ASSUMING any row. */
export const SHOP_TARGET: TargetSpec = {
  leaves: [
    { name: 'SUM', stream: 0, filter: 4, value: 5, code: null },
    { name: 'COUNT_DISTINCT', stream: 0, filter: null, value: null, code: 2 },
    { name: 'MAX', stream: 0, filter: 4, value: 5, code: null },
    { name: 'COUNT', stream: 0, filter: null, value: null, code: null },
  ],
  program: {
    op: 'or',
    items: [
      {
        op: 'and',
        items: [
          { op: 'compare', compare: '>', leaf: 0, constant: 0 },
          { op: 'not', item: { op: 'in', negated: false, leaf: 1, constants: [1, 2] } },
        ],
      },
      { op: 'between', negated: false, leaf: 2, low: 3, high: 4 },
    ],
  },
  assuming: { op: 'compare', compare: '>', leaf: 3, constant: 5 },
}

export const NOW = 8000 * DAY

/** A random shop: `users` entities, of which the last `scored` are to be scored and the others make pairs. */
export function shop(
  seed: number,
  users: number,
  options: { anchors?: number; scored?: number; orders?: number; target?: TargetSpec } = {},
): World {
  const r = random(seed)
  const int = (n: number) => Math.floor(r() * n)
  const maybe = (share: number, value: () => number) => (r() < share ? value() : null)
  const spec = shopSpec(options.target ?? SHOP_TARGET)
  const rows: Row[][] = spec.parts.map(() => [])
  const anchors = options.anchors ?? 6
  const scored = options.scored ?? 2
  const times = [NOW, NOW - DAY / 2, ...Array.from({ length: anchors }, (_, i) => NOW - DAY / 2 - (i + 1) * HORIZON)]
  rows[ANCHORS] = times.map(t => anchorRow(t))
  rows[CONSTANTS] = [40, 1, 7, 50, 90, 0].map(value => ({ k: 0, t: NOW, v: [value], c: [] }))
  const products = 12
  const regions = 4
  const back = (days: number) => NOW - Math.floor(r() * days * 24) * (DAY / 24)
  const at = (part: number, k: number, t: number, v: (number | null)[], c: (number | null)[]) =>
    rows[part].push({ k, t, v, c })
  for (let region = 0; region < regions; region++) {
    at(nodePart(1), region, Number.NEGATIVE_INFINITY, [region * 10], [region % 2])
    for (let i = 0; i < 40; i++) at(streamPart({ spec }, 3), region, back(400), [r() * 5], [])
  }
  for (let product = 0; product < products; product++)
    at(nodePart(2), product, back(380), [5 + product * 3, maybe(0.7, () => back(300))], [maybe(0.9, () => product % 3)])
  for (let user = 0; user < users; user++) {
    const signedUp = back(500)
    at(
      nodePart(0),
      user,
      signedUp,
      [maybe(0.9, () => signedUp + int(90) * DAY), maybe(0.8, () => r() * 100), int(2)],
      [maybe(0.9, () => 100 + int(5)), maybe(0.9, () => int(regions))],
    )
    const orders = int(options.orders ?? 60)
    for (let i = 0; i < orders; i++) {
      const t = back(Math.max(1, (NOW + 40 * DAY - signedUp) / DAY)) + (r() < 0.1 ? 20 * DAY : 0)
      const amount = maybe(0.95, () => Math.round(r() * 10000) / 100)
      const filter = int(3) > 0 ? 1 : 0
      const product = maybe(0.95, () => int(products)) ?? -1
      at(
        streamPart({ spec }, 0),
        user,
        t,
        [
          amount,
          int(2),
          maybe(0.8, () => t + int(40) * DAY),
          int(200),
          filter,
          filter ? amount : null,
          product < 0 ? null : 5 + product * 3,
        ],
        [maybe(0.95, () => int(4)), int(40), product, int(9)],
      )
      if (product >= 0) at(streamPart({ spec }, 2), product, t, [amount, filter, filter ? amount : null], [product])
      for (let j = int(3); j > 0; j--) at(streamPart({ spec }, 1), user, t, [1 + int(5)], [int(15)])
    }
    for (let i = int(4); i > 0; i--) at(streamPart({ spec }, 4), user, Number.NEGATIVE_INFINITY, [r()], [int(6)])
    if (user >= users - scored) rows[SCORED].push({ k: user, t: NOW, v: [], c: [] })
    else {
      rows[PAIRS].push({ k: user, t: NOW, v: [null], c: [1, 1] })
      for (let a = 2; a < times.length; a++)
        if (signedUp <= times[a])
          rows[PAIRS].push({ k: user, t: NOW, v: [(orders > 30 ? 1 : 0) ^ (r() < 0.15 ? 1 : 0)], c: [a, 0] })
    }
  }
  return { spec, rows }
}

function int32(...values: number[]): Buffer {
  const out = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => {
    out.writeInt32BE(value, 4 * i)
  })
  return out
}

/** A Postgres binary array; width 0 is one-dimensional. */
export function arrayBytes(type: number, length: number, width: number, elements: readonly (Buffer | null)[]): Buffer {
  const dimensions = length === 0 ? [] : width === 0 ? [length, 1] : [length, 1, width, 1]
  const hasNull = elements.includes(null) ? 1 : 0
  const body = elements.flatMap(e => (e === null ? [int32(-1)] : [int32(e.length), e]))
  return Buffer.concat([int32(dimensions.length / 2, hasNull, type, ...dimensions), ...body])
}

const int4 = (value: number | null) => (value === null ? null : int32(value))

function float8(value: number | null): Buffer | null {
  if (value === null) return null
  const out = Buffer.alloc(8)
  out.writeDoubleBE(value)
  return out
}

function timestamp(value: number): Buffer {
  const out = Buffer.alloc(8)
  if (value === Number.NEGATIVE_INFINITY) out.writeBigInt64BE(-(2n ** 63n))
  else if (value === Number.POSITIVE_INFINITY) out.writeBigInt64BE(2n ** 63n - 1n)
  else out.writeBigInt64BE(BigInt(value))
  return out
}

export function dataRow(fields: readonly (Buffer | null)[]): Buffer {
  const head = Buffer.alloc(2)
  head.writeInt16BE(fields.length)
  return Buffer.concat([head, ...fields.flatMap(f => (f === null ? [int32(-1)] : [int32(f.length), f]))])
}

/** DataRow payload of some rows of a part. Keys of scored rows are text. */
export function payload(spec: NeighbourhoodSpec, part: number, rows: readonly Row[]): Buffer {
  const n = rows.length
  const numbers = rows[0]?.v.length ?? 0
  const codes = rows[0]?.c.length ?? 0
  const scored = spec.parts[part].kind === 'scored'
  return dataRow([
    int32(part),
    arrayBytes(
      23,
      n,
      0,
      rows.map(row => int4(row.k)),
    ),
    arrayBytes(
      1184,
      n,
      0,
      rows.map(row => timestamp(row.t)),
    ),
    numbers === 0
      ? null
      : arrayBytes(
          701,
          n,
          numbers,
          rows.flatMap(row => row.v.map(float8)),
        ),
    codes === 0
      ? null
      : arrayBytes(
          23,
          n,
          codes,
          rows.flatMap(row => row.c.map(int4)),
        ),
    ...Array.from({ length: spec.keys }, () =>
      scored
        ? arrayBytes(
            25,
            n,
            0,
            rows.map(row => Buffer.from(`user ${row.k}`)),
          )
        : null,
    ),
  ])
}

/** Rows as the extraction orders them: by key, then time, ties as they come; parts without an order of their own stay as they are. */
export function ordered(spec: NeighbourhoodSpec, part: number, rows: readonly Row[]): Row[] {
  const { kind } = spec.parts[part]
  return kind === 'node' || kind === 'stream'
    ? [...rows].sort((a, b) => a.k - b.k || (a.t < b.t ? -1 : a.t > b.t ? 1 : 0))
    : [...rows]
}

/** Sends a world through the decoder, `chunk` rows a DataRow. */
export function decode(
  world: World,
  chunk = 1_000_000,
  order: (payloads: Buffer[]) => Buffer[] = all => all,
): Neighbourhood {
  const decoder = createDecoder(world.spec)
  const payloads: Buffer[] = []
  world.rows.forEach((unordered, part) => {
    const rows = ordered(world.spec, part, unordered)
    for (let i = 0; i < rows.length; i += chunk) payloads.push(payload(world.spec, part, rows.slice(i, i + chunk)))
  })
  for (const bytes of order(payloads)) decoder.push(bytes)
  return decoder.finish()
}

/** The same rows in new objects, to be changed at will. */
export function copy(world: World): World {
  return { spec: world.spec, rows: world.rows.map(rows => rows.map(row => ({ ...row, v: [...row.v], c: [...row.c] }))) }
}
