// Mean label of each category, shrunk to the overall mean; for a context row only from windows that were closed at its anchor.

/** Pseudo rows at the overall mean. */
const PSEUDO = 10
const FOLDS = 5

export interface TargetEncoder {
  /** Mean label of a code over the whole context: what queries get. A code never seen, or NULL, has the overall mean. */
  value(code: number): number
  readonly bytes: number
}

export interface FittedEncoder {
  readonly encoder: TargetEncoder
  /** Encoding of each context row from rows whose window was closed at its anchor; NaN where there is none. */
  readonly asOf: Float64Array
}

/**
 * Fits on context rows ordered newest anchor first. `strides` is how many anchors older a row's anchor has to be for its window to be
 * closed; 0: all rows are read at one moment, and none knows its own. `missing` is the code that means NULL.
 */
export function fitEncoder(
  codes: Int32Array,
  anchor: Int32Array,
  y: Float64Array,
  strides: number,
  missing: number,
): FittedEncoder {
  const n = codes.length
  const asOf = new Float64Array(n)
  const sums = new Map<number, number>()
  const counts = new Map<number, number>()
  let sum = 0
  let count = 0
  const encode = (code: number): number => {
    if (count === 0) return Number.NaN
    const mean = sum / count
    const seen = counts.get(code)
    return seen === undefined ? mean : ((sums.get(code) ?? 0) + PSEUDO * mean) / (seen + PSEUDO)
  }
  const add = (i: number) => {
    sum += y[i]
    count++
    if (codes[i] === missing) return
    sums.set(codes[i], (sums.get(codes[i]) ?? 0) + y[i])
    counts.set(codes[i], (counts.get(codes[i]) ?? 0) + 1)
  }
  /** Rows of one moment: each is told by the other folds. Leaves all rows added; gives the bytes held. */
  const foldwise = (): number => {
    for (let fold = 0; fold < FOLDS; fold++) {
      sums.clear()
      counts.clear()
      sum = 0
      count = 0
      for (let i = 0; i < n; i++) if (i % FOLDS !== fold) add(i)
      for (let i = fold; i < n; i += FOLDS) asOf[i] = encode(codes[i])
    }
    for (let i = 0; i < n; i += 1) if (i % FOLDS === FOLDS - 1) add(i)
    return 64 * counts.size + 64
  }
  // from the oldest row to the newest, letting in what has closed by then
  if (strides === 0) return { encoder: { value: encode, bytes: foldwise() }, asOf }
  let closed = n - 1
  for (let i = n - 1; i >= 0; i--) {
    while (closed >= 0 && anchor[closed] >= anchor[i] + strides) add(closed--)
    asOf[i] = encode(codes[i])
  }
  while (closed >= 0) add(closed--)
  return { encoder: { value: encode, bytes: 64 * counts.size + 64 }, asOf }
}
