// The stages of a job that answers each entity with one row, as steps of a few milliseconds: features of the context, a head fitted on
// them, features of the entities, their predictions, arrays.

import { createDecoder } from '../decode/decoder.js'
import type { Neighbourhood } from '../decode/neighbourhood.js'
import { type PreparedContext, prepareSteps } from '../features/context.js'
import type { Prediction } from '../head.js'
import { closedForm } from '../heads/closed-form.js'
import type { SteppedFitted, Steps } from '../heads/stepped.js'
import type { JobOptions } from '../protocol.js'
import { predictionArrays, timestamptzArray } from './output.js'
import { type Accounts, type FittedContext, type Pipeline, timed } from './stages.js'

/** Entities whose features are made, and read, at a time. */
const BLOCK = 1024

/** One row an entity. */
export const entityPipeline: Pipeline<Neighbourhood> = { createDecoder, fit: fitContext }

function* fitContext(
  neighbourhood: Neighbourhood,
  options: JobOptions,
  { watch, account }: Accounts,
): Steps<FittedContext<Neighbourhood>> {
  const prepared = yield* timed(watch, 'prepare', prepareSteps(neighbourhood, { rows: options.contextRows }))
  const { batch, setAside, usedChannels, encodeSteps } = prepared
  // the batch, its scaled copy with flags, and the selection being fitted
  const working = 4 * batch.x.byteLength
  account.take(working)
  const fitted = yield* timed(watch, 'fit', closedForm.fitSteps(batch, { seed: options.seed, mode: options.mode }))
  account.give(working)
  let positives = 0
  let anchors = 0
  for (let r = 0; r < batch.rows; r++) {
    if (batch.y[r] > 0) positives++
    if (r === 0 || batch.anchor[r] !== batch.anchor[r - 1]) anchors++
  }
  if (neighbourhood.spec.task === 'numeric') positives = 0
  const bytes = prepared.bytes + fitted.bytes
  return {
    usedChannels,
    answer: (asked, options, accounts) => answer({ encodeSteps, fitted }, asked, options, accounts),
    bytes,
    facts: { contextRows: batch.rows, anchors, positives, contextBytes: bytes, setAside, warnings: fitted.warnings },
  }
}

/** Arrays of the answer by name: key columns as they came, anchor_time, then the prediction's own. */
function* answer(
  { encodeSteps, fitted }: { encodeSteps: PreparedContext['encodeSteps']; fitted: SteppedFitted },
  neighbourhood: Neighbourhood,
  options: JobOptions,
  { watch, account }: Accounts,
): Steps<[string, Buffer][]> {
  const { scored, anchors } = neighbourhood
  const parts: Prediction[] = []
  for (let from = 0; from < scored.count || from === 0; from += BLOCK) {
    const keys = scored.key.subarray(from, Math.min(scored.count, from + BLOCK))
    const query = yield* timed(watch, 'encode', encodeSteps(neighbourhood, keys))
    parts.push(yield* timed(watch, 'predict', fitted.predictSteps(query)))
  }
  const prediction = joined(parts)
  // four numbers in pieces and joined, and up to five arrays of twelve bytes an entity
  account.take(124 * scored.count)
  const columns = yield* timed(watch, 'output', predictionArrays(prediction, options.statistic))
  const keys = scored.keys.map((bytes, i): [string, Buffer] => [`key ${i}`, bytes])
  const anchor = timestamptzArray(scored.count, anchors.count > 0 ? anchors.time[0] : Number.NEGATIVE_INFINITY)
  return [...keys, ['anchor_time', anchor], ...columns]
}

function joined(parts: readonly Prediction[]): Prediction {
  if (parts.length === 1) return parts[0]
  const column = (of: (part: Prediction) => Float64Array): Float64Array => {
    const pieces = parts.map(of)
    const out = new Float64Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
    let at = 0
    for (const piece of pieces) {
      out.set(piece, at)
      at += piece.length
    }
    return out
  }
  if (parts[0].task === 'binary') {
    return { task: 'binary', probability: column(p => (p as Extract<Prediction, { task: 'binary' }>).probability) }
  }
  const numeric = (name: 'median' | 'mean' | 'lower' | 'upper'): Float64Array =>
    column(p => (p as Extract<Prediction, { task: 'numeric' }>)[name])
  return {
    task: 'numeric',
    median: numeric('median'),
    mean: numeric('mean'),
    lower: numeric('lower'),
    upper: numeric('upper'),
  }
}
