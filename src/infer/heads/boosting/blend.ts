// How much of the answer trees may give: boosted on the older rows of the context, weighed on the newest, which neither model has seen, then
// boosted again on all. The weight goes to zero where they add nothing.

import type { ContextBatch } from '../../head.js'
import type { Split } from '../subsets.js'
import { lossOf } from '../tuning.js'
import { binRows, type Cuts, fitCuts } from './bins.js'
import { boost, RATE, ROUNDS, TREE } from './boost.js'
import { addTree, createGrower, type Tree } from './tree.js'

/** Held-out rows below which their verdict is noise. */
const TELLING = 50
/** Rounds without a better loss after which boosting stops. */
const PATIENCE = 20
const WEIGHTS = [0, 0.15, 0.3, 0.45, 0.6, 0.8, 1] as const
/** The verdict of a few held-out anchors is believed by half, beside a prior that favours the linear model. */
const BELIEF = 0.5
const PRIOR = 0.15

export interface TreeModel {
  /** Share of the answer, 0 < weight < 1. */
  readonly weight: number
  readonly cuts: Cuts
  readonly base: number
  readonly trees: readonly Tree[]
}

/** What is said of the held-out rows, on the scale of the target. */
export interface Held {
  /** By models that had not seen them. */
  readonly judged: Float64Array
  /** By those that answer, which have. */
  readonly seen: Float64Array
}

export interface Blend extends Held {
  /** null: trees add nothing. */
  readonly trees: TreeModel | null
}

/**
 * `y` is 0/1, or the target on the scale of `linear`: what the linear models say of the rows before `held`. Rows from `held` to
 * `older` are seen by neither.
 */
export function* fitBlend(
  context: ContextBatch,
  y: Float64Array,
  { held, older }: Split,
  linear: Held,
  seed: number,
): Generator<void, Blend, void> {
  const { rows, task, x } = context
  const columns = context.columns.length
  if (held < TELLING || columns === 0) return { ...linear, trees: null }
  const cuts = yield* fitCuts(x, columns, rows)
  const base = baseOf(task, y.subarray(older))
  const bins = binRows(cuts, x, rows, 0, rows)
  yield
  const grower = createGrower(bins, rows, columns, TREE)
  yield
  const truth = y.subarray(0, held)
  const current = new Float64Array(held).fill(base)
  let best = { rounds: 0, loss: lossOf(task, current, truth), predicted: Float64Array.from(current) }
  const input = {
    grower,
    columns,
    from: older,
    y: y.subarray(older),
    start: new Float64Array(rows - older).fill(base),
    task,
    seed,
  }
  yield* boost(input, ROUNDS, (round, tree) => {
    addTree(tree, bins, held, RATE, current, rows)
    const loss = lossOf(task, current, truth)
    if (loss < best.loss) best = { rounds: round, loss, predicted: Float64Array.from(current) }
    return round - best.rounds >= PATIENCE
  })
  const weight = best.rounds === 0 ? 0 : weigh(task, best.predicted, linear.judged, truth)
  if (weight === 0) return { ...linear, trees: null }
  const again = baseOf(task, y)
  const trees = yield* boost(
    { grower, columns, from: 0, y, start: new Float64Array(rows).fill(again), task, seed },
    best.rounds,
  )
  const told = new Float64Array(held).fill(again)
  for (const tree of trees) addTree(tree, bins, held, RATE, told, rows)
  return {
    trees: { weight, cuts, base: again, trees },
    judged: mix(best.predicted, linear.judged, weight),
    seen: mix(told, linear.seen, weight),
  }
}

function weigh(task: ContextBatch['task'], trees: Float64Array, linear: Float64Array, y: Float64Array): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (const weight of WEIGHTS) {
    const loss = lossOf(task, mix(trees, linear, weight), y)
    if (loss < least - 1e-12) {
      least = loss
      best = weight
    }
  }
  return best === 0 ? 0 : PRIOR + BELIEF * best
}

const mix = (trees: Float64Array, linear: Float64Array, weight: number): Float64Array =>
  linear.map((v, r) => weight * trees[r] + (1 - weight) * v)

/** The prior's logit, or the mean. */
function baseOf(task: ContextBatch['task'], y: Float64Array): number {
  let sum = 0
  for (const v of y) sum += v
  return task === 'binary' ? Math.log((sum + 0.5) / (y.length - sum + 0.5)) : sum / Math.max(1, y.length)
}

/** Blends the trees' say on rows [from, to) of the query's column-major `x` into the linear model's, in place. */
export function blendInto(
  { weight, cuts, base, trees }: TreeModel,
  x: Float64Array,
  rows: number,
  from: number,
  to: number,
  linear: Float64Array,
): void {
  const bins = binRows(cuts, x, rows, from, to)
  const told = new Float64Array(to - from).fill(base)
  for (const tree of trees) addTree(tree, bins, to - from, RATE, told)
  for (let r = from; r < to; r++) linear[r] = weight * told[r - from] + (1 - weight) * linear[r]
}

/** Memory held. */
export const bytesOf = ({ cuts, trees }: TreeModel): number =>
  cuts.byColumn.reduce((sum, c) => sum + c.byteLength, 0) + trees.reduce((sum, t) => sum + 20 * t.value.length, 0)
