// Which columns a context keeps: the best raw columns and percentiles of the best raw columns, together.

import { type Cohorts, cohortPercentiles } from './cohort.js'
import { bestColumns, type scoreClassesSteps } from './select.js'

const COHORT_COLUMNS = 60
const COLUMNS = 150
/** Columns ranked between two pauses. */
const STEP = 16

/** Column c of the batch is raw column `raw`, or its percentile in the cohort. */
export interface Choice {
  readonly raw: Int32Array
  readonly cohort: Uint8Array
}

/** The best raw columns and percentiles of the best raw columns, together. */
export function* choose(
  x: Float64Array,
  columns: number,
  y: Float64Array,
  cohorts: Cohorts,
  scoreSteps: typeof scoreClassesSteps,
): Generator<void, Choice, void> {
  const n = y.length
  const scores = yield* scoreSteps(x, columns, y)
  const ranked = bestColumns(scores, COHORT_COLUMNS, (a, b) => compare(x, a * n, x, b * n, n))
  const percentiles = new Float64Array(ranked.length * n)
  for (const [c, column] of ranked.entries()) {
    cohortPercentiles(x, column * n, cohorts, percentiles, c * n)
    if (c % STEP === STEP - 1) yield
  }
  const both = new Float64Array(columns + ranked.length)
  both.set(scores)
  both.set(yield* scoreSteps(percentiles, ranked.length, y), columns)
  const among = (a: number, b: number) => {
    const [one, two] = [a, b].map(c =>
      c < columns ? ([x, c * n] as const) : ([percentiles, (c - columns) * n] as const),
    )
    return compare(...one, ...two, n)
  }
  // by what they hold, not by where they stood: the order of a table's columns is no input
  const best = bestColumns(both, COLUMNS, among).sort((a, b) => both[b] - both[a] || among(a, b))
  return {
    raw: best.map(c => (c < columns ? c : ranked[c - columns])),
    cohort: Uint8Array.from(best, c => (c < columns ? 0 : 1)),
  }
}

/** Orders two columns by their first values that differ; missing ones come first. */
function compare(x: Float64Array, a: number, y: Float64Array, b: number, n: number): number {
  for (let i = 0; i < n; i++) {
    const [one, two] = [x[a + i], y[b + i]]
    if (one === two || (Number.isNaN(one) && Number.isNaN(two))) continue
    return Number.isNaN(one) || one < two ? -1 : 1
  }
  return a - b
}
