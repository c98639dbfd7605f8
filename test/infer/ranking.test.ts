// What ranking reads out of events: items by number, who met what when, what is popular, what goes together, and what is offered.

import t from 'tap'
import { drain } from '../../src/infer/heads/stepped.js'
import { calendarAt, occurrencesOf } from '../../src/infer/ranking/calendar.js'
import { companionsAt } from '../../src/infer/ranking/companions.js'
import { createRankingDecoder, type RankingData } from '../../src/infer/ranking/decode.js'
import { catalogueOf, historiesOf } from '../../src/infer/ranking/histories.js'
import { createItems, inOrder } from '../../src/infer/ranking/items.js'
import { candidatesOf, mostCandidates, sceneAt } from '../../src/infer/ranking/moment.js'
import { orderLosses, surelyLess } from '../../src/infer/ranking/order.js'
import { createOwn, readOwn } from '../../src/infer/ranking/own.js'
import { pairHead } from '../../src/infer/ranking/pair-head.js'
import { rankingPipeline } from '../../src/infer/ranking/pipeline.js'
import { EVER, ONE, popularityAt } from '../../src/infer/ranking/popularity.js'

/** entity, time, item; times and horizon are small numbers. */
type Event = readonly [number, number, string]

const spec = { task: 'rank', parts: ['rows'], keys: 1, top: 3 } as const

function dataOf(
  events: readonly Event[],
  population: readonly number[],
  at = 100,
  listed: readonly string[] = [],
): RankingData {
  const items = createItems()
  const number = (text: string) => items.intern(Buffer.from(text), 0, text.length)
  const item = Int32Array.from(events, event => number(event[2]))
  const listedItems = Int32Array.from(listed, number)
  const both = (value: number) => Float64Array.of(value, value)
  return {
    spec,
    windows: {
      count: 2,
      time: both(at),
      from: both(at),
      to: both(at + 10),
      lastFrom: both(at - 50),
      lastTo: both(at - 40),
    },
    entities: 10,
    population: Int32Array.from(population),
    pairs: { entity: new Int32Array(0), anchor: new Int32Array(0) },
    scored: { count: 0, entity: new Int32Array(0), keys: [] },
    events: {
      count: events.length,
      entity: Int32Array.from(events, event => event[0]),
      time: Float64Array.from(events, event => event[1]),
      item,
      passes: new Uint8Array(events.length).fill(1),
    },
    items,
    itemType: 25,
    listed: listedItems,
    bytes: 0,
  }
}

t.test('equal bytes are one item, however many there are', async t => {
  const items = createItems()
  const values = Array.from({ length: 5000 }, (_, i) => Buffer.from(`item ${i % 2500}`))
  const numbers = values.map(value => items.intern(value, 0, value.length))
  t.equal(items.count, 2500)
  t.strictSame(numbers.slice(0, 2500), numbers.slice(2500))
  t.equal(items.find(Buffer.from('item 17')), 17)
  t.equal(items.find(Buffer.from('item 99999')), -1)
  t.equal(Buffer.from(items.value(42)).toString(), 'item 42')
  t.strictSame(
    inOrder(items, [3, 2, 20]).map(i => Buffer.from(items.value(i)).toString()),
    ['item 2', 'item 20', 'item 3'],
  )
})

const events: readonly Event[] = [
  [0, 95, 'b'],
  [0, 20, 'a'],
  [0, 96, 'a'],
  [1, 55, 'a'],
  [1, 97, 'c'],
  [1, 120, 'd'],
  [2, 99, 'e'],
]

t.test('numbers of items follow their bytes, whatever order their rows come in, and strangers come last', async t => {
  for (const shuffled of [events, [...events].reverse()]) {
    const data = dataOf(shuffled, [0, 1], 100, ['z'])
    const catalogue = drain(catalogueOf(data, 100))
    const names = Array.from({ length: catalogue.items.count }, (_, i) =>
      Buffer.from(catalogue.items.value(i)).toString(),
    )
    t.strictSame(names, ['a', 'b', 'c', 'z'], 'of the population by the cell, and of their own table')
    const histories = drain(historiesOf(data, catalogue))
    t.strictSame(
      histories.strangers.map(value => Buffer.from(value).toString()),
      ['d', 'e'],
    )
    t.strictSame([...histories.item.subarray(histories.ptr[0], histories.ptr[1])], [0, 1, 0])
    t.strictSame([...histories.before.subarray(0, 3)], [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 20])
  }
})

t.test('popularity counts entities, in windows that end at the anchor', async t => {
  const data = dataOf(events, [0, 1])
  const catalogue = drain(catalogueOf(data, 100))
  const histories = drain(historiesOf(data, catalogue))
  const { met, active, season, again, bins } = drain(popularityAt(histories, data.population, data.windows, 0, 3))
  t.strictSame([...met[ONE]], [1, 1, 1], 'within ten')
  t.strictSame([...met[EVER]], [2, 1, 1], 'ever')
  t.strictSame(active, [0, 2, 2, 2, 2], 'entities that met anything, from a quarter of the window to ever')
  t.strictSame([...season], [1, 0, 0], 'in the window a year ago')
  t.equal(again[0], 1 / 3)
  t.equal(bins[0], 1 + 2 ** 4 + 2 ** 8)
})

t.test(
  'what the same entities met goes together; an entity is offered its own, the popular, and what goes with its own',
  async t => {
    const rows: Event[] = []
    for (let e = 0; e < 9; e++) for (const item of e < 5 ? ['p', 'q'] : ['x', 'y']) rows.push([e, 90 + (e % 5), item])
    rows.push([9, 91, 'p'], [9, 101, 'x'])
    const data = dataOf(rows, [0, 1, 2, 3, 4, 5, 6, 7, 8])
    const catalogue = drain(catalogueOf(data, 100))
    const histories = drain(historiesOf(data, catalogue))
    const order = Int32Array.of(0, 1, 2, 3)
    const { likeness } = drain(companionsAt(histories, data.population, 100, order))
    t.ok(likeness[0 * 4 + 1] > 0.3 && likeness[0 * 4 + 2] === 0 && likeness[0] === 0)
    const occurrences = drain(occurrencesOf(histories, data.population, 4, 10))
    const scene = drain(sceneAt({ ...data, histories, items: 4, occurrences }, 0, false))
    const own = createOwn(4)
    readOwn(own, histories, 9, scene, scene.companions)
    t.strictSame(own.met, [0], 'nothing after the anchor')
    t.strictSame(own.near, [1])
    const out = new Int32Array(mostCandidates(scene))
    const n = candidatesOf(own, scene, new Int32Array(4).fill(-1), out)
    t.strictSame([...out.subarray(0, n)].sort(), [1, 2, 3], 'nobody meets anything twice here, so neither will they')
  },
)

t.test('a calendar tells when items came and when they are due, by what had come before the anchor alone', async t => {
  const rows: Event[] = [10, 40, 70].flatMap(time => [[0, time, 'a'] as const, [1, time + 0.2, 'a'] as const])
  const data = dataOf([...rows, [1, 55, 'b'], [0, 130, 'a']], [0, 1], 95)
  const histories = drain(historiesOf(data, drain(catalogueOf(data, 100))))
  const occurrences = drain(occurrencesOf(histories, data.population, 2, 10))
  t.strictSame([...occurrences.time], [10, 40, 70, 130, 55], 'meetings close together are one occurrence')
  const { years, anniversary, due, next, regular } = calendarAt(occurrences, data.windows, 0)
  t.strictSame([...years], [0, 1], 'b came in (45, 55], fifty before the window')
  t.strictSame([...anniversary], [1.5, 0], '120 is 15 after the end of (95, 105]')
  t.strictSame([due[0], next[0], regular[0]], [25 / 30, 0.5, 1], 'every 30: the next at 100')
  t.ok(Number.isNaN(due[1]), 'once says nothing of twice')
})

t.test('the order of lists counts what was left out, and one anchor is one trial', async t => {
  const y = Float64Array.of(1, 0, 1, 0, 1, 0)
  const [list, anchor] = [Int32Array.of(0, 0, 1, 1, 2, 2), Int32Array.of(0, 0, 0, 0, 1, 1)]
  const scores = Float64Array.of(2, 1, 1, 2, 1, 2)
  t.strictSame([...orderLosses(scores, y, anchor, { list, rate: 1 })], [0.25, 0.5])
  t.strictSame(
    [...orderLosses(scores, y, anchor, { list, rate: 0.5 })].map(loss => loss.toFixed(6)),
    ['0.333333', '0.666667'],
    'one stands for two',
  )
  t.ok(surelyLess(Float64Array.of(0.1, 0.2, 0.1), Float64Array.of(0.2, 0.3, 0.2)))
  t.notOk(surelyLess(Float64Array.of(0.1, 0.2, 0.4), Float64Array.of(0.4, 0.2, 0.2)), 'luck on one anchor')
})

/** Items that come round, each after a time of its own; everybody meets most of those that come. */
function rota(at: number): { data: RankingData; due: Set<string> } {
  const periods = [43, 53, 67, 79, 97, 61, 89, 49]
  const rows: Event[] = []
  const due = new Set<string>()
  for (const [j, period] of periods.entries())
    for (const copy of [0, 1, 2])
      for (let time = 3 + ((j * 17 + copy * 31) % period); time <= at + 10; time += period) {
        const item = `${copy}${j}`
        if (time > at) due.add(item)
        else for (let e = 0; e < 12; e++) if ((e * 7 + time * 3 + j) % 10 > 0) rows.push([e, time + e / 100, item])
      }
  const everybody = Array.from({ length: 12 }, (_, e) => e)
  const base = dataOf(rows, everybody, at)
  const times = Float64Array.from({ length: 42 }, (_, a) => (a < 2 ? at : at - 10 * (a - 1)))
  const shifted = (by: number) => times.map(time => time + by)
  const windows = {
    count: times.length,
    time: times,
    from: times,
    to: shifted(10),
    lastFrom: shifted(-365),
    lastTo: shifted(-355),
  }
  const pairs = Array.from({ length: 40 * 12 }, (_, i) => [i % 12, 2 + Math.floor(i / 12)] as const)
  const key = Buffer.alloc(12 * 8)
  for (const e of everybody) {
    key.writeInt32BE(4, e * 8)
    key.writeInt32BE(e, e * 8 + 4)
  }
  const keys = [{ type: 23, elements: key, starts: Int32Array.from({ length: 13 }, (_, e) => e * 8) }]
  const data: RankingData = {
    ...base,
    spec: { ...spec, top: due.size },
    windows,
    entities: 12,
    pairs: { entity: Int32Array.from(pairs, p => p[0]), anchor: Int32Array.from(pairs, p => p[1]) },
    scored: { count: 12, entity: Int32Array.from(everybody), keys },
  }
  return { data, due }
}

t.test('what comes round is listed when it is due, whatever was popular lately', async t => {
  let [hits, places] = [0, 0]
  for (const at of [700, 717, 735, 751]) {
    const { data, due } = rota(at)
    const accounts = { watch: {}, account: { take() {}, give() {} } } as never
    const options = { seed: 1, mode: 'normal' } as never
    const answer = drain(drain(rankingPipeline.fit(data, options, accounts)).answer(data, options, accounts))
    const item = new Map(answer).get('item')!
    for (let r = 0; r < item.readInt32BE(12); r++, places++)
      if (due.has(item.toString('utf8', 24 + 6 * r, 26 + 6 * r))) hits++
  }
  t.ok(hits / places > 0.95, `${hits} of ${places} places`)
})

t.test('the head learns what a line cannot say, and answers each row by itself', async t => {
  const rows = 4000
  const random = (i: number) => ((Math.imul(i + 1, 0x9e3779b1) >>> 8) % 10_007) / 10_007
  const x = Float64Array.from({ length: 2 * rows }, (_, i) => random(i))
  const y = Float64Array.from({ length: rows }, (_, r) => (x[r] > 0.5 === x[rows + r] > 0.5 ? 1 : 0))
  const describe = { kind: 'value', hop: 1, window: 0, target: false, cohort: false } as const
  const anchor = Int32Array.from({ length: rows }, (_, r) => Math.floor(r / 500))
  const fitted = pairHead.fit(
    {
      task: 'binary',
      rows,
      columns: [describe, describe],
      x,
      y,
      anchor,
      age: Float64Array.from(anchor, a => a + 1),
      nonNegative: true,
    },
    { seed: 1, mode: 'normal' },
  )
  const all = fitted.predict({ rows, x })
  const one = fitted.predict({ rows: 1, x: Float64Array.of(x[77], x[rows + 77]) })
  if (all.task !== 'binary' || one.task !== 'binary') throw new Error('not binary')
  t.equal(one.probability[0], all.probability[77])
  const right = y.filter((label, r) => label > 0.5 === all.probability[r] > 0.5).length
  t.ok(right / rows > 0.9, `${right} of ${rows}`)
})

t.test('bytes that are no extraction are an error, never a crash', async t => {
  for (let n = 0; n < 200; n++) {
    const bytes = Buffer.from(Array.from({ length: n }, (_, i) => (i * 37 + n * 11) & 255))
    if (n > 2) bytes.writeInt16BE(7, 0)
    t.throws(() => createRankingDecoder(spec).push(bytes), { code: 'XX000' }, `${n} bytes`)
  }
})
