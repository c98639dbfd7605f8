// The stages of a job that answers each entity with one row, as steps of a few milliseconds: features of the context, a head fitted on
// them, features of the entities, their predictions, arrays.

import { createDecoder } from '../decode/decoder.js'
import type { Neighbourhood } from '../decode/neighbourhood.js'
import { type PreparedContext, prepareSteps } from '../features/context.js'
import { type Embedding, fitEmbedding } from '../heads/embedding.js'
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
  accounts: Accounts,
): Steps<FittedContext<Neighbourhood>> {
  const { spec, classes } = neighbourhood
  if (spec.task === 'multiclass') checkClasses(classes)
  const { encodeSteps, model, embedding, ...rest } = yield* fitOne(neighbourhood, options, accounts)
  return { ...rest, answer: (asked, ...more) => answer({ encodeSteps, model, embedding, classes }, asked, ...more) }
}

/** Features and a model of one context. */
export interface One extends Pick<FittedContext<Neighbourhood>, 'usedChannels' | 'bytes' | 'facts'> {
  readonly encodeSteps: PreparedContext['encodeSteps']
  readonly model: Model
  /** Where vectors are asked for. */
  readonly embedding: Embedding | null
}

export function* fitOne(
  neighbourhood: Neighbourhood,
  options: JobOptions,
  { watch, account, head }: Accounts,
): Steps<One> {
  const { spec } = neighbourhood
  const prepared = yield* timed(watch, 'prepare', prepareSteps(neighbourhood, { rows: options.contextRows }))
  const { batch, setAside, usedChannels, encodeSteps } = prepared
  // the batch and its copy where trees grow, its scaled copy with flags, and the selection being fitted
  const working = 5 * batch.x.byteLength
  account.take(working)
  const { seed, mode } = options
  const model = yield* timed(watch, 'fit', fitModel(neighbourhood, batch, head, { seed, mode }))
  const embedding =
    options.embedding === undefined || batch.task === 'list' ? null : yield* timed(watch, 'fit', fitEmbedding(batch))
  account.give(working)
  let positives = 0
  let anchors = 0
  for (let r = 0; r < batch.rows; r++) {
    if (batch.y[r] > 0) positives++
    if (r === 0 || batch.anchor[r] !== batch.anchor[r - 1]) anchors++
  }
  if (spec.task !== 'binary') positives = 0
  const bytes = prepared.bytes + model.bytes + (embedding?.bytes ?? 0)
  return {
    encodeSteps,
    model,
    embedding,
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
  }
}

interface Known extends Pick<One, 'encodeSteps' | 'model' | 'embedding'> {
  readonly classes: Neighbourhood['classes']
}

/** Arrays of the answer by name: key columns as they came, anchor_time, then the prediction's own. */
function* answer(
  { classes, ...one }: Known,
  neighbourhood: Neighbourhood,
  options: JobOptions,
  { watch, account }: Accounts,
): Steps<[string, Buffer][]> {
  const { scored, anchors } = neighbourhood
  const said = yield* sayBlocks(one, neighbourhood, scored, { watch, account })
  // up to five arrays of twelve bytes an entity
  account.take(60 * scored.count)
  const columns = yield* timed(watch, 'output', columnsOf(said, classes, null, options))
  const keys = scored.keys.map((bytes, i): [string, Buffer] => [`key ${i}`, bytes])
  const anchor = timestamptzArray(scored.count, anchors.count > 0 ? anchors.time[0] : Number.NEGATIVE_INFINITY)
  return [...keys, ['anchor_time', anchor], ...columns]
}

/** What a model says about keys at their anchors, a block at a time; of no keys, one empty block. */
export function* sayBlocks(
  { encodeSteps, model, embedding }: Pick<One, 'encodeSteps' | 'model' | 'embedding'>,
  neighbourhood: Neighbourhood,
  { key, anchor }: { readonly key: Int32Array; readonly anchor: Int32Array },
  { watch, account }: Pick<Accounts, 'watch' | 'account'>,
): Steps<Said[]> {
  const said: Said[] = []
  for (let from = 0; from < key.length || from === 0; from += BLOCK) {
    const to = Math.min(key.length, from + BLOCK)
    const steps = encodeSteps(neighbourhood, key.subarray(from, to), anchor.subarray(from, to))
    const query = yield* timed(watch, 'encode', steps)
    const block = yield* timed(watch, 'predict', model.predict(query, neighbourhood.spec.list?.top))
    const vectors = embedding ? yield* timed(watch, 'predict', embedding.embedSteps(query)) : undefined
    // a vector's numbers, and again as they travel
    account.take(block.bytes + 4 * (vectors?.byteLength ?? 0))
    said.push({ ...block, vectors })
  }
  return said
}
