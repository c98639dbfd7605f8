// The head of pairs: the mean, in logits, of a penalised logistic model and of boosted trees. How stiff the one is, how many the others are
// and how far both are to be believed is told by the newest anchors.

import type { ContextBatch } from '../head.js'
import { binRows, type Cuts, fitCuts } from '../heads/boosting/bins.js'
import { boost, lossOf, RATE } from '../heads/boosting/boost.js'
import { addTree, type Tree } from '../heads/boosting/tree.js'
import { type Calibration, calibrate, fitCalibration, IDENTITY } from '../heads/calibration.js'
import { constantHead } from '../heads/constant.js'
import { fitLogistic, sigmoid } from '../heads/logistic.js'
import { apply, type Design, gram } from '../heads/matrix.js'
import { type Channel, designOf, fitScaling, scaleColumn } from '../heads/scaling.js'
import { drain, type SteppedFitted, type SteppedHead, type Steps } from '../heads/stepped.js'
import { penaltyOf } from '../heads/tuning.js'
import { warningsFor } from '../heads/usable.js'

/** From the stiffest down. */
const LAMBDAS = [400, 60] as const
/** Used where there are too few rows to choose. */
const UNTUNED = 60
/** Most trees, by mode, and after how many that improve nothing no more are tried. */
const ROUNDS = { fast: 40, normal: 80, best: 120 } as const
const PATIENCE = 15
/** Held-out rows below which their verdict is noise. */
const TELLING = 100
/** Examples below which nothing but the prior is told. */
const FEWEST = 20
/** Query rows at a time. */
const BLOCK = 1024

export const pairHead: SteppedHead = {
  name: 'pairs',
  fit: (context, options) => drain(pairHead.fitSteps(context, options)),
  *fitSteps(context, { seed, mode }) {
    const { rows, y } = context
    const warnings = warningsFor(context)
    if (rows < FEWEST || y.every(label => label === y[0])) return constantHead(context, warnings)
    const channels = yield* fitScaling(context)
    const design = yield* designOf(channels, context.x, rows)
    const cuts = yield* fitCuts(context.x, context.columns.length, rows)
    const tuned = yield* tune(context, design, cuts, ROUNDS[mode], seed)
    const linear = yield* logistic(design, y, 0, tuned.lambda, tuned.start)
    const base = prior(y)
    const trees = yield* grow(context, cuts, 0, base, tuned.rounds, seed)
    return fitted({ channels, linear, cuts, base, trees, calibration: tuned.calibration }, warnings)
  },
}

/** About a quarter of the rows, up to a change of anchor where one is near; 0: too few. */
function heldOut({ rows, anchor }: ContextBatch): number {
  const quarter = Math.round(rows / 4)
  let best = 0
  for (let r = Math.ceil(rows * 0.1); r <= rows * 0.45; r++)
    if (anchor[r] !== anchor[r - 1] && Math.abs(r - quarter) < Math.abs(best - quarter)) best = r
  const held = best > 0 ? best : quarter
  return held < TELLING ? 0 : held
}

interface Tuned {
  readonly lambda: number
  readonly start: Float64Array
  /** Trees; 0: the logistic model answers alone. */
  readonly rounds: number
  readonly calibration: Calibration
}

interface Best {
  readonly loss: number
  readonly logits: Float64Array
}

/** What models of the older rows make of the newest. */
function* tune(context: ContextBatch, design: Design, cuts: Cuts, most: number, seed: number): Steps<Tuned> {
  const { y, x, rows } = context
  const held = heldOut(context)
  let start: Float64Array = new Float64Array(design.width)
  if (held === 0) return { lambda: UNTUNED, start, rounds: 0, calibration: IDENTITY }
  const truth = y.subarray(0, held)
  let linear: (Best & { lambda: number; b: Float64Array }) | null = null
  for (const lambda of LAMBDAS) {
    start = yield* logistic(design, y, held, lambda, start)
    const logits = new Float64Array(held)
    apply({ design, from: 0, to: held }, start, logits)
    const loss = lossOf('binary', logits, truth)
    if (linear === null || loss < linear.loss) linear = { lambda, loss, b: start, logits }
  }
  const { lambda, b, ...alone } = linear!
  const newest = binRows(cuts, x, rows, 0, held)
  yield
  const base = prior(y.subarray(held))
  const told = new Float64Array(held).fill(base)
  let best: Best & { rounds: number } = { ...alone, rounds: 0 }
  let since = 0
  yield* grow(context, cuts, held, base, most, seed, (round, tree) => {
    addTree(tree, newest, held, RATE, told)
    const logits = told.map((v, r) => (v + alone.logits[r]) / 2)
    const loss = lossOf('binary', logits, truth)
    // the first trees are a poor half of the mean, however good they become
    since = loss < best.loss || round < most / 4 ? 0 : since + 1
    if (loss < best.loss) best = { loss, logits, rounds: round }
    return since >= PATIENCE
  })
  return { lambda, start: b, rounds: best.rounds, calibration: fitCalibration(best.logits, truth) }
}

const prior = (y: Float64Array): number => {
  let met = 0.5
  for (const label of y) met += label
  return Math.log(met / (y.length + 1 - met))
}

/** Coefficients of the rows from `from` on. */
function* logistic(
  design: Design,
  y: Float64Array,
  from: number,
  lambda: number,
  start: Float64Array,
): Steps<Float64Array> {
  const range = { design, from, to: design.rows }
  const cross = yield* gram(range)
  return yield* fitLogistic(range, y.subarray(from), cross, penaltyOf(design, lambda), start)
}

/** Trees on the rows from `from` on. */
function* grow(
  { x, y, rows, columns }: ContextBatch,
  cuts: Cuts,
  from: number,
  base: number,
  rounds: number,
  seed: number,
  watch?: Parameters<typeof boost>[2],
): Steps<Tree[]> {
  if (rounds === 0) return []
  const bins = binRows(cuts, x, rows, from, rows)
  yield
  const n = rows - from
  const start = new Float64Array(n).fill(base)
  const input = { bins, rows: n, columns: columns.length, y: y.subarray(from), start, task: 'binary', seed } as const
  return yield* boost(input, rounds, watch)
}

interface Model {
  readonly channels: readonly Channel[]
  readonly linear: Float64Array
  readonly cuts: Cuts
  readonly base: number
  readonly trees: readonly Tree[]
  readonly calibration: Calibration
}

function fitted(model: Model, warnings: SteppedFitted['warnings']): SteppedFitted {
  const { channels, linear, cuts, base, trees, calibration } = model
  const ones = channels.length
  const self: SteppedFitted = {
    bytes: 80 * ones + 8 * linear.length + 1024 * trees.length + 512 * cuts.byColumn.length,
    warnings,
    predict: query => drain(self.predictSteps(query)),
    *predictSteps({ rows, x }) {
      const out = new Float64Array(rows).fill(linear[ones])
      const scaled = new Float64Array(Math.min(BLOCK, rows))
      const told = new Float64Array(Math.min(BLOCK, rows))
      for (let from = 0; from < rows; from += BLOCK) {
        const to = Math.min(rows, from + BLOCK)
        for (let j = 0; j < ones; j++) {
          scaleColumn(channels[j], x, rows, from, to, scaled, 0)
          for (let r = from; r < to; r++) out[r] += linear[j] * scaled[r - from]
        }
        if (trees.length > 0) {
          told.fill(base)
          const bins = binRows(cuts, x, rows, from, to)
          for (const tree of trees) addTree(tree, bins, to - from, RATE, told)
          for (let r = from; r < to; r++) out[r] = (out[r] + told[r - from]) / 2
        }
        for (let r = from; r < to; r++) out[r] = sigmoid(calibrate(calibration, out[r]))
        yield
      }
      return { task: 'binary', probability: out }
    },
  }
  return self
}
