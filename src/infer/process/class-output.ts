// Answers that are one of several classes, as Postgres binary arrays: the likeliest value in its own type, its probability, and those of all
// values as jsonb.

import { PgError } from '../../pg-error.js'
import { sized, writeArray } from '../decode/arrays.js'
import type { Classes } from '../decode/neighbourhood.js'
import type { ClassPrediction } from '../head.js'
import { float8Array } from './output.js'

const JSONB = 3802
const MOST_CLASSES = 1000
/** Examples that a value must have on average. */
const FEWEST = 2

/** @throws PgError 22023 where the values are no classes, PQ004 where there are none */
export function checkClasses(classes: Classes | null): void {
  if (classes === null) {
    throw new PgError({
      code: 'PQ004',
      message: 'there are no examples to learn from',
      detail: 'No row that the question is about has a value before the anchor.',
    })
  }
  const { labelled, distinct } = classes
  if (distinct <= MOST_CLASSES && labelled >= FEWEST * distinct) return
  throw new PgError({
    code: '22023',
    message: 'the target has too many different values to be told apart',
    detail:
      distinct > MOST_CLASSES
        ? `It has ${distinct} values in ${labelled} examples; up to ${MOST_CLASSES} are answered.`
        : `It has ${distinct} values in ${labelled} examples; a value needs ${FEWEST} examples on average.`,
    hint: `Ask about one of its values: … = 'value'.`,
  })
}

/** Elements of the three columns for some rows. */
export interface ClassColumns {
  /** The likeliest value, in binary. */
  readonly best: readonly Buffer[]
  readonly probability: Float64Array
  readonly documents: readonly Buffer[]
  readonly bytes: number
}

/** Rows of a prediction as elements, some dozens a step. */
export function* classColumns(
  { classes: count, probabilities }: ClassPrediction,
  classes: Classes,
): Generator<void, ClassColumns, void> {
  const rows = count > 0 ? probabilities.length / count : 0
  const best: Buffer[] = []
  const probability = new Float64Array(rows)
  const names = classes.texts.map(text => `${JSON.stringify(text)}:`)
  const documents: Buffer[] = []
  let bytes = 0
  for (let r = 0; r < rows; r++) {
    const own = probabilities.subarray(r * count, (r + 1) * count)
    let most = 0
    for (let c = 1; c < count; c++) if (own[c] > own[most]) most = c
    best.push(classes.values[most])
    probability[r] = own[most]
    // a class that no example of this context has is none of its
    const members: string[] = []
    for (let c = 0; c < count; c++) if (own[c] > 0) members.push(names[c] + Number(own[c].toFixed(9)))
    // version 1, as jsonb's binary format starts
    const document = Buffer.from(`\u0001{${members.join(',')}}`, 'utf8')
    documents.push(document)
    bytes += document.length + 24
    if (r % 64 === 63) yield
  }
  return { best, probability, documents, bytes }
}

/** The columns by name; `place` is where each row belongs, if not where it came. */
export function classArrays(
  parts: readonly ClassColumns[],
  { type }: Classes,
  place: Int32Array | null,
): [string, Buffer][] {
  const n = parts.reduce((sum, part) => sum + part.best.length, 0)
  const probability = new Float64Array(n)
  const chosen = new Array<Buffer>(n)
  const documents = new Array<Buffer>(n)
  let row = 0
  for (const part of parts)
    for (let i = 0; i < part.best.length; i++, row++) {
      const to = place === null ? row : place[row]
      probability[to] = part.probability[i]
      chosen[to] = sized(part.best[i])
      documents[to] = sized(part.documents[i])
    }
  return [
    ['prediction', writeArray(type, false, chosen.length, chosen)],
    ['probability', float8Array(probability)],
    ['probabilities', writeArray(JSONB, false, documents.length, documents)],
  ]
}
