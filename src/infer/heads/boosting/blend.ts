// How much of the answer trees may give: boosted on the older rows of the context, weighed on the newest, which neither model has seen, then
// boosted again on all. The weight goes to zero where they add nothing.

import type { ContextBatch } from '../../head.js'
import type { Steps } from '../stepped.js'
import type { Split } from '../subsets.js'
import { lossOf } from '../tuning.js'
import { binRows } from './bins.js'
import { RATE } from './boost.js'
import type { Growing, Grown } from './grow.js'
import { addTree } from './tree.js'

/** Held-out rows below which their verdict is noise. */
const TELLING = 50
const WEIGHTS = [0, 0.15, 0.3, 0.45, 0.6, 0.8, 1] as const
/** The verdict of a few held-out anchors is believed by half, beside a prior that favours the linear model. */
const BELIEF = 0.5
const PRIOR = 0.15

export interface TreeModel extends Omit<Grown, 'seen'> {
  /** Share of the answer, 0 < weight < 1. */
  readonly weight: number
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

/** Whether trees are grown at all: on rows from `older` on, judged by those before `held`. */
export const worthTrees = ({ columns }: ContextBatch, { held }: Split): boolean => held >= TELLING && columns.length > 0

/** `linear`: what the linear models say of the rows that judge, on the scale of their labels `y`. */
export function* blendSteps(growing: Growing, task: ContextBatch['task'], linear: Held, y: Float64Array): Steps<Blend> {
  const { rounds, predicted } = yield* growing.judged()
  const weight = rounds === 0 ? 0 : weigh(task, predicted, linear.judged, y)
  if (weight === 0) return { ...linear, trees: null }
  const { seen, ...grown } = yield* growing.all()
  return {
    trees: { ...grown, weight },
    judged: mix(predicted, linear.judged, weight),
    seen: mix(seen, linear.seen, weight),
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
