// The closed-form head with what a network has to say against it: the network reads the newest rows beside the answers of models that had not
// seen them, and corrects the answers of queries as far as it has earned: by as much as it would have helped on the newest of those rows.

import type { ContextBatch, QueryBatch } from '../head.js'
import { closedForm, type LinearFitted, type LinearHead, type Start } from '../heads/closed-form.js'
import { softplus } from '../heads/logistic.js'
import { drain, type FitOptions, type SteppedFitted, type SteppedHead, type Steps, settled } from '../heads/stepped.js'
import { usable } from '../heads/usable.js'
import { type ContextInputs, contextInputs } from './inputs.js'
import type { Memory, Network } from './runtime.js'
import { halves, part } from './trial.js'

/** Rows of context a network reads. */
const MOST_ROWS = { normal: 1_000, best: 2_000 } as const
/** Rows below which neither the network nor what it is judged by says enough. */
const FEWEST_ROWS = 100
const WEIGHTS = [0.25, 0.5, 0.75, 1] as const
/** Standard errors by which the newest rows must have been answered better. */
const EARNED = 2
/** Of the weight that would have been best. */
const BELIEF = 0.8

/** `closed`: the head that is corrected. */
export function correctedHead(network: Network, closed: LinearHead = closedForm): SteppedHead {
  function* fitSteps(context: ContextBatch, options: FitOptions): Steps<SteppedFitted> {
    const linear = yield* closed.fitSteps(context, options)
    const { start } = linear
    if (start === null || options.mode === 'fast') return linear
    const clean = usable(context)
    const rows = Math.min(start.judged.length, MOST_ROWS[options.mode])
    if (rows < FEWEST_ROWS) return linear
    const weight = yield* weigh(network, clean, start, rows)
    if (weight === 0) return linear
    const read = yield* encode(network, clean, start, 0, rows)
    return read ? corrected(linear, start, read, weight) : linear
  }
  return { name: `closed form, corrected by ${network.facts.name}`, fit: (c, o) => drain(fitSteps(c, o)), fitSteps }
}

interface Read {
  readonly inputs: Pick<ContextInputs, 'query' | 'scale'>
  readonly memory: Memory
  readonly binary: boolean
}

/** Rows [from, to) of the context as the network reads them; null where their outcomes are all the same. */
function* encode(network: Network, context: ContextBatch, start: Start, from: number, to: number): Steps<Read | null> {
  const rows = part(context, from, to)
  if (rows.y.every(v => v === rows.y[0])) return null
  const given = { base: start.judged.slice(from, to), t: Float64Array.from(rows.y, start.forward) }
  const whole = yield* contextInputs(rows, given)
  const memory = yield* settled(network.encode(whole))
  // the context itself is not kept
  return { inputs: { query: whole.query, scale: whole.scale }, memory, binary: context.task === 'binary' }
}

/** What the network would add to `places`, one a query, on the scale of the start. */
function* corrections(read: Read, query: QueryBatch, places: Float64Array): Steps<Float64Array> {
  const asked = read.inputs.query(query, places)
  yield
  const { logit, quantiles } = yield* settled(read.memory.predict(asked))
  const width = quantiles.length / Math.max(1, query.rows)
  const middle = (width - 1) / 2
  return places.map((_, r) => (read.binary ? logit[r] : read.inputs.scale * quantiles[r * width + middle]))
}

/** How much of its corrections the network has earned: it answers the newest rows from those whose windows were closed then. */
function* weigh(network: Network, context: ContextBatch, start: Start, rows: number): Steps<number> {
  const { held, older } = halves(context, rows)
  const read = yield* encode(network, context, start, older, rows)
  if (read === null) return 0
  const newest = part(context, 0, held)
  const places = start.judged.slice(0, held)
  const added = yield* corrections(read, newest, places)
  const outcome = Float64Array.from(newest.y, start.forward)
  const loss = (place: number, r: number): number =>
    read.binary ? softplus(place) - outcome[r] * place : Math.abs(place - outcome[r])
  let best = 0
  let most = 0
  for (const weight of WEIGHTS) {
    const gains = places.map((place, r) => loss(place, r) - loss(place + weight * added[r], r))
    let mean = 0
    for (const gain of gains) mean += gain / held
    let squares = 0
    for (const gain of gains) squares += (gain - mean) ** 2
    const error = Math.sqrt(squares) / held
    if (mean > EARNED * error && mean > most) {
      most = mean
      best = weight
    }
  }
  return BELIEF * best
}

function corrected(linear: LinearFitted, start: Start, read: Read, weight: number): SteppedFitted {
  function* predictSteps(query: QueryBatch) {
    const sums = yield* start.sumsSteps(query)
    const places = sums[0].map(start.toScale)
    const added = yield* corrections(read, query, places)
    const moved = places.map((place, r) => start.fromScale(place + weight * added[r]))
    return yield* start.finishSteps(query.rows, [moved, ...sums.slice(1)])
  }
  return {
    bytes: linear.bytes + read.memory.bytes,
    warnings: linear.warnings,
    predict: query => drain(predictSteps(query)),
    predictSteps,
  }
}
