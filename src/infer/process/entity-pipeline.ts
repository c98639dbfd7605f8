// The stages of a job that answers each entity with one row, as steps of a few milliseconds: features of the context, a head fitted on
// them, features of the entities, their predictions, arrays.

import { createDecoder } from '../decode/decoder.js'
import type { Neighbourhood } from '../decode/neighbourhood.js'
import { type PreparedContext, prepareSteps } from '../features/context.js'
import type { Steps } from '../heads/stepped.js'
import type { JobOptions } from '../protocol.js'
import { checkClasses } from './class-output.js'
import { columnsOf, fitModel, type Model, type Said } from './models.js'
import { timestamptzArray } from './output.js'
import { type Accounts, type FittedContext, type Pipeline, timed } from './stages.js'

/** Entities whose features are made, and read, at a time. */
const BLOCK = 1024

/** One row an entity. */
export const entityPipeline: Pipeline<Neighbourhood> = { createDecoder, fit: fitContext }

function* fitContext(
  neighbourhood: Neighbourhood,
  options: JobOptions,
  { watch, account, head }: Accounts,
): Steps<FittedContext<Neighbourhood>> {
  const { spec, classes } = neighbourhood
  if (spec.task === 'multiclass') checkClasses(classes)
  const prepared = yield* timed(watch, 'prepare', prepareSteps(neighbourhood, { rows: options.contextRows }))
  const { batch, setAside, usedChannels, encodeSteps } = prepared
  // the batch, its scaled copy with flags, and the selection being fitted
  const working = 4 * batch.x.byteLength
  account.take(working)
  const { seed, mode } = options
  const model = yield* timed(watch, 'fit', fitModel(neighbourhood, batch, head, { seed, mode }))
  account.give(working)
  let positives = 0
  let anchors = 0
  for (let r = 0; r < batch.rows; r++) {
    if (batch.y[r] > 0) positives++
    if (r === 0 || batch.anchor[r] !== batch.anchor[r - 1]) anchors++
  }
  if (spec.task !== 'binary') positives = 0
  const bytes = prepared.bytes + model.bytes
  return {
    usedChannels,
    bytes,
    facts: {
      contextRows: batch.rows,
      anchors,
      positives,
      contextBytes: bytes,
      setAside,
      warnings: model.warnings,
    },
    answer: (asked, options, accounts) => answer({ encodeSteps, model, classes }, asked, options, accounts),
  }
}

interface Known {
  readonly encodeSteps: PreparedContext['encodeSteps']
  readonly model: Model
  readonly classes: Neighbourhood['classes']
}

/** Arrays of the answer by name: key columns as they came, anchor_time, then the prediction's own. */
function* answer(
  { encodeSteps, model, classes }: Known,
  neighbourhood: Neighbourhood,
  options: JobOptions,
  { watch, account }: Accounts,
): Steps<[string, Buffer][]> {
  const { scored, anchors } = neighbourhood
  const said: Said[] = []
  for (let from = 0; from < scored.count || from === 0; from += BLOCK) {
    const keys = scored.key.subarray(from, Math.min(scored.count, from + BLOCK))
    const query = yield* timed(watch, 'encode', encodeSteps(neighbourhood, keys))
    const block = yield* timed(watch, 'predict', model.predict(query))
    account.take(block.bytes)
    said.push(block)
  }
  // up to five arrays of twelve bytes an entity
  account.take(60 * scored.count)
  const columns = yield* timed(watch, 'output', columnsOf(said, classes, null, options))
  const keys = scored.keys.map((bytes, i): [string, Buffer] => [`key ${i}`, bytes])
  const anchor = timestamptzArray(scored.count, anchors.count > 0 ? anchors.time[0] : Number.NEGATIVE_INFINITY)
  return [...keys, ['anchor_time', anchor], ...columns]
}
