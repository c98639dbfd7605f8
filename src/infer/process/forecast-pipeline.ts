// The stages of a job that answers each entity with a row for every window ahead. The features are those of the anchor, made once; each window
// that is learnt has a head of its own on them, and windows between two of those are told by both.

import { PgError } from '../../pg-error.js'
import { splitValues, writeArray } from '../decode/arrays.js'
import { createDecoder } from '../decode/decoder.js'
import type { Neighbourhood } from '../decode/neighbourhood.js'
import { contextOrder, type PreparedContext, prepareSteps } from '../features/context.js'
import type { Prediction } from '../head.js'
import type { SteppedFitted, Steps } from '../heads/stepped.js'
import type { JobOptions } from '../protocol.js'
import { answered, float8Array, int4Array, timestamptzArray, timestamptzList } from './output.js'
import { type Accounts, type FittedContext, type Pipeline, timed } from './stages.js'

/** Entities whose features are made, and read, at a time. */
const BLOCK = 1024
/** With more windows than this, each is fitted without trees. */
const FEW = 3

/** A row for each window of an entity. */
export const forecastPipeline: Pipeline<Neighbourhood> = { createDecoder, fit }

function* fit(
  neighbourhood: Neighbourhood,
  options: JobOptions,
  { watch, account, head }: Accounts,
): Steps<FittedContext<Neighbourhood>> {
  const steps = neighbourhood.spec.steps!
  const { pairs } = neighbourhood
  const { contextRows, seed } = options
  // columns are chosen by what they say of all windows together
  const typical = { ...neighbourhood, pairs: { ...pairs, label: meanOf(pairs.labels, pairs.count) } }
  const prepared = yield* timed(watch, 'prepare', prepareSteps(typical, { rows: contextRows }))
  const { batch, setAside, usedChannels, encodeSteps } = prepared
  if (batch.task === 'multiclass' || batch.task === 'list')
    throw new PgError({ code: 'XX000', message: 'a forecast of classes' })
  const order = contextOrder(typical, contextRows)
  const working = 4 * batch.x.byteLength
  account.take(working)
  const mode = steps.length > FEW ? 'fast' : options.mode
  const heads: SteppedFitted[] = []
  for (const [s, step] of steps.entries()) {
    const y = Float64Array.from(order, i => pairs.labels[s][i])
    // a window further ahead closes later: anchors are so many of its reaches apart
    const age = batch.age.map(a => a / step)
    heads.push(yield* timed(watch, 'fit', head.fitSteps({ ...batch, y, age }, { seed, mode })))
  }
  account.give(working)
  const bytes = prepared.bytes + heads.reduce((sum, one) => sum + one.bytes, 0)
  const warnings = heads.flatMap(one => one.warnings)
  return {
    usedChannels,
    bytes,
    facts: {
      contextRows: batch.rows,
      anchors: new Set(batch.anchor).size,
      positives: 0,
      contextBytes: bytes,
      setAside,
      warnings: warnings.filter((warning, i) => warnings.findIndex(({ code }) => code === warning.code) === i),
    },
    answer: (asked, more, accounts) => answer({ encodeSteps, heads, steps }, asked, more, accounts),
  }
}

/** Of the labels of each example that there are; NaN where there are none. */
function meanOf(labels: readonly Float64Array[], count: number): Float64Array {
  const out = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    let [sum, n] = [0, 0]
    for (const own of labels)
      if (!Number.isNaN(own[i])) {
        sum += own[i]
        n++
      }
    out[i] = n > 0 ? sum / n : Number.NaN
  }
  return out
}

interface Known {
  readonly encodeSteps: PreparedContext['encodeSteps']
  readonly heads: readonly SteppedFitted[]
  readonly steps: readonly number[]
}

type Numbers = Extract<Prediction, { task: 'numeric' }>

/** Arrays of the answer by name, an entity's windows together. */
function* answer(
  { encodeSteps, heads, steps }: Known,
  neighbourhood: Neighbourhood,
  { statistic }: JobOptions,
  { watch, account }: Accounts,
): Steps<[string, Buffer][]> {
  const { scored, anchors, windows } = neighbourhood
  const n = windows.start.length
  const rows = scored.count * n
  account.take((80 + 16 * scored.keys.length) * rows)
  const names = ['prediction', 'lower', 'upper'] as const
  const out = names.map(() => new Float64Array(rows))
  for (let from = 0; from < scored.count; from += BLOCK) {
    const keys = scored.key.subarray(from, Math.min(scored.count, from + BLOCK))
    const query = yield* timed(watch, 'encode', encodeSteps(neighbourhood, keys))
    const said: ReturnType<typeof answered>[] = []
    for (const head of heads)
      said.push(answered((yield* timed(watch, 'predict', head.predictSteps(query))) as Numbers, statistic))
    for (const [c, name] of names.entries())
      for (let r = 0; r < keys.length; r++) {
        const at = (from + r) * n
        for (let s = 1; s <= n; s++) out[c][at + s - 1] = between(steps, s, i => said[i][name][r])
      }
    yield
  }
  const [prediction, lower, upper] = out
  const each = (of: Float64Array) => Float64Array.from({ length: rows }, (_, i) => of[i % n])
  const keys = scored.keys.map((bytes, i): [string, Buffer] => [`key ${i}`, repeated(bytes, n)])
  const anchor = anchors.count > 0 ? anchors.time[0] : Number.NEGATIVE_INFINITY
  return [
    ...keys,
    ['anchor_time', timestamptzArray(rows, anchor)],
    ['step', int4Array(Int32Array.from({ length: rows }, (_, i) => 1 + (i % n)))],
    ['window_start', timestamptzList(each(windows.start))],
    ['window_end', timestamptzList(each(windows.end))],
    ['prediction', float8Array(prediction)],
    ['lower', float8Array(lower)],
    ['upper', float8Array(upper)],
  ]
}

/** The value at `step` from those at the fitted steps, on a straight line between its neighbours. */
function between(steps: readonly number[], step: number, value: (i: number) => number): number {
  let i = 0
  while (i < steps.length - 1 && steps[i] < step) i++
  if (steps[i] === step || i === 0) return value(i)
  const share = (step - steps[i - 1]) / (steps[i] - steps[i - 1])
  return value(i - 1) + share * (value(i) - value(i - 1))
}

/** An array with each element `times` times. */
function repeated(bytes: Buffer, times: number): Buffer {
  const { type, elements } = splitValues(bytes)
  return writeArray(
    type,
    false,
    elements.length * times,
    elements.flatMap(element => new Array<Buffer>(times).fill(element)),
  )
}
