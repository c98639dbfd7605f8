// Which number channels become features: lengths of categories and of names do not, serials that only repeat the time do not.

import t from 'tap'
import type { NumberChannel } from '../../src/graph/neighbourhood.js'
import { prepareContext } from '../../src/infer/features/context.js'
import { planFeatures } from '../../src/infer/features/plan.js'
import { decode, HORIZON, NOW, random, shop, streamPart, type World } from './features-synthetic.js'

const channel = (kind: NumberChannel['kind'], table: string, column: string): NumberChannel => ({
  kind,
  source: { table, column, hop: 1 },
  own: true,
  trusted: false,
})

/** The shop with further columns of orders: a value from the row's place in order of time, its time, and chance. */
function withOrders(
  columns: { kind: NumberChannel['kind']; column: string; value: (i: number, t: number) => number | null }[],
): World {
  const world = shop(3, 60)
  const stream = world.spec.streams[0]
  const rows = world.rows[streamPart(world, 0)]
  const order = [...rows.keys()].sort((a, b) => rows[a].t - rows[b].t)
  order.forEach((row, i) => {
    rows[row] = { ...rows[row], v: [...rows[row].v, ...columns.map(c => c.value(i, rows[row].t))] }
  })
  const numbers = [...stream.numbers, ...columns.map(c => channel(c.kind, 'orders', c.column))]
  return {
    ...world,
    spec: { ...world.spec, streams: world.spec.streams.map((s, i) => (i === 0 ? { ...s, numbers } : s)) },
  }
}

const planOf = (world: World) => {
  const neighbourhood = decode(world)
  const { pairs } = neighbourhood
  return planFeatures(neighbourhood, {
    context: { key: pairs.key, anchor: pairs.anchor },
    cut: NOW - HORIZON,
    setAside: () => false,
  })
}
const kindsOf = (world: World, column: string) =>
  planOf(world)
    .filter(c => c.sources.some(s => s.column === column))
    .map(c => c.descriptor.kind)

t.test('a serial that grows with time is no number; years, prices and readings of many meters are', async t => {
  const r = random(5)
  const world = withOrders([
    { kind: 'number', column: 'basket_id', value: i => 31_000_000_000 + Math.floor(i / 3) * 7 },
    { kind: 'number', column: 'descending', value: i => -i },
    { kind: 'number', column: 'year', value: (_, time) => Math.floor(time / (365 * 86_400_000_000)) },
    { kind: 'number', column: 'price_index', value: (_, time) => time / 1e15 },
    { kind: 'number', column: 'reading', value: i => Math.floor(i * (1 + r())) },
  ])
  t.same(kindsOf(world, 'basket_id'), [])
  t.same(kindsOf(world, 'descending'), [])
  for (const column of ['year', 'price_index', 'reading']) t.ok(kindsOf(world, column).length > 10, column)
  t.same(prepareContext(decode(world), { rows: 1000 }).setAside, [], 'nobody is told')
})

t.test('lengths: none of names and categories, of prose the mean and the newest', async t => {
  const r = random(6)
  const lengths = [
    { kind: 'size' as const, column: 'remark', value: () => 30 + Math.floor(r() * 200) },
    { kind: 'size' as const, column: 'name', value: () => 5 + Math.floor(r() * 9) },
    { kind: 'size' as const, column: 'colour', value: () => 3 + Math.floor(r() * 4) },
    { kind: 'size' as const, column: 'attributes', value: () => Math.floor(r() * 4) },
  ]
  const world = withOrders(lengths)
  const rows = world.rows[streamPart(world, 0)]
  rows.forEach((row, i) => {
    rows[i] = { ...row, c: [...row.c, i, i + 1, i % 7] }
  })
  const code = (column: string) => ({ ...channel('size', 'orders', column), kind: 'category' as const })
  const codes = [...world.spec.streams[0].codes, code('remark'), code('name'), code('colour')]
  const streams = world.spec.streams.map((s, i) => (i === 0 ? { ...s, codes } : s))
  const plan = planOf({ ...world, spec: { ...world.spec, streams } })
  const sizes = (column: string) =>
    plan
      .filter(({ block }) => {
        if (block.op !== 'signal' || block.stream !== 0 || block.signal.kind !== 'channel') return false
        return streams[0].numbers[block.signal.channel].source.column === column
      })
      .map(c => c.descriptor.kind)
      .sort()
  t.same(sizes('remark'), ['last', 'mean'])
  t.same(sizes('name'), [])
  t.same(sizes('colour'), [])
  t.same(sizes('attributes'), ['last', 'mean'], 'where nothing else is known of the column')
  t.ok(plan.some(c => c.block.op === 'signal' && c.block.signal.kind === 'level' && c.sources[0].column === 'colour'))
})
