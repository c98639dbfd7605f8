// The features once more, slowly and obviously, straight from the rows of a world: what the tests compare with.

import type { TargetProgram } from '../../src/graph/neighbourhood.js'
import {
  type Block,
  CLOSING,
  COUNTS,
  DISTINCT,
  type FeatureColumn,
  LAG,
  SIGNAL,
  type Signal,
  type StreamLeaf,
} from '../../src/infer/features/columns.js'
import { ANCHORS, CONSTANTS, nodePart, ordered, type Row, streamPart, type World } from './features-synthetic.js'

/** Value of a column for a key at an anchor; null is missing. */
export function slowFeature(world: World, column: FeatureColumn, key: number, anchor: number): number | null {
  const value = slow(world, column.block, column.slot, key, anchor)
  return value === null || !Number.isFinite(value) ? null : value
}

/** rows of a part by key, sorted once a world */
const sorted = new WeakMap<World, Map<number, Map<number, Row[]>>>()

function rowsOf(world: World, part: number, key: number): Row[] {
  const parts = sorted.get(world) ?? new Map<number, Map<number, Row[]>>()
  sorted.set(world, parts)
  let keys = parts.get(part)
  if (!keys) {
    keys = new Map()
    parts.set(part, keys)
    for (const row of ordered(world.spec, part, world.rows[part])) {
      if (!keys.has(row.k)) keys.set(row.k, [])
      keys.get(row.k)!.push(row)
    }
  }
  return keys.get(key) ?? []
}

const nowOf = (world: World, anchor: number) => world.rows[ANCHORS][anchor].t
const boundary = (world: World, anchor: number, k: number) => world.rows[ANCHORS][anchor].v[k]!
const unitOf = (world: World, anchor: number) => boundary(world, anchor, 0) - boundary(world, anchor, 1)

function keyIn(world: World, node: number, key: number, anchor: number): number | null {
  const spec = world.spec.nodes[node]
  if (spec.kind === 'entity') return key
  const row =
    spec.kind === 'parent' ? nodeRow(world, 0, key, anchor) : streamRows(world, spec.stream!, key, anchor)?.at(-1)
  const code = row?.c[spec.channel!]
  return code === undefined || code === null || code < 0 ? null : code
}

function nodeRow(world: World, node: number, key: number, anchor: number): Row | undefined {
  const k = keyIn(world, node, key, anchor)
  return k === null ? undefined : rowsOf(world, nodePart(node), k).find(row => row.t <= nowOf(world, anchor))
}

/** Visible rows of a stream; null where the row has no key in its node. */
function streamRows(world: World, stream: number, key: number, anchor: number): Row[] | null {
  const k = keyIn(world, world.spec.streams[stream].node, key, anchor)
  return k === null ? null : rowsOf(world, streamPart(world, stream), k).filter(row => row.t <= nowOf(world, anchor))
}

const total = (values: number[]) => values.reduce((a, b) => a + b, 0)
const mean = (values: number[]) => (values.length ? total(values) / values.length : null)
const present = (values: (number | null)[]) => values.filter((v): v is number => v !== null)
const unique = (values: (number | null)[]) => new Set(values.filter(v => v !== null && v !== -1)).size

function slow(world: World, block: Block, slot: number, key: number, anchor: number): number | null {
  const now = nowOf(world, anchor)
  const unit = unitOf(world, anchor)
  const after = (rows: Row[], k: number) =>
    k === Infinity ? rows : rows.filter(row => row.t > (k < 1 ? now - k * unit : boundary(world, anchor, k)))
  switch (block.op) {
    case 'counts': {
      const rows = streamRows(world, block.stream, key, anchor)
      if (!rows) return null
      const windows: number[] = [1, 3, 10, Infinity]
      if (slot === COUNTS.countQuarter) return after(rows, 0.25).length
      if (slot === COUNTS.countHalf) return after(rows, 0.5).length
      if (slot <= COUNTS.count) return after(rows, windows[slot]).length
      const days = (some: Row[]) => [...new Set(some.map(row => Math.floor(row.t / block.day)))]
      if (slot === COUNTS.days) return days(rows).length
      if (slot === COUNTS.days10) return days(after(rows, 10)).length
      if (rows.length === 0) return null
      const recency = (now - rows.at(-1)!.t) / unit
      const age = (now - rows[0].t) / unit
      const starts = days(rows)
        .map(day => rows.find(row => Math.floor(row.t / block.day) === day)!.t)
        .slice(-11)
      const gap = mean(starts.slice(1).map((t, i) => (t - starts[i]) / unit))
      if (slot === COUNTS.recency) return recency
      if (slot === COUNTS.age) return age
      if (slot === COUNTS.gap) return gap
      if (slot === COUNTS.recencyByGap) return gap === null ? null : recency / gap
      return (slot === COUNTS.countByAge ? rows.length : days(rows).length) / age
    }
    case 'distinct': {
      const rows = streamRows(world, block.stream, key, anchor)
      if (!rows) return null
      const codes = (some: Row[]) => some.map(row => row.c[block.channel])
      if (slot === DISTINCT.all) return unique(codes(rows))
      if (slot === DISTINCT.window3) return unique(codes(after(rows, 3)))
      return unique(codes(rows)) / rows.length
    }
    case 'closing': {
      const rows = streamRows(world, block.stream, key, anchor)?.slice(-256)
      if (!rows) return null
      const ends = rows.map(row => ({ start: row.t, end: row.v[block.channel] }))
      const closed = ends.flatMap(({ start, end }) => (end !== null && end <= now ? [{ start, end }] : []))
      if (slot === CLOSING.open) return rows.length - closed.length
      if (slot === CLOSING.share) return (rows.length - closed.length) / rows.length
      if (slot === CLOSING.duration) return mean(closed.map(c => (c.end - c.start) / unit))
      return (now - Math.max(...closed.map(c => c.end))) / unit
    }
    case 'signal': {
      const rows = streamRows(world, block.stream, key, anchor)
      return rows && slowSignal(rows, k => after(rows, k), block.signal, slot)
    }
    case 'lag':
      return slowLag(world, block, slot, key, anchor)
    case 'via-lag': {
      const rows = streamRows(world, block.stream, key, anchor)
      if (!rows?.length) return null
      const lags = [1, 2, 3].map(k => {
        if (rows[0].t > boundary(world, anchor, k - 1)) return null
        return aggregate(block.leaf, between(rows, boundary(world, anchor, k), boundary(world, anchor, k - 1)))
      })
      return slot < 3 ? lags[slot] : mean(present(lags))
    }
    case 'own':
    case 'born':
    case 'level': {
      const row = nodeRow(world, block.node, key, anchor)
      if (!row) return null
      if (block.op === 'level') return row.c[block.channel] === block.code ? 1 : 0
      const value = block.op === 'born' ? row.t : row.v[block.channel]
      if (value === null || (block.op === 'own' && !block.time)) return value
      return value <= now ? (now - value) / unit : null
    }
    case 'frequency': {
      const site = block.at
      const row =
        'node' in site ? nodeRow(world, site.node, key, anchor) : streamRows(world, site.stream, key, anchor)?.at(-1)
      const at = row?.c[site.channel]
      return at === null || at === undefined ? null : (block.share.get(at) ?? 0)
    }
    default:
      return null
  }
}

function slowSignal(rows: Row[], after: (k: number) => Row[], signal: Signal, slot: number): number | null {
  const read = (row: Row): number | null => {
    if (signal.kind === 'level') return row.c[signal.channel] === signal.code ? 1 : 0
    const value = row.v[signal.channel]
    if (value === null || signal.kind === 'channel') return value
    return compare(signal.compare, value, signal.constant) ? 1 : 0
  }
  const values = (some: Row[]) => present(some.map(read))
  const windows: number[] = [1, 3, 10, Infinity]
  if (slot === SIGNAL.sumQuarter) return total(values(after(0.25)))
  if (slot === SIGNAL.sumHalf) return total(values(after(0.5)))
  if (slot <= SIGNAL.sum) return total(values(after(windows[slot])))
  if (slot <= SIGNAL.mean) return mean(values(after(windows[slot - SIGNAL.mean1])))
  const ten = values(after(10))
  if (slot === SIGNAL.min) return ten.length ? Math.min(...ten) : null
  if (slot === SIGNAL.max) return ten.length ? Math.max(...ten) : null
  if (slot === SIGNAL.std) return ten.length > 1 ? Math.sqrt(mean(ten.map(v => (v - mean(ten)!) ** 2))!) : null
  const newest = rows.slice(-40).map(read)
  const last = present(newest)
  if (slot === SIGNAL.last) return last.at(-1) ?? null
  if (slot === SIGNAL.last3) return mean(last.slice(-3))
  if (slot === SIGNAL.last10) return mean(last.slice(-10))
  if (slot === SIGNAL.ewma) {
    const weighted = newest.reverse().flatMap((v, i) => (v === null ? [] : [{ v, w: 0.87 ** i }]))
    return weighted.length ? total(weighted.map(({ v, w }) => v * w)) / total(weighted.map(({ w }) => w)) : null
  }
  const y = last.slice(-10)
  if (y.length < 3) return null
  const x = y.map((_, i) => i - (y.length - 1) / 2)
  return total(x.map((xi, i) => xi * y[i])) / total(x.map(xi => xi * xi))
}

function compare(op: string, a: number, b: number): boolean {
  return { '=': a === b, '<>': a !== b, '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b }[op]!
}

const between = (rows: Row[], from: number, to: number) => rows.filter(row => row.t > from && row.t <= to)

export function aggregate(leaf: StreamLeaf, rows: Row[]): number | null {
  const kept = leaf.filter === null ? rows : rows.filter(row => row.v[leaf.filter!] === 1)
  if (leaf.name === 'COUNT_DISTINCT') return unique(kept.map(row => row.c[leaf.code!]))
  if (leaf.value === null) return kept.length
  const values = present(kept.map(row => row.v[leaf.value!]))
  if (leaf.name === 'COUNT') return values.length
  if (leaf.name === 'SUM') return total(values)
  if (values.length === 0) return null
  return leaf.name === 'AVG' ? mean(values) : leaf.name === 'MIN' ? Math.min(...values) : Math.max(...values)
}

/** Three-valued logic with null as NULL, written from SQL's truth tables. */
export function slowProgram(
  program: TargetProgram,
  leaves: (number | null)[],
  constants: (number | null)[],
): number | null {
  const bool = (value: boolean) => (value ? 1 : 0)
  const not = (value: number | null) => (value === null ? null : 1 - value)
  const and = (values: (number | null)[]) => (values.includes(0) ? 0 : values.includes(null) ? null : 1)
  const or = (values: (number | null)[]) => not(and(values.map(not)))
  const test = (op: string, a: number | null, b: number | null) =>
    a === null || b === null ? null : bool(compare(op, a, b))
  switch (program.op) {
    case 'leaf':
      return leaves[program.leaf]
    case 'and':
      return and(program.items.map(item => slowProgram(item, leaves, constants)))
    case 'or':
      return or(program.items.map(item => slowProgram(item, leaves, constants)))
    case 'not':
      return not(slowProgram(program.item, leaves, constants))
    case 'compare':
      return test(program.compare, leaves[program.leaf], constants[program.constant])
    case 'in': {
      const found = or(program.constants.map(c => test('=', leaves[program.leaf], constants[c])))
      return program.negated ? not(found) : found
    }
    case 'between': {
      const inside = and([
        test('>=', leaves[program.leaf], constants[program.low]),
        test('<=', leaves[program.leaf], constants[program.high]),
      ])
      return program.negated ? not(inside) : inside
    }
    case 'null':
      return bool((leaves[program.leaf] === null) !== program.negated)
  }
}

function slowLag(
  world: World,
  { target }: Extract<Block, { op: 'lag' }>,
  slot: number,
  key: number,
  anchor: number,
): number | null {
  const constants = world.rows[CONSTANTS].map(row => row.v[0])
  const times = world.spec.streams.flatMap((stream, s) =>
    stream.node === 0 && !stream.static ? (streamRows(world, s, key, anchor) ?? []).map(row => row.t) : [],
  )
  const own = nodeRow(world, 0, key, anchor)?.t
  const first = Math.min(...times, own === undefined || own === -Infinity ? Infinity : own)
  const window = (from: number, to: number) => {
    if (first > to) return { label: null, leaves: target.leaves.map(() => null) }
    const leaves = target.leaves.map(leaf =>
      aggregate(leaf, between(streamRows(world, leaf.stream, key, anchor)!, from, to)),
    )
    const holds = target.assuming === null || slowProgram(target.assuming, leaves, constants) === 1
    return { label: holds ? slowProgram(target.program!, leaves, constants) : null, leaves }
  }
  const windows = Array.from({ length: 10 }, (_, k) =>
    window(boundary(world, anchor, k + 1), boundary(world, anchor, k)),
  )
  if (slot < 10) return windows[slot].label
  if (slot === LAG.year) return window(boundary(world, anchor, 11), boundary(world, anchor, 12)).label
  if (slot >= LAG.raw) return windows[(slot - LAG.raw) % 5].leaves[Math.floor((slot - LAG.raw) / 5)]
  const labels = windows.map(w => w.label)
  const valid = present(labels)
  if (slot === LAG.mean3) return mean(present(labels.slice(0, 3)))
  if (slot === LAG.mean10) return mean(valid)
  if (slot === LAG.valid) return valid.length
  if (valid.length === 0) return null
  if (slot === LAG.max) return Math.max(...valid)
  if (slot === LAG.weighted) {
    const weighted = labels.flatMap((v, i) => (v === null ? [] : [{ v, w: 0.75 ** i }]))
    return total(weighted.map(({ v, w }) => v * w)) / total(weighted.map(({ w }) => w))
  }
  const middle = [...valid].sort((a, b) => a - b)
  return (middle[(valid.length - 1) >> 1] + middle[valid.length >> 1]) / 2
}
