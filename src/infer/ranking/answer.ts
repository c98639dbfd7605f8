// Each entity's candidates scored and put in order: its list for RANK, all items for CLASSIFY.

import type { QueryBatch } from '../head.js'
import type { SteppedFitted, Steps } from '../heads/stepped.js'
import { boolArray, float8Array, int4Array, timestamptzArray } from '../process/output.js'
import { type Accounts, timed } from '../process/stages.js'
import { activityOf } from './activity.js'
import type { RankingData } from './decode.js'
import { transposed } from './examples.js'
import { type Catalogue, type Histories, historiesOf } from './histories.js'
import { repeatedKeys, valueArray } from './lists.js'
import { candidatesOf, mostCandidates, type Scene, sceneOn } from './moment.js'
import { createOwn, type Own, readOwn } from './own.js'
import { pairColumns, writePair } from './pair-features.js'

/** Pairs scored at a time, about. */
const BLOCK = 4096

export interface RankingModel {
  readonly catalogue: Catalogue
  readonly scene: Scene
  readonly fitted: SteppedFitted
  /** Of CLASSIFY: whether an entity will meet anything; null: as if it did. */
  readonly activity: SteppedFitted | null
  /** Share of the pairs not met that the fit has seen: what its odds are too high by. */
  readonly rate: number
}

/** Items in order with their scores, entity after entity. */
interface Lists {
  /** Rows of each entity. */
  readonly counts: Int32Array
  readonly item: Int32Array
  readonly score: Float64Array
}

export function* rankingAnswer(
  model: RankingModel,
  data: RankingData,
  { watch, account }: Accounts,
): Steps<[string, Buffer][]> {
  const histories = yield* timed(watch, 'encode', historiesOf(data, model.catalogue))
  account.take(40 * data.events.count)
  const classify = data.spec.task === 'classify'
  const most = classify ? histories.items : Math.min(data.spec.top, histories.items)
  // items and scores in pieces and joined, keys, and the arrays that travel
  account.take(100 * data.scored.count * most)
  const lists = yield* timed(watch, 'predict', rank(model, data, histories, most))
  const { counts, item, score } = lists
  const rows = item.length
  const known = model.catalogue.items
  const value = (i: number) =>
    item[i] < known.count ? known.value(item[i]) : histories.strangers[item[i] - known.count]
  const out: [string, Buffer][] = []
  const add = (name: string, array: Buffer) => out.push([name, array])
  for (const [i, key] of data.scored.keys.entries()) {
    add(`key ${i}`, repeatedKeys(key, counts))
    yield
  }
  add('anchor_time', timestamptzArray(rows, data.windows.time[0]))
  yield
  add('item', valueArray(model.catalogue.type || data.itemType, rows, value))
  yield
  if (classify) {
    add('probability', float8Array(score))
    add(
      'prediction',
      boolArray(rows, i => score[i] > 0.5),
    )
  } else {
    add('score', float8Array(score))
    add('rank', int4Array(ranks(counts, rows)))
  }
  return out
}

function ranks(counts: Int32Array, rows: number): Int32Array {
  const out = new Int32Array(rows)
  let at = 0
  for (const n of counts) for (let r = 1; r <= n; r++) out[at++] = r
  return out
}

function* rank(model: RankingModel, data: RankingData, histories: Histories, most: number): Steps<Lists> {
  const { scored } = data
  const scene = sceneOn(model.scene, data.windows, 0)
  const own = createOwn(histories.items)
  const marks = new Int32Array(histories.items).fill(-1)
  const columns = pairColumns.length
  const room = mostCandidates(scene)
  const counts = new Int32Array(scored.count)
  const pieces: { item: Int32Array; score: Float64Array }[] = []
  let from = 0
  while (from < scored.count) {
    const block = Math.max(BLOCK, room + most)
    const candidates = new Int32Array(block)
    const x = new Float64Array(block * columns)
    const spans: { entity: number; at: number; offered: number; filled: number; active: number }[] = []
    let rows = 0
    while (from < scored.count && rows + room + most <= Math.max(block, room + most)) {
      readOwn(own, histories, scored.entity[from], scene, scene.companions)
      const offered = candidatesOf(own, scene, marks, candidates.subarray(rows))
      const filled = offered < most ? fill(own, scene, marks, candidates.subarray(rows), offered, most) : offered
      for (let i = 0; i < filled; i++) writePair(own, candidates[rows + i], scene, x, (rows + i) * columns)
      const active = model.activity ? yield* activityOf(model.activity, own, scene) : 1
      spans.push({ entity: from, at: rows, offered, filled, active })
      rows += filled
      from++
    }
    yield
    const query: QueryBatch = { rows, x: yield* transposed(x, rows, columns) }
    const prediction = yield* model.fitted.predictSteps(query)
    if (prediction.task !== 'binary') throw new Error('a pair is met or not')
    const score = prediction.probability.map(p => corrected(p, model.rate))
    for (const { entity, at, offered, filled, active } of spans) {
      const list = ordered(candidates.subarray(at, at + filled), score.subarray(at, at + filled), offered)
      counts[entity] = Math.min(most, filled)
      pieces.push({ item: list.item.subarray(0, most), score: list.score.subarray(0, most).map(p => p * active) })
    }
    yield
  }
  let total = 0
  for (const n of counts) total += n
  const item = new Int32Array(total)
  const score = new Float64Array(total)
  let at = 0
  for (const piece of pieces) {
    item.set(piece.item, at)
    score.set(piece.score, at)
    at += piece.item.length
  }
  yield
  return { counts, item, score }
}

/** Goes on behind `n` candidates up to `most`: popular items, those that do not come twice last. Gives how many there are then. */
function fill(own: Own, scene: Scene, marks: Int32Array, out: Int32Array, n: number, most: number): number {
  let at = n
  const { turn, met } = own
  const isMet = (item: number) => own.items.owner[item] === turn && own.items.events[item] > 0
  const add = (item: number) => {
    if (at >= most || marks[item] === turn) return
    marks[item] = turn
    out[at++] = item
  }
  for (const item of scene.order) if (scene.again || !isMet(item)) add(item)
  for (const item of met) add(item)
  return at
}

/** The probability among all pairs, where only `rate` of those not met were seen. */
const corrected = (p: number, rate: number): number => (p * rate) / (p * rate + 1 - p)

/** The candidates by score; behind them what fills the list, in its own order, with no score above theirs. */
function ordered(candidates: Int32Array, scores: Float64Array, offered: number) {
  const order = Array.from({ length: offered }, (_, i) => i)
  // of equals, the one that is offered first: own items, then popular ones
  order.sort((a, b) => scores[b] - scores[a] || a - b)
  for (let i = offered; i < candidates.length; i++) order.push(i)
  const item = Int32Array.from(order, i => candidates[i])
  const score = Float64Array.from(order, i => scores[i])
  for (let i = Math.max(1, offered); i < score.length; i++) score[i] = Math.min(score[i], score[i - 1])
  return { item, score }
}
