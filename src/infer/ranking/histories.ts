// Who met what, entity by entity in order of time, with items under the numbers that a context gave them.

import type { Events, RankingData } from './decode.js'
import { createItems, type Items, inOrder } from './items.js'

/** The items of a context, numbered in order of their bytes, so that ties fall the same way whoever is asked about. */
export interface Catalogue {
  readonly items: Items
  readonly type: number
}

/** Events of entity e are ptr[e] … ptr[e + 1] - 1, by time, then item. */
export interface Histories {
  readonly ptr: Int32Array
  readonly time: Float64Array
  readonly item: Int32Array
  readonly passes: Uint8Array
  /** When the same entity last met the same item before, counting events that pass; -Infinity: never. */
  readonly before: Float64Array
  /** Item numbers are below this: those of the catalogue, then those that only entities asked about have met. */
  readonly items: number
  /** Values of the latter, by number less the catalogue's count. */
  readonly strangers: readonly Uint8Array[]
}

/** Items that the population met by `until`, and those listed. */
export function* catalogueOf(data: RankingData, until: number): Generator<void, Catalogue, void> {
  const { events, items } = data
  const counts = new Uint8Array(data.entities)
  for (const entity of data.population) counts[entity] = 1
  const wanted = new Uint8Array(items.count)
  for (let i = 0; i < events.count; i++)
    if (counts[events.entity[i]] === 1 && events.time[i] <= until) wanted[events.item[i]] = 1
  for (const item of data.listed) wanted[item] = 1
  yield
  const numbers: number[] = []
  for (let item = 0; item < wanted.length; item++) if (wanted[item] === 1) numbers.push(item)
  const sorted = inOrder(items, numbers)
  yield
  const kept = createItems()
  for (const item of sorted) {
    const value = items.value(item)
    kept.intern(value, 0, value.length)
  }
  return { items: kept, type: data.itemType }
}

export function* historiesOf(data: RankingData, catalogue: Catalogue): Generator<void, Histories, void> {
  const { events, items } = data
  const known = catalogue.items.count
  const number = new Int32Array(items.count)
  const strange: number[] = []
  for (let item = 0; item < number.length; item++) {
    number[item] = catalogue.items.find(items.value(item))
    if (number[item] < 0) strange.push(item)
  }
  const strangers = inOrder(items, strange)
  for (const [i, item] of strangers.entries()) number[item] = known + i
  yield
  const { ptr, order } = byEntity(events, data.entities)
  yield
  const size = order.length
  const time = new Float64Array(size)
  const item = new Int32Array(size)
  const passes = new Uint8Array(size)
  for (let i = 0; i < size; i++) {
    time[i] = events.time[order[i]]
    item[i] = number[events.item[order[i]]]
    passes[i] = events.passes[order[i]]
  }
  yield
  let sorted = 0
  for (let e = 0; e < data.entities; e++) {
    sortSpan(time, item, passes, ptr[e], ptr[e + 1])
    sorted += ptr[e + 1] - ptr[e]
    if (sorted > 20_000) {
      sorted = 0
      yield
    }
  }
  const total = known + strangers.length
  const before = new Float64Array(size)
  const latest = new Float64Array(total)
  const owner = new Int32Array(total).fill(-1)
  for (let e = 0; e < data.entities; e++) {
    for (let i = ptr[e]; i < ptr[e + 1]; i++) {
      const j = item[i]
      before[i] = owner[j] === e ? latest[j] : Number.NEGATIVE_INFINITY
      if (passes[i] === 0) continue
      owner[j] = e
      latest[j] = time[i]
    }
  }
  yield
  return { ptr, time, item, passes, before, items: total, strangers: strangers.map(i => items.value(i)) }
}

/** A counting sort. */
function byEntity({ entity, count }: Events, entities: number): { ptr: Int32Array; order: Int32Array } {
  const ptr = new Int32Array(entities + 1)
  for (let i = 0; i < count; i++) ptr[entity[i] + 1]++
  for (let e = 0; e < entities; e++) ptr[e + 1] += ptr[e]
  const next = ptr.slice(0, entities)
  const order = new Int32Array(count)
  for (let i = 0; i < count; i++) order[next[entity[i]]++] = i
  return { ptr, order }
}

/** Sorts one entity's events by time, then item, then those that pass first. */
function sortSpan(time: Float64Array, item: Int32Array, passes: Uint8Array, from: number, to: number): void {
  const n = to - from
  if (n < 2) return
  const order = Uint32Array.from({ length: n }, (_, i) => from + i)
  order.sort((a, b) => time[a] - time[b] || item[a] - item[b] || passes[b] - passes[a])
  const times = Float64Array.from(order, i => time[i])
  const names = Int32Array.from(order, i => item[i])
  const flags = Uint8Array.from(order, i => passes[i])
  time.set(times, from)
  item.set(names, from)
  passes.set(flags, from)
}

/** The first event of `entity` later than `time`, or its end. */
export function endAt({ ptr, time }: Pick<Histories, 'ptr' | 'time'>, entity: number, at: number): number {
  let low = ptr[entity]
  let high = ptr[entity + 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (time[middle] <= at) low = middle + 1
    else high = middle
  }
  return low
}

/** Events of `entity` in (from, to] that pass. */
export function metIn(histories: Histories, entity: number, from: number, to: number): number {
  let met = 0
  for (let i = endAt(histories, entity, from), end = endAt(histories, entity, to); i < end; i++)
    met += histories.passes[i]
  return met
}
