// (Z' W Z + diag(penalty)) b = right, by conjugate gradients preconditioned with a Cholesky factor of nearly the same matrix. A pass
// costs rows x width; a weighted cross product would cost width times that, at every change of the weights.

import { applyNormal, dot, type Range, solveFactored } from './matrix.js'

export interface System {
  readonly range: Range
  /** Weight of each row of the range. */
  readonly weights: Float64Array
  readonly penalty: Float64Array
  /** Lower Cholesky factor of the preconditioner. */
  readonly factor: Float64Array
}

/** Improves `start` until the residual has shrunk by `reduction`, or for `limit` passes; gives the passes used. */
export function* conjugate(
  system: System,
  right: Float64Array,
  start: Float64Array,
  reduction: number,
  limit: number,
): Generator<void, { readonly solution: Float64Array; readonly passes: number }, void> {
  const { range, weights, penalty, factor } = system
  const width = range.design.width
  const b = Float64Array.from(start)
  const residual = applyNormal(range, weights, penalty, b)
  for (let j = 0; j < width; j++) residual[j] = right[j] - residual[j]
  const goal = Math.max(reduction * Math.sqrt(dot(residual, residual)), 1e-13 * Math.sqrt(dot(right, right)))
  let z = solveFactored(factor, width, residual)
  const direction = Float64Array.from(z)
  let energy = dot(residual, z)
  let passes = 0
  while (passes < limit && Math.sqrt(dot(residual, residual)) > goal && energy > 0) {
    const image = applyNormal(range, weights, penalty, direction)
    const curvature = dot(direction, image)
    if (!(curvature > 0)) break
    const step = energy / curvature
    for (let j = 0; j < width; j++) {
      b[j] += step * direction[j]
      residual[j] -= step * image[j]
    }
    z = solveFactored(factor, width, residual)
    const next = dot(residual, z)
    const turn = next / energy
    for (let j = 0; j < width; j++) direction[j] = z[j] + turn * direction[j]
    energy = next
    passes++
    yield
  }
  return { solution: b, passes }
}
