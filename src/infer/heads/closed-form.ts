// The default head: penalised linear models on scaled features, the mean of fits on three selections of the context, blended with boosted
// trees and calibrated on the newest rows. Sharing one scaling makes their mean a single linear model: one pass over a row.

import type { ContextBatch, Prediction, QueryBatch } from '../head.js'
import { aligned } from './alignment.js'
import { type Blend, blendInto, blendSteps, bytesOf, type Held, type TreeModel, worthTrees } from './boosting/blend.js'
import { type Grow, growHere } from './boosting/grow.js'
import { type Calibration, calibrate, fitCalibration, uncalibrate, withFoot } from './calibration.js'
import { constantHead } from './constant.js'
import { driftOf } from './drift.js'
import { sigmoid } from './logistic.js'
import { apply, type Design, widthFor } from './matrix.js'
import { type Channel, designOf, fitScaling, scaleColumn, selectRows } from './scaling.js'
import { distributions, type Finish, fitSpread } from './spread.js'
import { drain, type FitOptions, type SteppedFitted, type SteppedHead, type Steps } from './stepped.js'
import { type Subset, subsets } from './subsets.js'
import { fitTransform } from './transform.js'
import { judgedRows, type TunedFit, tunedFit } from './tuning.js'
import { usable, type Warnings, warningsFor } from './usable.js'

/** Query rows scaled at a time. */
const BLOCK = 1024
/** Below this many labelled rows nothing but the prior is told. */
const FEWEST = 10

/** What other models may go on from: the answer of this one before it is finished, on a scale where corrections add up. */
export interface Start {
  /** Of the newest rows of the context, by models that had not seen them: logits, or places on the scale of `forward`. */
  readonly judged: Float64Array
  /** Outcomes on that scale. */
  forward(y: number): number
  sumsSteps(query: QueryBatch): Generator<void, Float64Array[], void>
  /** Between the first of the sums and that scale. */
  toScale(sum: number): number
  fromScale(place: number): number
  finishSteps(rows: number, sums: readonly Float64Array[]): Generator<void, Prediction, void>
}

export interface LinearFitted extends SteppedFitted {
  /** null where the context tells nothing apart. */
  readonly start: Start | null
}

export interface LinearHead extends SteppedHead {
  fitSteps(context: ContextBatch, options: FitOptions): Steps<LinearFitted>
}

/** `grow`: where trees are grown. */
export function createClosedForm(grow: Grow = growHere): LinearHead {
  const head: LinearHead = {
    name: 'closed form',
    fit: (context, options) => drain(head.fitSteps(context, options)),
    *fitSteps(context, options) {
      const clean = usable(context)
      const warnings = warningsFor(clean)
      if (clean.rows < FEWEST || isConstant(clean.y)) return { ...constantHead(clean, warnings), start: null }
      return clean.task === 'binary'
        ? yield* fitBinary(clean, grow, options, warnings)
        : yield* fitNumeric(clean, grow, options, warnings)
    },
  }
  return head
}

export const closedForm = createClosedForm()

/** The averaged fits, and what is known of rows they had not seen. */
interface Ensemble {
  readonly all: Float64Array
  /** What it predicts for every row of the context. */
  readonly fitted: Float64Array
  /** Of the first rows: the mean prediction over the fits that held the row out, and that of `all`. */
  readonly held: Held
}

function* fitEnsemble(
  context: ContextBatch,
  design: Design,
  y: Float64Array,
  selections: readonly Subset[],
  split: Subset,
): Generator<void, Ensemble, void> {
  const all = new Float64Array(design.width)
  const sums = new Float64Array(design.rows)
  const judges = new Int32Array(design.rows)
  let widest: TunedFit | null = null
  for (const selection of selections) {
    const { index } = selection
    const part = index.length === design.rows ? design : selectRows(design, index)
    yield
    const labels = Float64Array.from(index, r => y[r])
    const fit = yield* tunedFit(part, labels, selection, context.task)
    for (let j = 0; j < design.width; j++) all[j] += fit.all[j] / selections.length
    for (let i = 0; i < fit.judged.length; i++) {
      sums[index[i]] += fit.judged[i]
      judges[index[i]]++
    }
    if (selection === split) widest = fit
  }
  const judged = (widest as TunedFit).judged.map((_, r) => sums[r] / judges[r])
  const fitted = new Float64Array(design.rows)
  apply({ design, from: 0, to: design.rows }, all, fitted)
  yield
  return { all, fitted, held: { judged, seen: fitted.subarray(0, judged.length) } }
}

interface Models extends Model {
  /** What the linear model says of every row of the context. */
  readonly linear: Float64Array
  /** What both say of the first rows, by fits that had not seen them, and the same on the level of the models that answer. */
  readonly judged: Float64Array
  readonly placed: Float64Array
}

/** The linear model, and trees that grow meanwhile; in mode fast, and where rows are few, the linear model answers alone. */
function* fitModels(context: ContextBatch, y: Float64Array, grow: Grow, { mode, seed }: FitOptions): Steps<Models> {
  const { task, rows, x, columns } = context
  const selections = subsets(context, mode, seed)
  const most = Math.max(...selections.map(s => judgedRows(s.index.length, s)))
  const split = selections.find(s => judgedRows(s.index.length, s) === most) as Subset
  const { held, older } = split
  // otherwise those held out are all, by folds, and no newer than what judged them
  const inTime = most === held
  const withTrees = mode !== 'fast' && inTime && worthTrees(context, split)
  const growing = withTrees ? grow({ task, rows, columns: columns.length, x, y, held, older, seed }) : null
  try {
    const channels = yield* fitScaling(context)
    const design = yield* designOf(channels, x, rows)
    const ensemble = yield* fitEnsemble(context, design, y, selections, split)
    const blend: Blend = growing
      ? yield* blendSteps(growing, task, ensemble.held, y.subarray(0, held))
      : { ...ensemble.held, trees: null }
    const { judged, trees } = blend
    const placed = inTime ? aligned(blend) : judged
    return { channels, coefficients: [ensemble.all], trees, linear: ensemble.fitted, judged, placed }
  } finally {
    growing?.drop()
  }
}

function* fitBinary(context: ContextBatch, grow: Grow, options: FitOptions, warnings: Warnings): Steps<LinearFitted> {
  const { placed: judged, channels, coefficients, trees } = yield* fitModels(context, context.y, grow, options)
  const truth = context.y.subarray(0, judged.length)
  const straight = fitCalibration(judged, truth)
  const calibration = context.weight ? withFoot(straight, judged, truth, context.weight) : straight
  return fitted({ channels, coefficients, trees }, warnings, probabilities(calibration), {
    judged: judged.map(logit => calibrate(calibration, logit)),
    forward: y => y,
    toScale: sum => calibrate(calibration, sum),
    fromScale: logit => uncalibrate(calibration, logit),
  })
}

function probabilities(calibration: Calibration): Finish {
  return function* (rows, sums) {
    const probability = new Float64Array(rows)
    for (let r = 0; r < rows; r++) {
      const p = sigmoid(calibrate(calibration, sums[0][r]))
      probability[r] = Math.min(1 - 1e-12, Math.max(1e-12, p))
    }
    yield
    return { task: 'binary', probability }
  }
}

function* fitNumeric(context: ContextBatch, grow: Grow, options: FitOptions, warnings: Warnings): Steps<LinearFitted> {
  const transform = fitTransform(context.y, context.weight)
  const target = Float64Array.from(context.y, transform.forward)
  yield
  const { judged, placed: location, linear, ...model } = yield* fitModels(context, target, grow, options)
  const { weight } = context
  const residual = target.map((v, r) => v - linear[r])
  const y = context.y.subarray(0, judged.length)
  const spread = fitSpread(transform, { location, y, weight }, driftOf(residual, context))
  yield
  const nonNegative = context.nonNegative || transform.min >= 0
  const finish = distributions({ transform, spread, nonNegative })
  const same = (place: number) => place
  const scale = { judged, forward: transform.forward, toScale: same, fromScale: same }
  return fitted(model, warnings, finish, scale)
}

interface Model {
  readonly channels: readonly Channel[]
  /** The first is the location, blended with the trees'. */
  readonly coefficients: readonly Float64Array[]
  readonly trees: TreeModel | null
}

/** A model of several linear sums over the same scaled row, trees beside the first, and what is made of them. */
function fitted(
  { channels, coefficients, trees }: Model,
  warnings: Warnings,
  finish: Finish,
  scale: Pick<Start, 'judged' | 'forward' | 'toScale' | 'fromScale'>,
): LinearFitted {
  const ones = channels.length
  function* sumsSteps(query: QueryBatch): Generator<void, Float64Array[], void> {
    const sums = coefficients.map(b => new Float64Array(query.rows).fill(b[ones]))
    const scaled = new Float64Array(Math.min(BLOCK, query.rows))
    for (let from = 0; from < query.rows; from += BLOCK) {
      const to = Math.min(query.rows, from + BLOCK)
      for (let j = 0; j < ones; j++) {
        scaleColumn(channels[j], query.x, query.rows, from, to, scaled, 0)
        for (let s = 0; s < sums.length; s++) {
          const b = coefficients[s][j]
          const sum = sums[s]
          for (let r = from; r < to; r++) sum[r] += b * scaled[r - from]
        }
      }
      if (trees) blendInto(trees, query.x, query.rows, from, to, sums[0])
      yield
    }
    return sums
  }
  const self: LinearFitted = {
    start: { ...scale, sumsSteps, finishSteps: finish },
    bytes: channels.length * 80 + coefficients.length * widthFor(ones) * 8 + (trees ? bytesOf(trees) : 0) + 1024,
    warnings,
    predict: query => drain(self.predictSteps(query)),
    *predictSteps(query: QueryBatch) {
      return yield* finish(query.rows, yield* sumsSteps(query))
    },
  }
  return self
}

function isConstant(y: Float64Array): boolean {
  for (let r = 1; r < y.length; r++) if (y[r] !== y[0]) return false
  return true
}
