// Which columns are worth keeping: rank correlation with the label, or of being missing with it.

import { drain } from '../heads/stepped.js'
import { correlation, createRanker } from './rank.js'

/** Columns scored between two pauses. */
const STEP = 16

/** Below this share of missing values, missing says nothing. */
export const MISSING_SHARE = 0.02

/**
 * Score of each column of `x` (column-major, rows = y.length): max(|Spearman|, half of |correlation of the missing flag|).
 * Constant columns and copies of an earlier column score -1.
 */
export function scoreColumns(x: Float64Array, columns: number, y: Float64Array): Float64Array {
  return drain(scoreSteps(x, columns, y))
}

/** The same, some columns at a time, giving way in between. */
export function* scoreSteps(x: Float64Array, columns: number, y: Float64Array): Generator<void, Float64Array, void> {
  const n = y.length
  const scores = new Float64Array(columns).fill(-1)
  if (n === 0) return scores
  const ranker = createRanker(n)
  const labels = new Float64Array(n)
  ranker.rank(y, 0, labels)
  // two values have the same correlation whatever stands for them
  const twoValued = y.every(value => value === 0 || value === 1)
  const values = new Float64Array(n)
  const ranks = new Float64Array(n)
  const partial = new Float64Array(n)
  const missing = new Float64Array(n)
  const seen = new Map<number, number[]>()
  for (let c = 0; c < columns; c++) {
    if (c % STEP === STEP - 1) yield
    const from = c * n
    if (isConstant(x, from, n) || isCopy(x, from, n, seen)) continue
    const present = ranker.rank(x, from, ranks)
    let labelRanks = labels
    if (present < n && present > 0 && !twoValued) {
      // ranks of the labels among the rows where the column is present
      for (let i = 0; i < n; i++) values[i] = Number.isNaN(ranks[i]) ? Number.NaN : y[i]
      ranker.rank(values, 0, partial)
      labelRanks = partial
    }
    let score = Math.abs(correlation(ranks, labelRanks))
    const absent = n - present
    if (absent > MISSING_SHARE * n) {
      for (let i = 0; i < n; i++) missing[i] = Number.isNaN(ranks[i]) ? 1 : 0
      score = Math.max(score, 0.5 * Math.abs(correlation(missing, y)))
    }
    scores[c] = score
  }
  return scores
}

/**
 * The same where labels are classes: the root of the share of a column's rank variance that lies between classes, and half of it for being
 * missing.
 */
export function* scoreClassesSteps(
  x: Float64Array,
  columns: number,
  y: Float64Array,
): Generator<void, Float64Array, void> {
  const n = y.length
  const scores = new Float64Array(columns).fill(-1)
  if (n === 0) return scores
  const ranker = createRanker(n)
  const ranks = new Float64Array(n)
  const seen = new Map<number, number[]>()
  for (let c = 0; c < columns; c++) {
    if (c % STEP === STEP - 1) yield
    const from = c * n
    if (isConstant(x, from, n) || isCopy(x, from, n, seen)) continue
    const present = ranker.rank(x, from, ranks)
    let score = betweenClasses(ranks, y)
    if (n - present > MISSING_SHARE * n) {
      const missing = Float64Array.from(ranks, rank => (Number.isNaN(rank) ? 1 : 0))
      score = Math.max(score, 0.5 * betweenClasses(missing, y))
    }
    scores[c] = score
  }
  return scores
}

function betweenClasses(values: Float64Array, y: Float64Array): number {
  const sums = new Map<number, { n: number; sum: number }>()
  let n = 0
  let sum = 0
  let squares = 0
  for (let i = 0; i < y.length; i++) {
    const v = values[i]
    if (Number.isNaN(v)) continue
    n++
    sum += v
    squares += v * v
    const own = sums.get(y[i])
    if (own) {
      own.n++
      own.sum += v
    } else sums.set(y[i], { n: 1, sum: v })
  }
  const total = squares - (sum * sum) / n
  if (!(total > 0) || n <= sums.size) return 0
  let between = -(sum * sum) / n
  for (const own of sums.values()) between += (own.sum * own.sum) / own.n
  // chance alone puts (classes - 1) / (n - 1) of it there
  return Math.sqrt(Math.max(0, between / total - (sums.size - 1) / (n - 1)))
}

/** The `most` best columns by score, ties as `tied` orders them, as ascending column numbers; columns scored below 0 never. */
export function bestColumns(
  scores: Float64Array,
  most: number,
  tied: (a: number, b: number) => number = (a, b) => a - b,
): Int32Array {
  const order: number[] = []
  for (let c = 0; c < scores.length; c++) if (scores[c] >= 0) order.push(c)
  order.sort((a, b) => scores[b] - scores[a] || tied(a, b))
  return Int32Array.from(order.slice(0, most)).sort()
}

export function isConstant(x: Float64Array, from: number, n: number): boolean {
  const first = x[from]
  if (Number.isNaN(first)) {
    for (let i = from + 1; i < from + n; i++) if (!Number.isNaN(x[i])) return false
    return true
  }
  for (let i = from + 1; i < from + n; i++) if (x[i] !== first) return false
  return true
}

/** Whether an earlier column has the very same values; `seen` holds the offsets of columns by hash. */
export function isCopy(x: Float64Array, from: number, n: number, seen: Map<number, number[]>): boolean {
  const words = new Uint32Array(x.buffer, x.byteOffset + 8 * from, 2 * n)
  let hash = 0
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i], 0x9e3779b1) + (hash >>> 15)
  const others = seen.get(hash)
  if (!others) {
    seen.set(hash, [from])
    return false
  }
  for (const other of others) {
    let i = 0
    while (i < n && (x[from + i] === x[other + i] || (Number.isNaN(x[from + i]) && Number.isNaN(x[other + i])))) i++
    if (i === n) return true
  }
  others.push(from)
  return false
}
