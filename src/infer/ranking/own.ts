// What one entity has itself done up to an anchor: with each item it has met, and in all; and what its latest items go together with.

import { type Companions, LATEST } from './companions.js'
import { endAt, type Histories } from './histories.js'

/** Items' own pasts, by item number; valid where `owner` is the current turn. */
export interface OwnItems {
  readonly owner: Int32Array
  readonly events: Float64Array
  /** Distinct instants. */
  readonly visits: Float64Array
  readonly first: Float64Array
  readonly last: Float64Array
  /** Visits within one, and within three horizons. */
  readonly one: Float64Array
  readonly three: Float64Array
  /** Events in which the target's filter did not hold. */
  readonly failed: Float64Array
  /** How many visits of any kind came before the latest of these. */
  readonly visit: Float64Array
  readonly season: Uint8Array
  /** Visits, each halved for every three, and every ten horizons since. */
  readonly fading: Float64Array
  readonly lasting: Float64Array
}

/** How well each item goes with the entity's latest ones, by row of the companions. */
export interface Affinity {
  sum: Float64Array
  most: Float64Array
  /** With the items of the last visit alone. */
  last: Float64Array
}

export interface Own {
  /** The current turn. */
  turn: number
  readonly items: OwnItems
  readonly affinity: Affinity
  /** Items met (with an event that passes), latest first. */
  readonly met: number[]
  /** Items not met that go best with those met. */
  readonly near: number[]
  /** Distinct instants, all, and within one and three horizons. */
  visits: number
  one: number
  three: number
  /** Events that pass, and those among the last ten horizons' that met an item again. */
  events: number
  recent: number
  repeats: number
  first: number
  last: number
}

/** Items that go best with an entity's latest ones, as many as are looked at. */
export const NEAR = 80

/** Scratch for `items` items; one is read after the other. */
export function createOwn(items: number): Own {
  const floats = () => new Float64Array(items)
  const ints = () => new Int32Array(items).fill(-1)
  const own: OwnItems = {
    owner: ints(),
    events: floats(),
    visits: floats(),
    first: floats(),
    last: floats(),
    one: floats(),
    three: floats(),
    failed: floats(),
    visit: floats(),
    season: new Uint8Array(items),
    fading: floats(),
    lasting: floats(),
  }
  const none = new Float64Array(0)
  const affinity: Affinity = { sum: none, most: none, last: none }
  const counts = { visits: 0, one: 0, three: 0, events: 0, recent: 0, repeats: 0, first: 0, last: 0 }
  return { turn: 0, items: own, affinity, met: [], near: [], ...counts }
}

export interface At {
  readonly time: number
  readonly horizon: number
  readonly lastFrom: number
  readonly lastTo: number
}

/** Reads the past of `entity` up to an anchor into `own`. */
export function readOwn(own: Own, histories: Histories, entity: number, at: At, companions: Companions): void {
  const { items } = own
  const turn = ++own.turn
  own.met.length = own.near.length = 0
  own.visits = own.one = own.three = own.events = own.recent = own.repeats = 0
  own.first = own.last = Number.NaN
  const { ptr, time, item, passes, before } = histories
  const end = endAt(histories, entity, at.time)
  const [one, three, ten] = [1, 3, 10].map(n => at.time - n * at.horizon)
  for (let i = ptr[entity]; i < end; i++) {
    const j = item[i]
    const t = time[i]
    if (items.owner[j] !== turn) {
      items.owner[j] = turn
      items.events[j] = items.visits[j] = items.one[j] = items.three[j] = items.failed[j] = items.visit[j] = 0
      items.first[j] = items.last[j] = Number.NaN
      items.season[j] = 0
      items.fading[j] = items.lasting[j] = 0
    }
    if (passes[i] === 0) {
      items.failed[j]++
      continue
    }
    if (own.events === 0) own.first = t
    if (t !== own.last) {
      own.visits++
      if (t > one) own.one++
      if (t > three) own.three++
      own.last = t
    }
    own.events++
    if (t > ten) {
      own.recent++
      if (before[i] > Number.NEGATIVE_INFINITY) own.repeats++
    }
    if (items.events[j] === 0) {
      items.first[j] = t
      own.met.push(j)
    }
    items.events[j]++
    if (t !== items.last[j]) {
      items.visits[j]++
      const age = (at.time - t) / at.horizon
      items.fading[j] += 2 ** (-age / 3)
      items.lasting[j] += 2 ** (-age / 10)
      if (t > one) items.one[j]++
      if (t > three) items.three[j]++
      items.last[j] = t
    }
    items.visit[j] = own.visits
    if (t > at.lastFrom && t <= at.lastTo) items.season[j] = 1
  }
  own.met.sort((a, b) => items.visit[b] - items.visit[a] || items.events[b] - items.events[a] || a - b)
  readAffinity(own, companions)
}

/** Later items count more: the k-th latest counts 1 / sqrt(1 + k). */
function readAffinity({ turn, met, near, items, affinity, visits }: Own, companions: Companions): void {
  const { row, likeness } = companions
  const size = companions.items.length
  if (affinity.sum.length !== size) {
    for (const name of ['sum', 'most', 'last'] as const) affinity[name] = new Float64Array(size)
  } else for (const list of [affinity.sum, affinity.most, affinity.last]) list.fill(0)
  const { sum, most, last } = affinity
  const n = Math.min(LATEST, met.length)
  for (let k = 0; k < n; k++) {
    const r = met[k] < row.length ? row[met[k]] : -1
    if (r < 0) continue
    const weight = 1 / Math.sqrt(1 + k)
    const from = r * size
    for (let c = 0; c < size; c++) {
      const like = likeness[from + c]
      sum[c] += weight * like
      if (like > most[c]) most[c] = like
    }
    if (items.visit[met[k]] === visits) for (let c = 0; c < size; c++) last[c] += likeness[from + c]
  }
  if (n === 0) return
  const least = Math.max(sum.slice().sort()[Math.max(0, size - NEAR)] ?? 0, Number.MIN_VALUE)
  for (let c = 0; c < size; c++) {
    const item = companions.items[c]
    if (sum[c] >= least && (items.owner[item] !== turn || items.events[item] === 0)) near.push(item)
  }
}
