// What features must not depend on: the future, the rest of the batch, the order of rows and chunks, names.

import t from 'tap'
import type { NeighbourhoodSpec } from '../../src/graph/neighbourhood.js'
import type { Neighbourhood } from '../../src/infer/decode/neighbourhood.js'
import type { FeatureColumn } from '../../src/infer/features/columns.js'
import { computeFeatures } from '../../src/infer/features/compute.js'
import { prepareContext } from '../../src/infer/features/context.js'
import { planFeatures } from '../../src/infer/features/plan.js'
import {
  ANCHORS,
  copy,
  DAY,
  decode,
  nodePart,
  PAIRS,
  random,
  SCORED,
  shop,
  streamPart,
  type World,
} from './features-synthetic.js'

function planOf(neighbourhood: Neighbourhood): FeatureColumn[] {
  const { pairs, anchors } = neighbourhood
  return planFeatures(neighbourhood, {
    context: { key: pairs.key, anchor: pairs.anchor },
    cut: anchors.time[2],
    setAside: () => false,
  })
}

function rowsAt(neighbourhood: Neighbourhood, anchor: number) {
  const n = neighbourhood.nodes[0].keys
  return { key: Int32Array.from({ length: n }, (_, i) => i), anchor: new Int32Array(n).fill(anchor) }
}

const bytes = (x: Float64Array) => Buffer.from(x.buffer, x.byteOffset, x.byteLength)

/** Changes, appends and deletes what lies later than a moment, values of time channels included. */
function disturb(world: World, after: number, seed: number): World {
  const r = random(seed)
  const out = copy(world)
  const { spec } = world
  const touch = (part: number, numbers: NeighbourhoodSpec['streams'][number]['numbers']) => {
    const rows = out.rows[part]
    for (let i = rows.length - 1; i >= 0; i--) {
      const row = rows[i]
      if (row.t > after) {
        const lot = r()
        if (lot < 0.3) rows.splice(i, 1)
        else if (lot < 0.6) {
          row.v = row.v.map(v => (v === null ? 1 : v * 7 + 1))
          row.c = row.c.map(() => 0)
          row.t += Math.floor(r() * DAY)
        } else if (lot < 0.7) rows.push({ ...row, t: row.t + DAY })
      } else
        numbers.forEach((channel, c) => {
          if (channel.kind === 'time' && row.v[c] !== null && row.v[c]! > after)
            row.v[c] = r() < 0.5 ? null : after + 1 + Math.floor(r() * 99 * DAY)
        })
    }
  }
  spec.nodes.forEach((node, n) => {
    if (n > 0) touch(nodePart(n), node.numbers)
    else
      for (const row of out.rows[nodePart(0)])
        node.numbers.forEach((channel, c) => {
          if (channel.kind === 'time' && (row.v[c] ?? 0) > after) row.v[c] = after + 5 * DAY
        })
  })
  for (const [s, stream] of spec.streams.entries()) touch(streamPart(world, s), stream.numbers)
  return out
}

t.test('nothing later than the anchor changes a single bit', async t => {
  const world = shop(11, 40)
  const before = decode(world)
  const columns = planOf(before)
  for (const anchor of [0, 1, 2, 4]) {
    const time = world.rows[ANCHORS][anchor].t
    const x = computeFeatures(before, columns, rowsAt(before, anchor))
    const changed = disturb(world, time, anchor)
    t.not(JSON.stringify(changed.rows), JSON.stringify(world.rows), 'the future did change')
    const after = decode(changed)
    t.ok(bytes(computeFeatures(after, columns, rowsAt(before, anchor))).equals(bytes(x)), `anchor ${anchor}`)
  }
})

t.test('the plan depends on rows up to the newest context anchor alone', async t => {
  const world = shop(12, 40)
  const cut = world.rows[ANCHORS][2].t
  const describe = (columns: FeatureColumn[]) => JSON.stringify(columns, (_, v) => (v instanceof Map ? [...v] : v))
  t.equal(describe(planOf(decode(disturb(world, cut, 3)))), describe(planOf(decode(world))))
})

t.test('a row alone equals the same row among a thousand', async t => {
  const world = shop(13, 60)
  const all = decode(world)
  const columns = planOf(all)
  const r = random(5)
  const key = Int32Array.from({ length: 1000 }, () => Math.floor(r() * all.nodes[0].keys))
  const anchor = Int32Array.from({ length: 1000 }, () => Math.floor(r() * all.anchors.count))
  const x = computeFeatures(all, columns, { key, anchor })
  const different: string[] = []
  for (let i = 0; i < 1000; i += 37) {
    // alone in the batch, and alone in the neighbourhood
    const alone = computeFeatures(all, columns, { key: key.slice(i, i + 1), anchor: anchor.slice(i, i + 1) })
    const lonely = copy(world)
    for (const part of [nodePart(0), streamPart(world, 0), streamPart(world, 1), streamPart(world, 4)])
      lonely.rows[part] = lonely.rows[part].filter(row => row.k === key[i])
    const single = computeFeatures(decode(lonely), columns, {
      key: key.slice(i, i + 1),
      anchor: anchor.slice(i, i + 1),
    })
    columns.forEach((_, c) => {
      if (!Object.is(alone[c], x[c * 1000 + i])) different.push(`batch: row ${i} column ${c}`)
      if (!Object.is(single[c], x[c * 1000 + i])) different.push(`neighbourhood: row ${i} column ${c}`)
    })
  }
  t.same(different.slice(0, 5), [])
})

t.test('chunks, interleaved parts and another numbering of the keys change nothing', async t => {
  const world = shop(14, 40)
  const base = decode(world)
  const prepared = prepareContext(base, { rows: 10_000 })
  const small = decode(world, 7)
  t.ok(bytes(prepareContext(small, { rows: 10_000 }).batch.x).equals(bytes(prepared.batch.x)), 'small chunks')
  // parts in another order, each part's chunks in their own
  const shuffled = decode(world, 50, payloads => {
    const byPart = new Map<number, Buffer[]>()
    for (const p of payloads) byPart.set(p.readInt32BE(6), [...(byPart.get(p.readInt32BE(6)) ?? []), p])
    const queues = [...byPart.values()].reverse()
    const out: Buffer[] = []
    while (queues.some(q => q.length > 0)) for (const q of queues) if (q.length > 0) out.push(q.shift()!)
    return out
  })
  t.ok(bytes(prepareContext(shuffled, { rows: 10_000 }).batch.x).equals(bytes(prepared.batch.x)), 'interleaved chunks')

  const n = base.nodes[0].keys
  const order = Array.from({ length: n }, (_, i) => (i * 7 + 3) % n)
  const renumbered = copy(world)
  for (const part of [PAIRS, SCORED, nodePart(0), streamPart(world, 0), streamPart(world, 1), streamPart(world, 4)])
    for (const row of renumbered.rows[part]) row.k = order[row.k]
  const other = prepareContext(decode(renumbered), { rows: 10_000 })
  t.ok(bytes(other.batch.x).equals(bytes(prepared.batch.x)), 'keys in another order')
  t.ok(bytes(other.encode(decode(renumbered)).x).equals(bytes(prepared.encode(base).x)), 'queries likewise')
})

t.test('names are no input', async t => {
  const world = shop(15, 40)
  const rename = (spec: NeighbourhoodSpec): NeighbourhoodSpec =>
    JSON.parse(JSON.stringify(spec), (name, value) =>
      (name === 'table' || name === 'column') && typeof value === 'string'
        ? `x.${[...value].reverse().join('')}`
        : value,
    )
  const renamed = { spec: rename(world.spec), rows: world.rows }
  const a = prepareContext(decode(world), { rows: 10_000 })
  const b = prepareContext(decode(renamed), { rows: 10_000 })
  t.not(a.columns[0].sources[0].table, b.columns[0].sources[0].table)
  t.same(b.batch.columns, a.batch.columns)
  t.ok(bytes(b.batch.x).equals(bytes(a.batch.x)))
})

t.test('entities that are scored change nothing in the context, nor each other', async t => {
  const world = shop(16, 60, { scored: 10 })
  const together = decode(world)
  const prepared = prepareContext(together, { rows: 10_000 })
  const scored = world.rows[SCORED].map(row => row.k)

  // the context's entities alone, then each scored one alone, in an extraction that has the query's anchor only
  const keep = (keys: Set<number>, query: boolean): World => {
    const out = copy(world)
    for (const part of [SCORED, nodePart(0), streamPart(world, 0), streamPart(world, 1), streamPart(world, 4)])
      out.rows[part] = out.rows[part].filter(row => keys.has(row.k))
    if (query) {
      out.rows[ANCHORS].length = 1
      out.rows[PAIRS].length = 0
    }
    return out
  }
  const without = keep(new Set(world.rows[PAIRS].map(row => row.k)), false)
  const context = prepareContext(decode(without), { rows: 10_000 })
  t.same(context.batch.columns, prepared.batch.columns)
  t.ok(bytes(context.batch.x).equals(bytes(prepared.batch.x)))
  const all = prepared.encode(together)
  t.equal(all.rows, 10)
  scored.forEach((key, i) => {
    const query = decode(keep(new Set([key]), true))
    const one = context.encode(query)
    t.equal(one.rows, 1)
    const same = prepared.columns.every((_, c) => Object.is(one.x[c], all.x[c * 10 + i]))
    t.ok(same, `entity ${key} alone, from a later extraction`)
    t.ok(bytes(context.encode(together, Int32Array.of(key)).x).equals(bytes(one.x)), 'and as a part of the batch')
  })
})
