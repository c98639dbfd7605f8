// The columns' word by a linear model: multinomial coefficients for the classes that have enough examples, the rest told as one.

import type { QueryBatch } from '../../head.js'
import type { Design } from '../matrix.js'
import { type Channel, scaleColumn, selectRows } from '../scaling.js'
import { LAMBDAS } from '../tuning.js'
import { classLoss, fitMultinomial, logProbabilities, normalise, priorCoefficients } from './multinomial.js'
import { type Groups, groupsOf, type Say } from './words.js'

/** Classes that the linear model tells one by one, at most. */
const MOST_MODELS = 24

export interface Linear {
  /** Coefficients by group of classes. */
  readonly b: readonly Float64Array[]
  readonly groups: Groups
  readonly share: Float64Array
}

export function* fitLinear(
  design: Design,
  y: Int32Array,
  rows: Int32Array,
  lambda: number,
  classes: number,
): Generator<void, Linear, void> {
  const groups = groupsOf(y, rows, classes, MOST_MODELS)
  const part = rows.length === design.rows ? design : selectRows(design, rows)
  const labels = Int32Array.from(rows, r => groups.of[y[r]])
  const range = { design: part, from: 0, to: part.rows }
  const prior = priorCoefficients(part, labels, groups.count)
  const b = yield* fitMultinomial(range, labels, lambda, prior)
  return { b, groups, share: Float64Array.from(prior, own => own[part.ones]) }
}

/** The penalty under which rows from `older` on tell most of the newest. */
export function* chooseLambda(
  design: Design,
  y: Int32Array,
  rest: Int32Array,
  held: number,
  classes: number,
): Generator<void, number, void> {
  const groups = groupsOf(y, rest, classes, MOST_MODELS)
  // a class that is new among the newest is told apart from nothing that was known
  const labels = Int32Array.from(y.subarray(0, design.rows), c => Math.min(groups.of[c], groups.count - 1))
  const older = { design, from: rest[0], to: design.rows }
  const yOlder = labels.subarray(rest[0])
  const yNewest = labels.subarray(0, held)
  let best: { lambda: number; loss: number } | null = null
  let b = priorCoefficients(design, yOlder, groups.count)
  for (const lambda of LAMBDAS) {
    b = yield* fitMultinomial(older, yOlder, lambda, b)
    const loss = classLoss(logProbabilities({ design, from: 0, to: held }, b), yNewest)
    if (best === null || loss < best.loss) best = { lambda, loss }
    else if (loss > 1.05 * best.loss) break
  }
  return best!.lambda
}

/** Of all rows of a design. */
export const sayOfLinear = ({ b, groups, share }: Linear, part: Design): Say => ({
  groups,
  share,
  log: logProbabilities({ design: part, from: 0, to: part.rows }, b),
})

/** Of rows [from, to) of a query. */
export function scaledSay(
  { b, groups, share }: Linear,
  channels: readonly Channel[],
  query: QueryBatch,
  from: number,
  to: number,
): Say {
  const ones = channels.length
  const log = b.map(own => new Float64Array(to - from).fill(own[ones]))
  const scaled = new Float64Array(to - from)
  for (let j = 0; j < ones; j++) {
    scaleColumn(channels[j], query.x, query.rows, from, to, scaled, 0)
    for (const [g, own] of b.entries()) for (let i = 0; i < scaled.length; i++) log[g][i] += own[j] * scaled[i]
  }
  normalise(log, to - from)
  return { groups, share, log }
}
