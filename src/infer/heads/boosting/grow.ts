// Trees of a context: boosted on its older rows for as long as that helps to tell its newest, then boosted again on all. What a linear model says
// beside them plays no part in it, so that another thread can do it meanwhile.

import type { Steps } from '../stepped.js'
import { lossOf } from '../tuning.js'
import { binRows, type Cuts, fitCuts } from './bins.js'
import { boost, RATE, ROUNDS, TREE } from './boost.js'
import { addTree, createGrower, type Tree } from './tree.js'

/** Rounds without a better loss after which boosting stops. */
const PATIENCE = 20

/** Plain data: it may be on its way to another thread. */
export interface Plot {
  readonly task: 'binary' | 'numeric'
  readonly rows: number
  readonly columns: number
  /** Column-major. */
  readonly x: Float64Array
  /** 0/1, or the target on the scale that trees answer on. */
  readonly y: Float64Array
  /** Rows before `held` judge; those from `older` on are learnt from. */
  readonly held: number
  readonly older: number
  readonly seed: number
}

/** What trees say of the newest rows, which they have not seen. */
export interface Judged {
  /** Rounds that tell them best; 0: none does. */
  readonly rounds: number
  readonly predicted: Float64Array
}

export interface Grown {
  readonly cuts: Cuts
  readonly base: number
  readonly trees: readonly Tree[]
  /** What they say of the newest rows, which they have seen. */
  readonly seen: Float64Array
}

/** Trees on their way. Whoever asks for them drops them in the end, whether they have come or not. */
export interface Growing {
  judged(): Steps<Judged>
  /** Of all rows, in as many rounds; asked for behind `judged`. */
  all(): Steps<Grown>
  drop(): void
}

export type Grow = (plot: Plot) => Growing

/** Grows them here, when they are asked for. */
export const growHere: Grow = plot => {
  let stages: ReturnType<typeof growSteps> | null = null
  return {
    *judged() {
      stages = growSteps(plot)
      return yield* nextOf(stages) as Steps<Judged>
    },
    *all() {
      return yield* nextOf(stages!) as Steps<Grown>
    },
    drop() {
      stages = null
    },
  }
}

/** Runs on to the next result. */
function* nextOf(stages: ReturnType<typeof growSteps>): Generator<void, Judged | Grown, void> {
  for (;;) {
    const step = stages.next()
    if (step.value) return step.value
    yield
  }
}

/** Gives what the judged trees are, and in the end all of them; nothing between steps. */
export function* growSteps(plot: Plot): Generator<Judged | undefined, Grown, void> {
  const { task, rows, columns, x, y, held, older, seed } = plot
  const cuts = yield* fitCuts(x, columns, rows) as Generator<undefined, Cuts, void>
  const bins = binRows(cuts, x, rows, 0, rows)
  yield
  const grower = createGrower(bins, rows, columns, TREE)
  yield
  const base = baseOf(task, y.subarray(older))
  const truth = y.subarray(0, held)
  const current = new Float64Array(held).fill(base)
  let best = { rounds: 0, loss: lossOf(task, current, truth), predicted: Float64Array.from(current) }
  const past = { y: y.subarray(older), from: older, start: new Float64Array(rows - older).fill(base) }
  yield* boost({ grower, columns, task, seed, ...past }, ROUNDS, (round, tree) => {
    addTree(tree, bins, held, RATE, current, rows)
    const loss = lossOf(task, current, truth)
    if (loss < best.loss) best = { rounds: round, loss, predicted: Float64Array.from(current) }
    return round - best.rounds >= PATIENCE
  }) as Generator<undefined, Tree[], void>
  yield { rounds: best.rounds, predicted: best.predicted }
  const again = baseOf(task, y)
  const all = { y, from: 0, start: new Float64Array(rows).fill(again) }
  const trees = yield* boost({ grower, columns, task, seed, ...all }, best.rounds) as Generator<undefined, Tree[], void>
  const seen = new Float64Array(held).fill(again)
  for (const tree of trees) addTree(tree, bins, held, RATE, seen, rows)
  return { cuts, base: again, trees, seen }
}

/** The prior's logit, or the mean. */
function baseOf(task: Plot['task'], y: Float64Array): number {
  let sum = 0
  for (const v of y) sum += v
  return task === 'binary' ? Math.log((sum + 0.5) / (y.length - sum + 0.5)) : sum / Math.max(1, y.length)
}
