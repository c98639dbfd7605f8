// Labelled pairs from the past: at earlier anchors, which of its candidates an entity that met any did meet in the window that followed.

import type { ContextBatch } from '../head.js'
import { mix } from '../heads/mix.js'
import { LATEST } from './companions.js'
import type { RankingData } from './decode.js'
import { endAt, type Histories, metIn } from './histories.js'
import { candidatesOf, mostCandidates, type Past, type Scene, sceneAt } from './moment.js'
import type { Lists } from './order.js'
import { createOwn, type Own, readOwn } from './own.js'
import { pairColumns, writePair } from './pair-features.js'

export interface Examples {
  readonly batch: ContextBatch
  /** Number of each row's list: an entity at an anchor. */
  readonly list: Lists
  /** Share of the candidates not met that are among the examples. */
  readonly rate: number
  /** Entities at anchors, and anchors. */
  readonly entities: number
  readonly anchors: number
}

export interface Budget {
  /** Pairs of entity and item, about. */
  readonly rows: number
  /** Entities at anchors. */
  readonly entities: number
  /** Elementary steps that reading the population at all anchors may take. */
  readonly steps: number
}

/** Fewest anchors, and most, that examples are taken from. */
const [FEWEST, MOST] = [4, 40] as const
/** Entities that are asked what examples cost. */
const ASKED = 48
/** Items of one window that count. */
const MOST_MET = 40
/** Of the examples, at most so many are pairs that did meet, where there are more to choose from. */
const MET_SHARE = 0.35

export function* examplesOf(
  data: RankingData,
  past: Past,
  budget: Budget,
  seed: number,
): Generator<void, Examples, void> {
  const { windows, histories } = past
  const all = data.spec.task === 'classify'
  const anchors = choose(data, histories, budget)
  const own = createOwn(histories.items)
  const marks = new Int32Array(histories.items).fill(-1)
  const hits = new Int32Array(histories.items).fill(-1)
  const collected = createRows(pairColumns.length)
  let candidates = new Int32Array(0)

  /** The entity's candidates in order of their numbers, its hits marked with its turn. */
  function look({ entity }: Named, scene: Scene, anchor: number): Int32Array {
    readOwn(own, histories, entity, scene, scene.companions)
    markHits(hits, own, histories, entity, windows.from[anchor], windows.to[anchor])
    return candidates.subarray(0, candidatesOf(own, scene, marks, candidates)).sort()
  }

  /** What the newest anchor's first entities are offered, and take, says how many of all are affordable. */
  function* plan({ anchor, entities }: AnchorEntities, scene: Scene): Generator<void, Plan, void> {
    let [met, missed] = [0, 0]
    const asked = entities.slice(0, ASKED)
    for (const named of asked) {
      const offered = look(named, scene, anchor)
      let hit = 0
      for (const item of offered) if (hits[item] === own.turn) hit++
      met += thinned(named, hit) / asked.length
      missed += thinned(named, offered.length - hit) / asked.length
      yield
    }
    const sizes = anchors.map(a => a.entities.length)
    const quota = quotaFor(sizes, Math.min(budget.entities, (MET_SHARE * budget.rows) / Math.max(met, 1e-9)))
    const n = sizes.reduce((sum, size) => sum + Math.min(quota, size), 0)
    return { quota, rate: Math.min(1, (budget.rows / n - met) / Math.max(missed, 1e-9)) }
  }

  let planned: Plan | null = null
  let taken = 0
  for (const [ordinal, { anchor, entities }] of anchors.entries()) {
    const scene: Scene = yield* sceneAt(past, anchor, all)
    candidates = new Int32Array(mostCandidates(scene))
    planned ??= yield* plan(anchors[0], scene)
    const { quota, rate } = planned
    const age = (windows.time[0] - windows.time[anchor]) / scene.horizon
    for (const named of entities.slice(0, quota)) {
      const thin = thinned(named, 0x1_0000_0000)
      for (const item of look(named, scene, anchor)) {
        const hit = hits[item] === own.turn
        if (mix(named.name, item ^ Math.imul(seed, 0x9e3779b1)) >= (hit ? thin : rate * thin)) continue
        const at = collected.add(hit ? 1 : 0, taken, ordinal, age)
        writePair(own, item, scene, collected.x(), at)
      }
      if (++taken % 16 === 15) yield
    }
  }
  const batch = yield* collected.batch()
  return { batch, list: collected.list(), rate: planned?.rate ?? 1, entities: taken, anchors: anchors.length }
}

interface Plan {
  /** Entities of one anchor, at most. */
  readonly quota: number
  /** Share of the candidates not met that become examples. */
  readonly rate: number
}

/** Whoever meets very much counts no more than others: of `n` of their pairs, how many are kept. */
const thinned = ({ met }: Named, n: number): number => n * Math.min(1, MOST_MET / met)

interface AnchorEntities {
  readonly anchor: number
  readonly entities: readonly Named[]
}

interface Named {
  readonly entity: number
  /** Says nothing of who else is asked about. */
  readonly name: number
  /** Events in the window that followed, at least one. */
  readonly met: number
}

/** The newest anchors whose reading the budget pays for, and who is an example there. */
function choose(
  { pairs, population, windows }: RankingData,
  histories: Histories,
  budget: Budget,
): readonly AnchorEntities[] {
  let cost = 1024 * 1024
  for (const e of population) {
    const n = histories.ptr[e + 1] - histories.ptr[e]
    cost += n + Math.min(n, LATEST) ** 2
  }
  const most = Math.min(MOST, Math.max(FEWEST, Math.floor(budget.steps / cost)))
  const byAnchor = new Map<number, Named[]>()
  for (let i = 0; i < pairs.entity.length; i++) {
    const anchor = pairs.anchor[i]
    const entity = pairs.entity[i]
    const met = metIn(histories, entity, windows.from[anchor], windows.to[anchor])
    // who meets nothing says nothing of what is met
    if (met === 0) continue
    let list = byAnchor.get(anchor)
    if (!list) {
      if (byAnchor.size === most) break
      list = []
      byAnchor.set(anchor, list)
    }
    list.push({ entity, name: Math.imul(list.length, 0x9e3779b1) ^ (windows.time[anchor] / 1e6), met })
  }
  return [...byAnchor].map(([anchor, entities]) => ({ anchor, entities }))
}

/** The most of each anchor so that all together are about `most`. */
function quotaFor(sizes: readonly number[], most: number): number {
  const sorted = [...sizes].sort((a, b) => a - b)
  let left = most
  for (const [i, size] of sorted.entries()) {
    const share = left / (sorted.length - i)
    if (size >= share) return Math.max(1, Math.ceil(share))
    left -= size
  }
  return Math.max(1, sorted.at(-1) ?? 1)
}

/** Marks the items that the entity meets in (from, to] with its turn. */
function markHits(hits: Int32Array, own: Own, histories: Histories, entity: number, from: number, to: number): void {
  const { time, item, passes } = histories
  for (let i = endAt(histories, entity, from); i < histories.ptr[entity + 1] && time[i] <= to; i++)
    if (passes[i] === 1) hits[item[i]] = own.turn
}

/** Rows of a batch as they come: how many there will be is known at the end. */
function createRows(columns: number) {
  let x = new Float64Array(columns * 1024)
  let rows = 0
  const y: number[] = []
  const list: number[] = []
  const anchor: number[] = []
  const age: number[] = []
  return {
    x: () => x,
    /** Where the cells of a new row go. */
    add(label: number, of: number, ordinal: number, old: number): number {
      const at = rows * columns
      if (at + columns > x.length) {
        const wider = new Float64Array(x.length * 2)
        wider.set(x)
        x = wider
      }
      rows++
      y.push(label)
      list.push(of)
      anchor.push(ordinal)
      age.push(old)
      return at
    },
    list: (): Lists => Int32Array.from(list),
    *batch(): Generator<void, ContextBatch, void> {
      const columnMajor = yield* transposed(x, rows, columns)
      return {
        task: 'binary',
        rows,
        columns: pairColumns,
        x: columnMajor,
        y: Float64Array.from(y),
        anchor: Int32Array.from(anchor),
        age: Float64Array.from(age),
        nonNegative: true,
      }
    },
  }
}

/** rows x columns, row-major, as column-major. */
export function* transposed(x: Float64Array, rows: number, columns: number): Generator<void, Float64Array, void> {
  const out = new Float64Array(rows * columns)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c]
    if (r % 8192 === 8191) yield
  }
  return out
}
