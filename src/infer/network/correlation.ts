// Means, spreads and correlations of whole columns.

export function meanOf(v: Float64Array): number {
  let sum = 0
  for (const a of v) sum += a
  return sum / v.length
}

export function spreadOf(v: Float64Array): number {
  const mean = meanOf(v)
  let squares = 0
  for (const a of v) squares += (a - mean) ** 2
  return Math.sqrt(squares / v.length)
}

/** 0 where either does not vary. */
export function correlation(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [meanOf(a), meanOf(b)]
  let cross = 0
  let squaresA = 0
  let squaresB = 0
  for (let i = 0; i < a.length; i++) {
    const [u, v] = [a[i] - meanA, b[i] - meanB]
    cross += u * v
    squaresA += u * u
    squaresB += v * v
  }
  const spread = Math.sqrt(squaresA * squaresB)
  return spread > 1e-9 ? cross / spread : 0
}
