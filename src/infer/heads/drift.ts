// How much the level of a target moves from one window to the next: what the newest windows say of the coming one is off by as much,
// however many rows they hold.

import type { ContextBatch } from '../head.js'

/** Rows of a window below which its level is noise. */
const TELLING = 8
/** Before any window is seen, the level is thought to move by this share of what rows differ by within one, which counts as so many steps. */
const USUAL = 0.15
const STEPS = 3

interface Level {
  readonly mean: number
  readonly variance: number
  /** Variance of the mean, by chance alone. */
  readonly noise: number
}

/**
 * Standard deviation of the step in level between neighbouring windows, in the unit of `residual`: what each row of the context came to, less
 * what is predicted for it. What so few rows differ by anyway is taken off.
 */
export function driftOf(residual: Float64Array, { anchor, weight }: Pick<ContextBatch, 'anchor' | 'weight'>): number {
  const levels: Level[] = []
  for (let from = 0; from < residual.length; ) {
    let to = from + 1
    while (to < residual.length && anchor[to] === anchor[from]) to++
    if (to - from >= TELLING) levels.push(levelOf(residual.subarray(from, to), weight?.subarray(from, to)))
    from = to
  }
  if (levels.length === 0) return 0
  const within = levels.reduce((sum, level) => sum + level.variance, 0) / levels.length
  let squares = STEPS * USUAL ** 2 * within
  for (let i = 1; i < levels.length; i++) {
    const [newer, older] = [levels[i - 1], levels[i]]
    squares += (newer.mean - older.mean) ** 2 - newer.noise - older.noise
  }
  return Math.sqrt(Math.max(0, squares) / (STEPS + levels.length - 1))
}

function levelOf(values: Float64Array, weight?: Float64Array): Level {
  const of = (r: number) => (weight ? weight[r] : 1)
  let [size, squaredSize, sum] = [0, 0, 0]
  for (let r = 0; r < values.length; r++) {
    size += of(r)
    squaredSize += of(r) ** 2
    sum += of(r) * values[r]
  }
  const mean = sum / size
  let squares = 0
  for (let r = 0; r < values.length; r++) squares += of(r) * (values[r] - mean) ** 2
  return { mean, variance: squares / size, noise: (squares / size) * (squaredSize / size ** 2) }
}
