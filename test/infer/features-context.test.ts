// A prepared context: rows, as-of encodings, cohorts, the choice of columns.

import t from 'tap'
import { NULL_CODE } from '../../src/infer/decode/neighbourhood.js'
import { cohortPercentiles, groupByAnchor, percentile, sortedValues } from '../../src/infer/features/cohort.js'
import { computeFeatures } from '../../src/infer/features/compute.js'
import { closedAfter, prepareContext } from '../../src/infer/features/context.js'
import { fitEncoder } from '../../src/infer/features/encoder.js'
import { createRanker } from '../../src/infer/features/rank.js'
import { bestColumns, scoreColumns } from '../../src/infer/features/select.js'
import { ANCHORS, anchorRow, copy, DAY, decode, HORIZON, NOW, PAIRS, random, shop } from './features-synthetic.js'

t.test('rows come newest anchor first, then as sent, without those that have no label', async t => {
  const world = copy(shop(21, 50))
  world.rows[PAIRS].reverse()
  world.rows[PAIRS][3].v[0] = null
  const neighbourhood = decode(world)
  const { batch } = prepareContext(neighbourhood, { rows: 10_000 })
  const expected = world.rows[PAIRS].filter(row => row.c[1] === 0 && row.v[0] !== null)
  const sorted = [2, 3, 4, 5, 6, 7].flatMap(a => expected.filter(row => row.c[0] === a))
  t.equal(batch.rows, sorted.length)
  t.same(
    [...batch.y],
    sorted.map(row => row.v[0]),
  )
  t.same(
    [...batch.anchor],
    sorted.map(row => row.c[0]! - 2),
  )
  t.same(
    [...batch.age],
    sorted.map(row => row.c[0]! - 1),
    'ages in horizons before the reference anchor',
  )
  t.equal(batch.x.length, batch.rows * batch.columns.length)
  t.ok(batch.columns.length > 20 && batch.columns.length <= 150)
  t.ok(batch.columns.some(column => column.cohort) && batch.columns.some(column => !column.cohort))
  const fewer = prepareContext(neighbourhood, { rows: 40 })
  t.equal(fewer.batch.rows, 40)
  t.same(
    [...fewer.batch.y],
    sorted.slice(0, 40).map(row => row.v[0]),
  )
})

t.test('a context keeps raw columns as they are computed, and percentiles of its own anchors', async t => {
  const neighbourhood = decode(shop(22, 60))
  const { batch, columns } = prepareContext(neighbourhood, { rows: 10_000 })
  const { pairs } = neighbourhood
  const order = Array.from({ length: pairs.count }, (_, i) => i)
    .filter(i => pairs.role[i] === 0)
    .sort((a, b) => pairs.anchor[a] - pairs.anchor[b] || a - b)
  const set = { key: Int32Array.from(order, i => pairs.key[i]), anchor: Int32Array.from(order, i => pairs.anchor[i]) }
  const plain = computeFeatures(neighbourhood, columns, set)
  const n = batch.rows
  let compared = 0
  columns.forEach(({ block, descriptor, slot }, c) => {
    if (block.op === 'encoded' || (block.op === 'lag' && (slot === 11 || slot === 12))) return
    compared++
    const raw = plain.subarray(c * n, (c + 1) * n)
    for (let i = 0; i < n; i += 11) {
      const got = batch.x[c * n + i]
      if (!descriptor.cohort) {
        if (!Object.is(got, raw[i])) t.fail(`column ${c} row ${i}`)
        continue
      }
      const peers = [...raw].filter((value, j) => set.anchor[j] === set.anchor[i] && !Number.isNaN(value))
      const below = peers.filter(value => value < raw[i]).length
      const equal = peers.filter(value => value === raw[i]).length
      const expected = Number.isNaN(raw[i]) || peers.length < 5 ? Number.NaN : (below + equal / 2) / peers.length
      if (!(Number.isNaN(expected) ? Number.isNaN(got) : Math.abs(got - expected) < 1e-12))
        t.fail(`percentile ${c} row ${i}: ${got}, not ${expected}`)
    }
  })
  t.ok(compared > 20, `${compared} columns compared`)
})

t.test('percentiles are mid-ranks; small anchors borrow from older ones only', async t => {
  const sorted = sortedValues(Float64Array.of(3, Number.NaN, 1, 2, 2, 5), 0, 6)
  t.same([...sorted], [1, 2, 2, 3, 5])
  t.equal(percentile(sorted, 2), 0.4)
  t.equal(percentile(sorted, 0), 0)
  t.equal(percentile(sorted, 9), 1)
  t.ok(Number.isNaN(percentile(sorted, Number.NaN)))
  t.ok(Number.isNaN(percentile(sorted.subarray(0, 4), 2)), 'four values are too few')
  const anchor = Int32Array.from([...Array(4).fill(2), ...Array(3).fill(3), ...Array(12).fill(5), ...Array(2).fill(6)])
  const cohorts = groupByAnchor(anchor)
  t.same([...cohorts.start], [0, 4, 7, 19, 21])
  t.same([...cohorts.end], [19, 19, 19, 19], 'pooled to at least ten; the oldest has none to borrow from')
  const x = Float64Array.from({ length: 21 }, (_, i) => i)
  const out = new Float64Array(21)
  cohortPercentiles(x, 0, cohorts, out, 0)
  t.equal(out[0], 0.5 / 19)
  t.equal(out[7], 0.5 / 12)
  t.ok(Number.isNaN(out[20]))
})

t.test('encodings see only windows that were closed at the row', async t => {
  const r = random(4)
  const anchor = Int32Array.from({ length: 300 }, () => Math.floor(r() * 8)).sort()
  const codes = Int32Array.from(anchor, () => (r() < 0.1 ? NULL_CODE : Math.floor(r() * 4)))
  const y = Float64Array.from(anchor, () => (r() < 0.4 ? 1 : 0))
  for (const strides of [1, 2, 3]) {
    const { asOf, encoder } = fitEncoder(codes, anchor, y, strides, NULL_CODE)
    const slow = (code: number, closed: (i: number) => boolean): number => {
      const rows = [...y.keys()].filter(closed)
      if (rows.length === 0) return Number.NaN
      const mean = rows.reduce((a, i) => a + y[i], 0) / rows.length
      const same = rows.filter(i => codes[i] === code && code !== NULL_CODE)
      return (same.reduce((a, i) => a + y[i], 0) + 10 * mean) / (same.length + 10)
    }
    const close = (a: number, b: number) => (Number.isNaN(a) ? Number.isNaN(b) : Math.abs(a - b) < 1e-12)
    t.ok(
      asOf.every((value, i) =>
        close(
          value,
          slow(codes[i], j => anchor[j] >= anchor[i] + strides),
        ),
      ),
      `${strides} strides`,
    )
    for (const code of [0, 1, 2, 3, 77, NULL_CODE])
      t.ok(
        close(
          encoder.value(code),
          slow(code, () => true),
        ),
      )
    // a newer label is nothing to an older row
    const other = y.map((value, i) => (anchor[i] < 3 ? 1 - value : value))
    const again = fitEncoder(codes, anchor, other, strides, NULL_CODE).asOf
    t.ok(again.every((value, i) => anchor[i] + strides < 3 || Object.is(value, asOf[i])))
  }
})

t.test('how many strides close a window is read off the anchors', async t => {
  const strides = (offsets: number[]) => {
    const world = copy(shop(23, 10))
    world.rows[ANCHORS] = [NOW, ...offsets.map(days => NOW - days * DAY)].map(time => anchorRow(time))
    world.rows[PAIRS].length = 0
    return closedAfter(decode(world))
  }
  t.equal(strides([0, 30, 60, 90, 120]), 1)
  t.equal(strides([0, 31, 59, 90, 120]), 1, 'months of 28 and 31 days')
  t.equal(strides([0, 60, 90, 120, 150]), 2, 'a window that starts later closes later')
  t.equal(strides([0, 30, 40, 50, 60]), 3, 'a stride of a third')
  t.equal(strides([0, 30]), 1)
})

t.test('columns are chosen by rank correlation, or by being missing', async t => {
  const r = random(8)
  const n = 500
  const y = Float64Array.from({ length: n }, () => (r() < 0.3 ? 1 : 0))
  const noise = Float64Array.from(y, () => r())
  const strong = Float64Array.from(y, value => Math.exp(10 * (value + r())))
  const holes = Float64Array.from(y, value => (value === 1 && r() < 0.8 ? Number.NaN : 1 + Math.floor(r() * 2)))
  const x = new Float64Array(7 * n)
  x.set(noise, 0)
  x.set(strong, n)
  x.fill(3, 2 * n, 3 * n)
  x.set(strong, 3 * n)
  x.set(holes, 4 * n)
  x.fill(Number.NaN, 5 * n, 6 * n)
  x.set(
    strong.map(value => -value),
    6 * n,
  )
  const scores = scoreColumns(x, 7, y)
  t.ok(scores[0] >= 0 && scores[0] < 0.15)
  t.ok(scores[1] > 0.7)
  t.same([scores[2], scores[3], scores[5]], [-1, -1, -1], 'constant, copy, missing')
  t.ok(scores[4] > 0.35, 'missing says something')
  t.equal(scores[6], scores[1], 'the sign does not matter')
  t.same([...bestColumns(scores, 2)], [1, 6])
  t.same([...bestColumns(Float64Array.of(0.5, -1, 0.5, 0.5), 2)], [0, 2], 'ties by order')

  // ranks against their definition
  const values = Float64Array.from({ length: 400 }, () =>
    r() < 0.1 ? Number.NaN : Math.round((r() - 0.5) * 40) * 10 ** Math.floor(r() * 4),
  )
  values[0] = 0
  values[1] = -0
  const ranks = new Float64Array(400)
  createRanker(400).rank(values, 0, ranks)
  const present = [...values].filter(value => !Number.isNaN(value))
  const slow = values.map(v => present.filter(w => w < v).length + (present.filter(w => w === v).length - 1) / 2)
  t.same([...ranks], [...slow.map((v, i) => (Number.isNaN(values[i]) ? Number.NaN : v))])
})

t.test('an empty context is an answer too', async t => {
  const world = copy(shop(24, 12))
  world.rows[PAIRS].length = 0
  const neighbourhood = decode(world)
  const prepared = prepareContext(neighbourhood, { rows: 1000 })
  t.equal(prepared.batch.rows, 0)
  t.equal(prepared.batch.columns.length, 0)
  t.equal(prepared.encode(neighbourhood).rows, 2)
})

t.test('queries are ranked in the reference population', async t => {
  const neighbourhood = decode(shop(25, 80, { scored: 5 }))
  const { columns, encode } = prepareContext(neighbourhood, { rows: 10_000 })
  const { pairs, scored } = neighbourhood
  const role1 = Array.from({ length: pairs.count }, (_, i) => i).filter(i => pairs.role[i] === 1)
  const reference = computeFeatures(neighbourhood, columns, {
    key: Int32Array.from(role1, i => pairs.key[i]),
    anchor: Int32Array.from(role1, i => pairs.anchor[i]),
  })
  const own = computeFeatures(neighbourhood, columns, { key: scored.key, anchor: new Int32Array(5) })
  const { x } = encode(neighbourhood)
  let compared = 0
  columns.forEach(({ block, descriptor }, c) => {
    if (block.op === 'lag' || !descriptor.cohort) return
    compared++
    const sorted = sortedValues(reference, c * role1.length, (c + 1) * role1.length)
    for (let i = 0; i < 5; i++)
      t.ok(Object.is(x[c * 5 + i], percentile(sorted, own[c * 5 + i])) || t.fail(`column ${c}`))
  })
  t.ok(compared > 10)
})

t.test('memory, used channels and sign of the target', async t => {
  const world = shop(26, 50)
  const neighbourhood = decode(world)
  const prepared = prepareContext(neighbourhood, { rows: 10_000 })
  t.ok(prepared.bytes >= prepared.batch.x.byteLength)
  t.equal(prepared.batch.nonNegative, false, 'a condition has no sign')
  const { usedChannels } = prepared
  t.equal(usedChannels.streams.length, 5)
  // leaving out what is not used changes no query
  const lean = copy(world)
  world.spec.streams.forEach((_, s) => {
    const part = 4 + world.spec.nodes.length + s
    const used = usedChannels.streams[s]
    if (!used.rows) lean.rows[part].length = 0
    for (const row of lean.rows[part]) {
      row.v = row.v.map((v, c) => (used.numbers.has(c) ? v : null))
      row.c = row.c.map((v, c) => (used.codes.has(c) ? v : null))
    }
  })
  world.spec.nodes.forEach((_, n) => {
    const used = usedChannels.nodes[n]
    for (const row of lean.rows[4 + n]) {
      row.v = row.v.map((v, c) => (used.numbers.has(c) ? v : null))
      row.c = row.c.map((v, c) => (used.codes.has(c) ? v : null))
    }
  })
  t.same([...prepared.encode(decode(lean)).x], [...prepared.encode(neighbourhood).x])

  const numeric = { spec: { ...world.spec, task: 'numeric' as const }, rows: copy(world).rows }
  t.equal(prepareContext(decode(numeric), { rows: 1000 }).batch.nonNegative, true)
  for (const row of numeric.rows[PAIRS]) if (row.v[0] === 1) row.v[0] = -3
  t.equal(prepareContext(decode(numeric), { rows: 1000 }).batch.nonNegative, false)
  t.equal(HORIZON, 30 * DAY)
})
