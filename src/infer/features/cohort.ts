// Cohorts: the rows of one anchor, against which a row's values are ranked and its past is shrunk. Never the rows being scored.

/** Rows a cohort must have; an anchor with fewer borrows from older anchors, which its rows may see, never from newer ones. */
const MIN_ROWS = 10
/** Values a column must have in the cohort for a rank to mean something. */
const MIN_VALUES = 5

/** Contiguous groups of rows, newest anchor first, and for each the range of rows that is its cohort. */
export interface Cohorts {
  readonly count: number
  /** count + 1 offsets: rows of group g are start[g] … start[g + 1] - 1. */
  readonly start: Int32Array
  /** The cohort of group g is rows start[g] … end[g] - 1; too few rows in all leave it empty. */
  readonly end: Int32Array
}

/** Groups rows that are ordered by anchor index. */
export function groupByAnchor(anchor: Int32Array): Cohorts {
  const starts: number[] = []
  for (let i = 0; i < anchor.length; i++) if (i === 0 || anchor[i] !== anchor[i - 1]) starts.push(i)
  const count = starts.length
  starts.push(anchor.length)
  const end = new Int32Array(count)
  for (let g = 0; g < count; g++) {
    let last = g + 1
    while (last < count && starts[last] - starts[g] < MIN_ROWS) last++
    end[g] = starts[last] - starts[g] >= MIN_ROWS ? starts[last] : starts[g]
  }
  return { count, start: Int32Array.from(starts), end }
}

/** Present values of x[from … to - 1], sorted. */
export function sortedValues(x: Float64Array, from: number, to: number): Float64Array {
  let n = 0
  const out = new Float64Array(to - from)
  for (let i = from; i < to; i++) if (!Number.isNaN(x[i])) out[n++] = x[i]
  return out.slice(0, n).sort()
}

/** Mid-rank percentile of a value among sorted ones, in [0, 1]; NaN for a missing value or too few others. */
export function percentile(sorted: Float64Array, value: number): number {
  const n = sorted.length
  if (Number.isNaN(value) || n < MIN_VALUES) return Number.NaN
  let low = 0
  let high = n
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle] < value) low = middle + 1
    else high = middle
  }
  let end = low
  high = n
  while (end < high) {
    const middle = (end + high) >>> 1
    if (sorted[middle] <= value) end = middle + 1
    else high = middle
  }
  return (low + end) / (2 * n)
}

/** Percentile of every value of a column within its own cohort. */
export function cohortPercentiles(
  x: Float64Array,
  from: number,
  cohorts: Cohorts,
  out: Float64Array,
  to: number,
): void {
  for (let g = 0; g < cohorts.count; g++) {
    const start = cohorts.start[g]
    const sorted = sortedValues(x, from + start, from + cohorts.end[g])
    for (let i = start; i < cohorts.start[g + 1]; i++) out[to + i] = percentile(sorted, x[from + i])
  }
}

/** Mean of the present values of x[from … to - 1]; NaN where there is none. */
export function presentMean(x: Float64Array, from: number, to: number): number {
  let sum = 0
  let n = 0
  for (let i = from; i < to; i++)
    if (!Number.isNaN(x[i])) {
      sum += x[i]
      n++
    }
  return n > 0 ? sum / n : Number.NaN
}
