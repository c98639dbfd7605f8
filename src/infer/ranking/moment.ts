// What is known of items at one anchor, and which of them an entity is offered there.

import { calendarAt, type Occurrences } from './calendar.js'
import { companionsAt } from './companions.js'
import type { Windows } from './decode.js'
import type { Histories } from './histories.js'
import { NEAR, type Own } from './own.js'
import type { Moment } from './pair-features.js'
import { mostMet, ONE, popularityAt, QUARTER, TEN } from './popularity.js'

/** Of each list of popular items; of an entity's own, the latest, and of the others those met most. */
const POPULAR = 50
const LATEST = 120
const OFTEN = 80
/** Share of meetings that are repeats below which there are none. */
const RARELY = 0.001

export interface Scene extends Moment {
  /** Popular items, by what they are popular for; everybody is offered some of each. */
  readonly lists: readonly Int32Array[]
  /** How many of each. */
  readonly offer: number
  /** Whether anybody meets an item twice: otherwise what has been met is offered to nobody. */
  readonly again: boolean
  /** Every item, the most met first: what fills a list that is longer than its candidates. */
  readonly order: Int32Array
}

/** What all anchors of a context read. */
export interface Past {
  readonly histories: Histories
  readonly population: Int32Array
  readonly windows: Windows
  /** Items of the context: numbers below this. */
  readonly items: number
  readonly occurrences: Occurrences
}

/** As of anchor `a`. With `all`, everybody is offered every item. */
export function* sceneAt(
  { histories, population, windows, items, occurrences }: Past,
  a: number,
  all: boolean,
): Generator<void, Scene, void> {
  const popularity = yield* popularityAt(histories, population, windows, a, items)
  const { met, season } = popularity
  const ever = mostMet(popularity, met[TEN])
  const recent = mostMet(popularity, met[ONE])
  yield
  const companions = yield* companionsAt(histories, population, windows.time[a], ever)
  const place = new Int32Array(items)
  for (const [i, item] of recent.entries()) place[item] = i
  const lists = all ? [ever] : [recent, mostMet(popularity, season), ever, mostMet(popularity, met[QUARTER])]
  yield
  return {
    time: windows.time[a],
    horizon: windows.to[a] - windows.from[a],
    lastFrom: windows.lastFrom[a],
    lastTo: Math.min(windows.time[a], windows.lastTo[a]),
    popularity,
    calendar: calendarAt(occurrences, windows, a),
    place,
    companions,
    lists,
    offer: all ? items : POPULAR,
    again: all || popularity.repeats > RARELY,
    order: ever,
  }
}

/** The scene as an entity sees it who is read at another time of the same cell. */
export const sceneOn = (scene: Scene, { time, lastFrom, lastTo }: Windows, a: number): Scene => ({
  ...scene,
  time: time[a],
  lastFrom: lastFrom[a],
  lastTo: Math.min(time[a], lastTo[a]),
})

/** Writes the candidates of the entity read into `own` to `out`; gives how many. `marks` is scratch of one element an item. */
export function candidatesOf(own: Own, scene: Scene, marks: Int32Array, out: Int32Array): number {
  const { turn, items, met, near } = own
  let n = 0
  const add = (item: number): void => {
    if (marks[item] === turn) return
    marks[item] = turn
    out[n++] = item
  }
  if (scene.again) {
    for (let i = 0; i < met.length && i < LATEST; i++) add(met[i])
    if (met.length > LATEST) {
      const older = met.slice(LATEST).sort((a, b) => items.visits[b] - items.visits[a] || a - b)
      for (let i = 0; i < older.length && i < OFTEN; i++) add(older[i])
    }
  }
  for (const list of scene.lists) {
    // those met are there already, as far as they are worth it
    for (let i = 0, taken = 0; i < list.length && taken < scene.offer; i++)
      if (items.owner[list[i]] !== turn || items.events[list[i]] === 0) {
        add(list[i])
        taken++
      }
  }
  for (const item of near) add(item)
  return n
}

/** Most candidates of one entity. */
export const mostCandidates = ({ lists, offer, order }: Scene): number =>
  Math.min(order.length, lists.length * offer + 2 * NEAR) + LATEST + OFTEN
