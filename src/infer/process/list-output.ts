// Answers that are lists of values: several rows an entity, likeliest first, as Postgres binary arrays.

import type { NeighbourhoodSpec } from '../../graph/neighbourhood.js'
import { PgError } from '../../pg-error.js'
import { sized, splitValues, writeArray } from '../decode/arrays.js'
import type { Classes, Scored } from '../decode/neighbourhood.js'
import type { ListPrediction } from '../head.js'
import { boolArray, float8Array, int4Array, timestamptzList } from './output.js'

/** Values that CLASSIFY answers for. */
export const MOST_VALUES = 1000

/** @throws PgError PQ004 where no value is known, 22023 where there are too many to answer for all */
export function checkValues(classes: Classes | null): void {
  if (classes === null || classes.count === 0) {
    throw new PgError({
      code: 'PQ004',
      message: 'there are no examples to learn from',
      detail: 'No row that the question is about has a list with a value in it.',
    })
  }
  if (classes.count > MOST_VALUES) throw tooManyValues(classes.distinct)
}

/** `count`: how many there are, where that is known. */
export const tooManyValues = (count?: number): PgError =>
  new PgError({
    code: '22023',
    message: `CLASSIFY is for at most ${MOST_VALUES} values`,
    detail: `There are ${count ?? 'more'} here.`,
    hint: 'Write: RANK TOP 10, which answers the likeliest of any number.',
  })

/** The likeliest values of some rows, `most` each. */
export interface ListColumns {
  readonly most: number
  readonly items: readonly Uint8Array[]
  readonly scores: Float64Array
  readonly type: number
  readonly bytes: number
}

export function* listColumns(
  { values, probabilities }: ListPrediction,
  classes: Classes,
  top: number,
): Generator<void, ListColumns, void> {
  const most = top > 0 ? Math.min(top, values) : values
  const rows = values > 0 ? probabilities.length / values : 0
  const items: Uint8Array[] = []
  const scores = new Float64Array(rows * most)
  for (let r = 0; r < rows; r++) {
    const own = probabilities.subarray(r * values, (r + 1) * values)
    const order = Array.from(own.keys()).sort((a, b) => own[b] - own[a] || a - b)
    for (let k = 0; k < most; k++) {
      items.push(classes.values[order[k]])
      scores[r * most + k] = own[order[k]]
    }
    if (r % 64 === 63) yield
  }
  return { most, items, scores, type: classes.type, bytes: 24 * items.length }
}

/** All columns by name; `place` says which entity each row of the parts is, `times` when each is read. */
export function* listArrays(
  parts: readonly ListColumns[],
  place: readonly number[],
  scored: Scored,
  times: Float64Array,
  kind: NonNullable<NeighbourhoodSpec['list']>['kind'],
): Generator<void, [string, Buffer][], void> {
  const counts = new Int32Array(scored.count)
  const found: { part: ListColumns; row: number }[] = []
  let at = 0
  for (const part of parts)
    for (let row = 0; row * part.most < part.scores.length; row++) {
      counts[place[at]] = part.most
      found[place[at++]] = { part, row }
    }
  const total = counts.reduce((n, count) => n + count, 0)
  const owner = new Int32Array(total)
  const rank = new Int32Array(total)
  const score = new Float64Array(total)
  const items: Buffer[] = []
  let to = 0
  for (const [entity, { part, row }] of found.entries()) {
    for (let k = 0; k < part.most; k++, to++) {
      owner[to] = entity
      rank[to] = k + 1
      score[to] = part.scores[row * part.most + k]
      items.push(sized(part.items[row * part.most + k]))
    }
    if (entity % 512 === 511) yield
  }
  const out: [string, Buffer][] = []
  for (const [i, bytes] of scored.keys.entries()) {
    const { type, elements } = splitValues(bytes)
    const repeated = Array.from(owner, entity => elements[entity])
    out.push([`key ${i}`, writeArray(type, false, total, repeated)])
    yield
  }
  out.push(['anchor_time', timestamptzList(Float64Array.from(owner, entity => times[entity]))])
  out.push(['item', writeArray(parts[0]?.type ?? 0, false, total, items)])
  if (kind === 'rank') out.push(['rank', int4Array(rank)], ['score', float8Array(score)])
  else out.push(['probability', float8Array(score)], ['prediction', boolArray(total, i => score[i] > 0.5)])
  return out
}
