// What queries are compared with, the reference population, and the encoder that turns them into rows of a context's columns.

import type { Neighbourhood } from '../decode/neighbourhood.js'
import type { QueryBatch } from '../head.js'
import { drain } from '../heads/stepped.js'
import type { LagPriors } from './block-lag.js'
import type { Choice } from './choice.js'
import { type ClassPlan, classSide } from './classes.js'
import { type Cohorts, percentile, presentMean, sortedValues } from './cohort.js'
import type { FeatureColumn } from './columns.js'
import { computeSteps } from './compute.js'
import { heldBy, type SetPlan } from './sets.js'
import { emptyPriors, shrinkColumns } from './shrink.js'
import { createView, type RowSet } from './view.js'

/** A reference population smaller than this is filled up with the newest context rows. */
const MIN_REFERENCE = 10

export interface Computed {
  readonly x: Float64Array
  /** Mean past of each anchor's cohort. */
  readonly priors: LagPriors
}

/** What queries are compared with: sorted columns of the reference population, and its mean past. */
export function* referenceColumns(
  neighbourhood: Neighbourhood,
  raw: readonly FeatureColumn[],
  chosen: Choice,
  reference: RowSet,
  context: Computed & { readonly set: RowSet; readonly cohorts: Cohorts },
): Generator<void, { sorted: Float64Array[]; priors: LagPriors }, void> {
  const view = createView(neighbourhood, reference)
  const n = view.rows
  const x = yield* computeSteps(view, raw, null)
  const priors = emptyPriors(1)
  const newest = context.set.anchor[0]
  const atReference = emptyPriors(neighbourhood.anchors.count)
  yield* shrinkColumns(view, raw, x, atReference, (from, means) => {
    const query = means === atReference.mean3 ? priors.mean3 : priors.mean10
    const fallback = means === atReference.mean3 ? context.priors.mean3 : context.priors.mean10
    query[0] = n >= MIN_REFERENCE || newest === undefined ? presentMean(x, from, from + n) : fallback[newest]
    means.fill(query[0])
  })
  const total = context.set.key.length
  const borrowed = n < MIN_REFERENCE && total > 0 ? context.cohorts.end[0] : 0
  const pooled = new Float64Array(n + borrowed)
  const sorted = raw.map((_, c) => {
    if (!chosen.raw.some((from, i) => from === c && chosen.cohort[i])) return new Float64Array(0)
    pooled.set(x.subarray(c * n, (c + 1) * n))
    pooled.set(context.x.subarray(c * total, c * total + borrowed), n)
    return sortedValues(pooled, 0, pooled.length)
  })
  return { sorted, priors }
}

/** Unless told otherwise, everything that is scored stands at its own anchor, and other keys at the query's. */
const anchorsOf = ({ scored }: Neighbourhood, keys: Int32Array): Int32Array =>
  keys === scored.key ? scored.anchor : new Int32Array(keys.length)

/** Apart from prepareContext, so that what lives in the cache holds on to no neighbourhood. */
export function queryEncoder(
  raw: readonly FeatureColumn[],
  chosen: Choice,
  sorted: readonly Float64Array[],
  priors: LagPriors,
  classPlan: ClassPlan | null,
  sets: SetPlan | null,
) {
  function* encodeSteps(query: Neighbourhood, keys: Int32Array, anchor: Int32Array): Generator<void, QueryBatch, void> {
    const n = keys.length
    const view = createView(query, { key: keys, anchor })
    const values = yield* computeSteps(view, raw, priors)
    const x = new Float64Array(chosen.raw.length * n)
    for (const [c, from] of chosen.raw.entries()) {
      if (!chosen.cohort[c]) x.set(values.subarray(from * n, (from + 1) * n), c * n)
      else for (let i = 0; i < n; i++) x[c * n + i] = percentile(sorted[from], values[from * n + i])
    }
    yield
    return {
      rows: n,
      x,
      ...(classPlan && { classes: classSide(view, classPlan) }),
      ...(sets && { held: heldBy(view, sets) }),
    }
  }
  return {
    encodeSteps: (query: Neighbourhood, keys = query.scored.key, anchor = anchorsOf(query, keys)) =>
      encodeSteps(query, keys, anchor),
    encode: (query: Neighbourhood, keys = query.scored.key, anchor = anchorsOf(query, keys)) =>
      drain(encodeSteps(query, keys, anchor)),
  }
}
