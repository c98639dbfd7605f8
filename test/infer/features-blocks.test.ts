// Every group of features against a slow re-implementation on random shops, and a few values worked out by hand.

import t, { type Test } from 'tap'
import type { TargetProgram, TargetSpec } from '../../src/graph/neighbourhood.js'
import type { Neighbourhood } from '../../src/infer/decode/neighbourhood.js'
import { COUNTS, type FeatureColumn, LAG, SIGNAL } from '../../src/infer/features/columns.js'
import { computeFeatures } from '../../src/infer/features/compute.js'
import { planFeatures } from '../../src/infer/features/plan.js'
import { evaluate } from '../../src/infer/features/program.js'
import { slowFeature, slowProgram } from './features-slow.js'
import {
  anchorRow,
  copy,
  DAY,
  decode,
  HORIZON,
  NOW,
  nodePart,
  random,
  SHOP_TARGET,
  shop,
  streamPart,
  type World,
} from './features-synthetic.js'

function everyPair(
  neighbourhood: Neighbourhood,
  anchors: readonly number[],
  step = 1,
): { key: Int32Array; anchor: Int32Array } {
  const key: number[] = []
  const anchor: number[] = []
  for (const a of anchors)
    for (let k = 0; k < neighbourhood.nodes[0].keys; k += step) {
      key.push(k)
      anchor.push(a)
    }
  return { key: Int32Array.from(key), anchor: Int32Array.from(anchor) }
}

function planOf(neighbourhood: Neighbourhood): FeatureColumn[] {
  const { pairs, anchors } = neighbourhood
  return planFeatures(neighbourhood, {
    context: { key: pairs.key, anchor: pairs.anchor },
    cut: anchors.time[2],
    setAside: () => false,
  })
}

function compareAll(t: Test, world: World, name: string): void {
  const neighbourhood = decode(world)
  const columns = planOf(neighbourhood)
  const rows = everyPair(neighbourhood, [0, 1, 3, 5])
  const n = rows.key.length
  const x = computeFeatures(neighbourhood, columns, rows)
  const wrong: string[] = []
  const filled = new Map<string, number>()
  columns.forEach((column, c) => {
    if (column.block.op === 'encoded') return
    for (let r = 0; r < n; r++) {
      const expected = slowFeature(world, column, rows.key[r], rows.anchor[r])
      const got = x[c * n + r]
      if (expected !== null) filled.set(column.block.op, (filled.get(column.block.op) ?? 0) + 1)
      const close = expected === null ? Number.isNaN(got) : Math.abs(got - expected) <= 1e-9 * (1 + Math.abs(expected))
      if (!close)
        wrong.push(
          `${column.block.op} ${column.slot} key ${rows.key[r]} anchor ${rows.anchor[r]}: ${got}, not ${expected}`,
        )
    }
  })
  t.same(wrong.slice(0, 5), [], name)
  for (const op of ['counts', 'distinct', 'closing', 'signal', 'lag', 'via-lag', 'own', 'born', 'level', 'frequency'])
    t.ok((filled.get(op) ?? 0) > 100, `${name}: values of '${op}' were compared`)
}

t.test('every column equals its slow re-implementation', async t => {
  compareAll(t, shop(1, 40), 'a condition with ASSUMING')
  const target: TargetSpec = {
    leaves: [{ name: 'AVG', stream: 0, filter: 4, value: 5, code: null }],
    program: { op: 'compare', compare: '>=', leaf: 0, constant: 3 },
    assuming: null,
  }
  compareAll(t, shop(2, 30, { target, orders: 200 }), 'long histories, without ASSUMING')
})

t.test('a plan holds every group, all kinds of windows, and no more than 1,200 columns', async t => {
  const columns = planOf(decode(shop(3, 40)))
  t.ok(columns.length > 200 && columns.length <= 1200, `${columns.length} columns`)
  const kinds = new Set(columns.map(column => column.descriptor.kind))
  for (const kind of [
    'count',
    'recency',
    'age',
    'gap',
    'distinct',
    'sum',
    'mean',
    'min',
    'max',
    'std',
    'last',
    'ewma',
    'slope',
    'ratio',
    'share',
    'lag',
    'value',
    'flag',
    'level',
    'encoded',
  ] as const)
    t.ok(kinds.has(kind), kind)
  t.ok(
    columns.every(column => column.sources.length > 0),
    'each column can be explained',
  )
  const ids = columns.map(
    column => column.slot + JSON.stringify(column.block, (_, v) => (v instanceof Map ? [...v] : v)),
  )
  t.equal(new Set(ids).size, columns.length, 'no column twice')
})

t.test('values worked out by hand', async t => {
  const world = copy(shop(4, 3, { orders: 1 }))
  const orders = streamPart(world, 0)
  const at = (days: number, amount: number | null) => ({
    k: 0,
    t: NOW - days * DAY,
    v: [amount, 1, null, 0, 1, amount, null],
    c: [1, 1, -1, 1],
  })
  for (let s = 0; s < world.spec.streams.length; s++) world.rows[streamPart(world, s)].length = 0
  world.rows[nodePart(0)] = [{ k: 0, t: NOW - 100 * DAY, v: [null, 7, 0], c: [null, null] }]
  // at the anchor itself, one day before a boundary, on a boundary, and later than the anchor
  world.rows[orders].push(at(0, 10), at(29, 20), at(30, 40), at(75, null), at(-1, 999))
  const neighbourhood = decode(world)
  const column = (block: FeatureColumn['block'], slot: number): FeatureColumn => ({
    block,
    slot,
    sources: [],
    descriptor: { kind: 'value', hop: 0, window: 0, target: false, cohort: false },
  })
  const value = (block: FeatureColumn['block'], slot: number) =>
    computeFeatures(neighbourhood, [column(block, slot)], { key: Int32Array.of(0), anchor: Int32Array.of(0) })[0]
  const counts = { op: 'counts', stream: 0, day: DAY } as const
  t.equal(value(counts, COUNTS.count1), 2, 'the row at the anchor counts, the one at the boundary does not')
  t.equal(value(counts, COUNTS.count3), 4)
  t.equal(value(counts, COUNTS.count), 4)
  t.equal(value(counts, COUNTS.recency), 0)
  t.equal(value(counts, COUNTS.age), 2.5)
  t.equal(value(counts, COUNTS.gap), 75 / 3 / 30)
  const amount = { op: 'signal', stream: 0, signal: { kind: 'channel', channel: 0 } } as const
  t.equal(value(amount, SIGNAL.sum1), 30)
  t.equal(value(amount, SIGNAL.sum), 70)
  t.equal(value(amount, SIGNAL.mean), 70 / 3)
  t.equal(value(amount, SIGNAL.last), 10)
  t.equal(value(amount, SIGNAL.slope), -15)
  const sum: TargetSpec = { leaves: [SHOP_TARGET.leaves[0]], program: { op: 'leaf', leaf: 0 }, assuming: null }
  const lag = { op: 'lag', target: sum, constants: new Float64Array(0) } as const
  t.same(
    [0, 1, 2, 3].map(k => value(lag, k)),
    [30, 40, 0, 0],
    'sums of (a - kH, a - (k-1)H]; the 4th window saw the entity come',
  )
  t.ok(Number.isNaN(value(lag, 4)), 'before the entity there is no label')
  t.equal(value(lag, LAG.valid), 4)
  t.equal(value(lag, LAG.median), 15)
  t.equal(value(lag, LAG.max), 40)
  t.equal(value(lag, LAG.mean3), 70 / 3)
  const priors = { mean3: Float64Array.of(5), mean10: Float64Array.of(5) }
  const shrunk = computeFeatures(
    neighbourhood,
    [column(lag, LAG.mean3)],
    { key: Int32Array.of(0), anchor: Int32Array.of(0) },
    priors,
  )
  t.equal(shrunk[0], (70 + 2 * 5) / 5, 'shrunk by two pseudo rows of the cohort')
})

t.test('the program follows SQL in three-valued logic', async t => {
  const r = random(9)
  const int = (n: number) => Math.floor(r() * n)
  const value = () => (r() < 0.25 ? null : int(3))
  const build = (depth: number): TargetProgram => {
    const leaf = int(3)
    const pick = depth > 0 ? int(8) : 3 + int(5)
    if (pick === 0 || pick === 1)
      return { op: pick === 0 ? 'and' : 'or', items: Array.from({ length: 1 + int(3) }, () => build(depth - 1)) }
    if (pick === 2) return { op: 'not', item: build(depth - 1) }
    const compare = (['=', '<>', '<', '<=', '>', '>='] as const)[int(6)]
    if (pick === 3 || pick === 4) return { op: 'compare', compare, leaf, constant: int(3) }
    if (pick === 5) return { op: 'in', negated: r() < 0.5, leaf, constants: [int(3), int(3)] }
    if (pick === 6) return { op: 'between', negated: r() < 0.5, leaf, low: int(3), high: int(3) }
    return { op: 'null', negated: r() < 0.5, leaf }
  }
  for (let i = 0; i < 3000; i++) {
    const program = build(3)
    const leaves = [value(), value(), value()]
    const constants = [value(), value(), value()]
    const got = evaluate(
      program,
      Float64Array.from(leaves, v => v ?? Number.NaN),
      Float64Array.from(constants, v => v ?? Number.NaN),
    )
    const expected = slowProgram(program, leaves, constants)
    if (!(expected === null ? Number.isNaN(got) : got === expected)) {
      t.fail(`${JSON.stringify({ program, leaves, constants })} is ${got}, not ${expected}`)
      return
    }
  }
  t.pass('3,000 random programs')
})

t.test('a task without a horizon gets no windows, and no infinities', async t => {
  const world = copy(shop(5, 30))
  for (const row of world.rows[0]) for (let k = 1; k < row.v.length; k++) row.v[k] = null
  const neighbourhood = decode(world)
  const columns = planOf(neighbourhood)
  t.ok(columns.length > 50)
  t.notOk(columns.some(({ descriptor }) => [1, 3, 10].includes(descriptor.window) && descriptor.kind !== 'encoded'))
  const x = computeFeatures(neighbourhood, columns, everyPair(neighbourhood, [0]))
  t.notOk(x.includes(Number.POSITIVE_INFINITY) || x.includes(Number.NEGATIVE_INFINITY))
})

t.test('horizons are those of each anchor', async t => {
  const world = copy(shop(6, 20))
  world.rows[0] = world.rows[0].map((row, a) => anchorRow(row.t, a % 2 === 0 ? HORIZON : 10 * DAY))
  compareAll(t, world, 'horizons that change from anchor to anchor')
})
