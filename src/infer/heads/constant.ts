// The head of contexts that tell nothing apart: a shrunk prior where there is one class, one value, or next to no rows.

import type { ContextBatch, Prediction, QueryBatch } from '../head.js'
import type { SteppedFitted } from './stepped.js'
import { medianOf } from './tuning.js'
import type { Warnings } from './usable.js'

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
  let positives = 0
  let total = 0
  for (let r = 0; r < y.length; r++) {
    const w = weight ? weight[r] : 1
    positives += w * y[r]
    total += w
  }
  const p = (positives + 0.5) / (total + 1)
  return query => ({ task: 'binary', probability: new Float64Array(query.rows).fill(p) })
}

function numeric({ y, nonNegative }: ContextBatch): (query: QueryBatch) => Prediction {
  const floor = nonNegative ? 0 : Number.NEGATIVE_INFINITY
  let mean = 0
  let min = y.length > 0 ? Number.POSITIVE_INFINITY : 0
  let max = y.length > 0 ? Number.NEGATIVE_INFINITY : 0
  for (const v of y) {
    mean += v / y.length
    min = Math.min(min, v)
    max = Math.max(max, v)
  }
  const of = (value: number) => (query: QueryBatch) => new Float64Array(query.rows).fill(Math.max(floor, value))
  const [median, average, lower, upper] = [medianOf(y), Math.min(max, Math.max(min, mean)), min, max].map(of)
  return query => ({
    task: 'numeric',
    median: median(query),
    mean: average(query),
    lower: lower(query),
    upper: upper(query),
  })
}
