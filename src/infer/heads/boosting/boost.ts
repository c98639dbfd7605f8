// Gradient boosting from given starting predictions: what trees can add to a linear model, told by rows they have not seen.

import { sigmoid } from '../logistic.js'
import { mix } from '../mix.js'
import type { Grower, Tree } from './tree.js'

export const RATE = 0.08
export const ROUNDS = 100
export const TREE = { leaves: 12, minRows: 20, l2: 5 } as const
/** Share of the columns that each tree may use. */
const COLUMN_SHARE = 0.5
const FEW_COLUMNS = 16

export interface BoostInput {
  readonly grower: Grower
  readonly columns: number
  /** Rows learnt from: those of the grower from `from` on, as many as `y` has. */
  readonly from: number
  readonly y: Float64Array
  /** Logits, or values on the target's scale, that boosting starts from. */
  readonly start: Float64Array
  readonly task: 'binary' | 'numeric'
  readonly seed: number
}

/** Called after each round with its number, from 1; true stops. */
export type Watch = (round: number, tree: Tree) => boolean

export function* boost(input: BoostInput, rounds: number, watch?: Watch): Generator<void, Tree[], void> {
  const { grower, from, columns, y, task, seed } = input
  const rows = y.length
  const most = columns <= FEW_COLUMNS ? columns : Math.ceil(columns * COLUMN_SHARE)
  const current = Float64Array.from(input.start)
  const gradient = new Float64Array(rows)
  const curvature = new Float64Array(rows).fill(1)
  const trees: Tree[] = []
  for (let round = 1; round <= rounds; round++) {
    for (let r = 0; r < rows; r++) {
      if (task === 'binary') {
        const p = sigmoid(current[r])
        gradient[r] = p - y[r]
        curvature[r] = Math.max(p * (1 - p), 1e-6)
      } else gradient[r] = current[r] - y[r]
    }
    const tree = grower.grow(
      { columns: someColumns(columns, most, seed, round), gradient, curvature },
      from,
      from + rows,
    )
    // its columns told nothing; the next tree has others
    if (tree.value.length === 1) continue
    grower.add(RATE, current)
    trees.push(tree)
    yield
    if (watch?.(round, tree)) break
  }
  return trees
}

/** The `most` columns with the smallest hash of (column, round, seed), ascending: those that a round's trees may use. */
export function someColumns(columns: number, most: number, seed: number, round: number): Int32Array {
  const hash = Uint32Array.from({ length: columns }, (_, c) => mix(c, Math.imul(round, 0x9e3779b1) ^ seed))
  const order = Array.from(hash.keys()).sort((a, b) => hash[a] - hash[b] || a - b)
  return Int32Array.from(order.slice(0, most)).sort()
}
