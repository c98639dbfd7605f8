// A pair of entity and item as a row of numbers: what the entity has done with the item, what all do with it, what goes with it, and how
// busy the entity is. No item's or entity's name or number is among them.

import type { ColumnDescriptor } from '../head.js'
import type { Calendar } from './calendar.js'
import type { Companions } from './companions.js'
import type { At, Own } from './own.js'
import { EVER, ONE, type Popularity, QUARTER, TEN, THREE } from './popularity.js'

/** All that is known of items at one anchor. */
export interface Moment extends At {
  readonly popularity: Popularity
  readonly calendar: Calendar
  /** Place of an item by how many met it within one horizon. */
  readonly place: Int32Array
  readonly companions: Companions
}

const describe = (
  kind: ColumnDescriptor['kind'],
  hop: number,
  window = Number.POSITIVE_INFINITY,
): ColumnDescriptor => ({
  kind,
  hop,
  window,
  target: true,
  cohort: false,
})

/** How busy an entity is, in the order that `writeEntity` writes. */
export const entityColumns: readonly ColumnDescriptor[] = [
  describe('count', 1),
  describe('distinct', 1),
  describe('recency', 1),
  describe('age', 1),
  describe('count', 1, 1),
  describe('count', 1, 3),
  describe('mean', 1),
  describe('share', 1, 10),
]

/** In the order that `writePair` writes. */
export const pairColumns: readonly ColumnDescriptor[] = [
  // the entity with this item
  describe('count', 1),
  describe('count', 1),
  describe('recency', 1),
  describe('age', 1),
  describe('count', 1, 1),
  describe('count', 1, 3),
  describe('gap', 1),
  describe('ratio', 1),
  describe('share', 1),
  describe('recency', 1),
  describe('count', 1),
  describe('flag', 1),
  describe('ewma', 1, 3),
  describe('ewma', 1, 10),
  // everybody with this item
  describe('share', 2, 0.25),
  describe('share', 2, 1),
  describe('share', 2, 3),
  describe('share', 2, 10),
  describe('share', 2),
  describe('share', 2, 1),
  describe('ratio', 2, 1),
  describe('ratio', 2, 3),
  describe('recency', 2),
  describe('age', 2),
  describe('share', 2, 10),
  describe('count', 2, 3),
  describe('count', 2, 5),
  describe('count', 2, 10),
  describe('flag', 2, 1),
  describe('count', 2, 10),
  describe('level', 2, 1),
  // when it comes
  describe('count', 2),
  describe('gap', 2),
  describe('ratio', 2),
  describe('recency', 2),
  describe('ratio', 2),
  // what goes with it
  describe('sum', 3),
  describe('max', 3),
  describe('mean', 3),
  ...entityColumns,
]

const ratio = (a: number, b: number): number => (b > 0 ? a / b : Number.NaN)

/** Writes the row of the entity read into `own` to x[c …]. */
export function writeEntity(own: Own, at: At, x: Float64Array, from: number): void {
  let c = from
  x[c++] = own.visits
  x[c++] = own.met.length
  x[c++] = (at.time - own.last) / at.horizon
  x[c++] = (at.time - own.first) / at.horizon
  x[c++] = own.one
  x[c++] = own.three
  x[c++] = ratio(own.events, own.visits)
  x[c++] = ratio(own.repeats, own.recent)
}

/** Writes the row of (the entity read into `own`, `item`) to x[at …]. */
export function writePair(own: Own, item: number, moment: Moment, x: Float64Array, at: number): void {
  const { time, horizon, popularity, calendar } = moment
  const { items, affinity, turn } = own
  let c = at
  const mine = items.owner[item] === turn
  const met = mine && items.events[item] > 0
  x[c++] = met ? items.events[item] : 0
  x[c++] = met ? items.visits[item] : 0
  const since = met ? (time - items.last[item]) / horizon : Number.NaN
  x[c++] = since
  x[c++] = met ? (time - items.first[item]) / horizon : Number.NaN
  x[c++] = met ? items.one[item] : 0
  x[c++] = met ? items.three[item] : 0
  const gap =
    met && items.visits[item] > 1
      ? (items.last[item] - items.first[item]) / horizon / (items.visits[item] - 1)
      : Number.NaN
  x[c++] = gap
  x[c++] = since / gap
  x[c++] = met ? ratio(items.visits[item], own.visits) : 0
  x[c++] = met ? own.visits - items.visit[item] : Number.NaN
  x[c++] = mine ? items.failed[item] : 0
  x[c++] = met ? items.season[item] : 0
  x[c++] = met ? items.fading[item] : 0
  x[c++] = met ? items.lasting[item] : 0

  const known = item < popularity.first.length
  const share = (s: number): number => (known ? ratio(popularity.met[s][item], popularity.active[s]) : 0)
  const [quarter, one, three, ten, ever] = [share(QUARTER), share(ONE), share(THREE), share(TEN), share(EVER)]
  x[c++] = quarter
  x[c++] = one
  x[c++] = three
  x[c++] = ten
  x[c++] = ever
  x[c++] = known ? ratio(popularity.season[item], popularity.seasonActive) : 0
  x[c++] = ratio(one, three)
  x[c++] = ratio(three, ten)
  x[c++] = known ? finite((time - popularity.last[item]) / horizon) : Number.NaN
  x[c++] = known ? finite((time - popularity.first[item]) / horizon) : Number.NaN
  x[c++] = known ? popularity.again[item] : Number.NaN
  const bins = known ? popularity.bins[item] : 0
  x[c++] = bits(bins & 7)
  x[c++] = bits(bins & 31)
  x[c++] = bits(bins & 1023)
  x[c++] = bins & 1
  x[c++] = streak(bins)
  x[c++] = known ? moment.place[item] : Number.NaN

  x[c++] = known ? calendar.years[item] : Number.NaN
  x[c++] = known ? calendar.anniversary[item] : Number.NaN
  x[c++] = known ? calendar.due[item] : Number.NaN
  x[c++] = known ? calendar.next[item] : Number.NaN
  x[c++] = known ? calendar.regular[item] : Number.NaN

  const row = known ? moment.companions.row[item] : -1
  x[c++] = row < 0 ? 0 : affinity.sum[row]
  x[c++] = row < 0 ? 0 : affinity.most[row]
  x[c++] = row < 0 ? 0 : affinity.last[row]

  writeEntity(own, moment, x, c)
}

const finite = (value: number): number => (Number.isFinite(value) ? value : Number.NaN)

function bits(value: number): number {
  let n = 0
  for (let rest = value; rest > 0; rest &= rest - 1) n++
  return n
}

/** Horizons in a row up to now. */
const streak = (bins: number): number => 31 - Math.clz32(~bins & -~bins)
