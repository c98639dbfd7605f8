// The head of contexts that tell nothing apart: a shrunk prior where there is one class, one value, or next to no rows.

import type { ContextBatch, Prediction, QueryBatch } from '../head.js'
import type { SteppedFitted } from './stepped.js'
import type { Warnings } from './usable.js'

/** From this many examples on, nine in ten of what comes lies within them. */
const ENOUGH = 19

/** Every row gets the same answer: half a success and half a failure are added to what was seen. */
export function constantHead(context: ContextBatch, warnings: Warnings): SteppedFitted {
  const answer = context.task === 'binary' ? binary(context) : numeric(context)
  return {
    bytes: 1024,
    warnings,
    predict: answer,
    *predictSteps(query) {
      yield
      return answer(query)
    },
  }
}

function binary({ y, weight }: ContextBatch): (query: QueryBatch) => Prediction {
  const { share, size } = sharesOf(y, weight)
  let positives = 0
  for (let r = 0; r < y.length; r++) positives += share(r) * y[r]
  const p = (size * positives + 0.5) / (size + 1)
  return query => ({ task: 'binary', probability: new Float64Array(query.rows).fill(p) })
}

/**
 * What the examples say of the next one; where they are so few that it lies beyond them more often than not in ten, the bounds are moved out
 * by a share of what the examples differ by, and of their size.
 */
function numeric({ y, weight, nonNegative }: ContextBatch): (query: QueryBatch) => Prediction {
  const floor = nonNegative ? 0 : Number.NEGATIVE_INFINITY
  const { share } = sharesOf(y, weight)
  const order = Array.from(y.keys()).sort((a, b) => y[a] - y[b])
  const [min, max] = y.length > 0 ? [y[order[0]], y[order[y.length - 1]]] : [0, 0]
  const median = y.length > 0 ? medianOf(y, order, share) : 0
  let mean = 0
  for (let r = 0; r < y.length; r++) mean += share(r) * y[r]
  // the next of n examples lies within them with probability (n - 1) / (n + 1)
  const few = y.length > 0 && y.length < ENOUGH
  const slack = few ? (max - min + Math.abs(median)) / y.length : 0
  const at = (value: number) => (query: QueryBatch) => new Float64Array(query.rows).fill(Math.max(floor, value))
  const answer = {
    median: at(median),
    mean: at(Math.min(max, Math.max(min, mean))),
    lower: at(min - slack),
    upper: at(max + slack),
  }
  return query => ({
    task: 'numeric',
    median: answer.median(query),
    mean: answer.mean(query),
    lower: answer.lower(query),
    upper: answer.upper(query),
  })
}

/** Each row's share of what all stand for, and how many that stood for as much each would tell the same. */
function sharesOf(y: Float64Array, weight?: Float64Array): { share: (row: number) => number; size: number } {
  if (!weight) return { share: () => 1 / y.length, size: y.length }
  let [sum, squares] = [0, 0]
  for (const w of weight) {
    sum += w
    squares += w * w
  }
  return { share: r => weight[r] / sum, size: squares > 0 ? sum ** 2 / squares : 0 }
}

/** The value with half of all that rows stand for on either side; between two where they split evenly. */
function medianOf(y: Float64Array, ascending: readonly number[], share: (row: number) => number): number {
  let below = 0
  for (let i = 0; i < ascending.length; i++) {
    below += share(ascending[i])
    if (below > 0.5 + 1e-12) return y[ascending[i]]
    if (below >= 0.5 - 1e-12 && i + 1 < ascending.length) return y[ascending[i]] / 2 + y[ascending[i + 1]] / 2
  }
  return y[ascending[ascending.length - 1]]
}
