// Whether an entity will meet anything at all in the window. CLASSIFY multiplies it with the probability of each item for those who do.

import type { ContextBatch } from '../head.js'
import type { SteppedFitted, Steps } from '../heads/stepped.js'
import type { Companions } from './companions.js'
import type { RankingData } from './decode.js'
import { transposed } from './examples.js'
import type { Histories } from './histories.js'
import { metIn } from './histories.js'
import { type At, createOwn, type Own, readOwn } from './own.js'
import { entityColumns, writeEntity } from './pair-features.js'

/** Nothing goes with anything: how busy an entity is does not depend on it. */
const NONE: Companions = { items: new Int32Array(0), row: new Int32Array(0), likeness: new Float32Array(0) }

/** Every pair of entity and anchor with whether the window held anything. */
export function* activityExamples(
  { windows, pairs }: RankingData,
  histories: Histories,
): Generator<void, ContextBatch, void> {
  const rows = pairs.entity.length
  const own = createOwn(histories.items)
  const x = new Float64Array(rows * entityColumns.length)
  const y = new Float64Array(rows)
  const anchor = new Int32Array(rows)
  const age = new Float64Array(rows)
  let ordinal = 0
  for (let r = 0; r < rows; r++) {
    const a = pairs.anchor[r]
    if (r > 0 && a !== pairs.anchor[r - 1]) ordinal++
    const at: At = {
      time: windows.time[a],
      horizon: windows.to[a] - windows.from[a],
      lastFrom: windows.lastFrom[a],
      lastTo: windows.lastTo[a],
    }
    readOwn(own, histories, pairs.entity[r], at, NONE)
    writeEntity(own, at, x, r * entityColumns.length)
    y[r] = metIn(histories, pairs.entity[r], windows.from[a], windows.to[a]) > 0 ? 1 : 0
    anchor[r] = ordinal
    age[r] = (windows.time[0] - at.time) / at.horizon
    if (r % 64 === 63) yield
  }
  const columnMajor = yield* transposed(x, rows, entityColumns.length)
  return { task: 'binary', rows, columns: entityColumns, x: columnMajor, y, anchor, age, nonNegative: true }
}

/** The probability that the entity read into `own` meets anything. */
export function* activityOf(fitted: SteppedFitted, own: Own, at: At): Steps<number> {
  const x = new Float64Array(entityColumns.length)
  writeEntity(own, at, x, 0)
  const prediction = yield* fitted.predictSteps({ rows: 1, x })
  if (prediction.task !== 'binary') throw new Error('a window holds something or nothing')
  return prediction.probability[0]
}
