// Where a label is a list of values: the lists of examples, and which values a row is known to hold besides the one that is asked about.

import type { Lists, Neighbourhood } from '../decode/neighbourhood.js'
import type { Sets } from '../head.js'
import { correlation, createRanker } from './rank.js'
import { isConstant, isCopy, MISSING_SHARE } from './select.js'
import type { View } from './view.js'

/** Values that columns are judged by, the commonest. */
const JUDGES = 12
/** Columns judged between two pauses. */
const STEP = 8

/** The lists that labels are the numbers of, row by row. */
export function setsOf({ start, of }: Lists, y: Float64Array): Sets {
  const starts = new Int32Array(y.length + 1)
  for (let r = 0; r < y.length; r++) starts[r + 1] = starts[r] + start[y[r] + 1] - start[y[r]]
  const values = new Int32Array(starts[y.length])
  for (let r = 0; r < y.length; r++) values.set(of.subarray(start[y[r]], start[y[r] + 1]), starts[r])
  return { start: starts, of: values }
}

export interface SetPlan {
  /** Class of a hash. */
  readonly classOf: ReadonlyMap<number, number>
  readonly histories: readonly { readonly stream: number; readonly channel: number }[]
}

/** What to read of the lists of those asked about; null where labels are no lists. */
export function planSets({ spec, classes }: Neighbourhood): SetPlan | null {
  if (spec.task !== 'list') return null
  return {
    classOf: new Map(Array.from(classes?.hash ?? [], (h, c) => [h, c])),
    histories: spec.target.histories ?? [],
  }
}

/** The values that the rows of a view hold, each once. */
export function heldBy(view: View, { classOf, histories }: SetPlan): Sets {
  const start = new Int32Array(view.rows + 1)
  const of: number[] = []
  for (let r = 0; r < view.rows; r++) {
    const held = new Set<number>()
    for (const { stream, channel } of histories) {
      const { lo, hi } = view.span(stream)
      const codes = view.neighbourhood.streams[stream].codes[channel]
      for (let i = lo[r]; i < hi[r]; i++) {
        const found = classOf.get(codes[i])
        if (found !== undefined) held.add(found)
      }
    }
    of.push(...[...held].sort((a, b) => a - b))
    start[r + 1] = of.length
  }
  return { start, of: Int32Array.from(of) }
}

/**
 * Score of each column: its strongest rank correlation with holding one of the commonest values, or half of it for being missing; constant
 * columns and copies -1.
 */
export function* scoreSetsSteps(
  x: Float64Array,
  columns: number,
  { start, of }: Sets,
): Generator<void, Float64Array, void> {
  const n = start.length - 1
  const scores = new Float64Array(columns).fill(-1)
  if (n === 0) return scores
  const counts = new Map<number, number>()
  for (const value of of) counts.set(value, (counts.get(value) ?? 0) + 1)
  const judges = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, JUDGES)
  const labels = judges.map(([value]) => {
    const holds = new Float64Array(n)
    for (let r = 0; r < n; r++) for (let i = start[r]; i < start[r + 1]; i++) if (of[i] === value) holds[r] = 1
    return holds
  })
  const ranker = createRanker(n)
  const ranks = new Float64Array(n)
  const missing = new Float64Array(n)
  const seen = new Map<number, number[]>()
  for (let c = 0; c < columns; c++) {
    if (c % STEP === STEP - 1) yield
    if (isConstant(x, c * n, n) || isCopy(x, c * n, n, seen)) continue
    const absent = n - ranker.rank(x, c * n, ranks)
    const tells = absent > MISSING_SHARE * n
    if (tells) for (let r = 0; r < n; r++) missing[r] = Number.isNaN(ranks[r]) ? 1 : 0
    scores[c] = 0
    for (const holds of labels) {
      scores[c] = Math.max(scores[c], Math.abs(correlation(ranks, holds)))
      if (tells) scores[c] = Math.max(scores[c], 0.5 * Math.abs(correlation(missing, holds)))
    }
  }
  return scores
}
