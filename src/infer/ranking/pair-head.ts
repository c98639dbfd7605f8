// The head of pairs: the mean, in logits, of a penalised logistic model and of boosted trees. How stiff the one is, how many the others are
// and how far both are to be believed is told by the newest anchors. Where these are many, what counts is the order of their lists: the stiffest
// model answers unless another is surely better, and a column that orders better than the model has a say beside it.

import type { ContextBatch } from '../head.js'
import { binRows, type Cuts, fitCuts } from '../heads/boosting/bins.js'
import { boost, RATE, TREE } from '../heads/boosting/boost.js'
import { addTree, createGrower, type Tree } from '../heads/boosting/tree.js'
import { type Calibration, calibrate, fitCalibration, IDENTITY } from '../heads/calibration.js'
import { constantHead } from '../heads/constant.js'
import { fitLogistic, sigmoid } from '../heads/logistic.js'
import { apply, type Design, gram, type Range } from '../heads/matrix.js'
import { type Channel, designOf, fitScaling, scaleColumn } from '../heads/scaling.js'
import { drain, type FitOptions, type SteppedFitted, type SteppedHead, type Steps } from '../heads/stepped.js'
import { lossOf, penaltyOf, priorLogit } from '../heads/tuning.js'
import { warningsFor } from '../heads/usable.js'
import { type Judged, mean, orderLosses, surelyLess, type Verdict } from './order.js'

/** From the stiffest down. */
const LAMBDAS = [6000, 400, 60] as const
/** Used where there are too few rows to choose. */
const UNTUNED = 60
/** Most trees, by mode, how many are judged at a time, and after how many that improve nothing no more are tried. */
const ROUNDS = { fast: 40, normal: 80, best: 120 } as const
const JUDGED_AT = 4
const PATIENCE = 16
/** Held-out rows below which their verdict is noise. */
const TELLING = 100
/** Held-out anchors from which on lists are judged by their order. */
const ANCHORS = 4
/** Examples below which nothing but the prior is told. */
const FEWEST = 20
/** Columns that may be given a word beside the model, and its weights in units of the model's own spread. */
const WORDS = 4
const SIZES = [0.25, 0.5, 1, 4] as const
/** Query rows at a time. */
const BLOCK = 1024

/** Pairs alone, judged by how probable they are. */
export const pairHead: SteppedHead = {
  name: 'pairs',
  fit: (context, options) => drain(pairHead.fitSteps(context, options)),
  fitSteps: (context, options) => fitPairs(context, null, options),
}

/** With `judged`, models are chosen by the order that they put lists in. */
export function* fitPairs(
  context: ContextBatch,
  judged: Judged | null,
  { seed, mode }: FitOptions,
): Steps<SteppedFitted> {
  const { rows, y } = context
  const warnings = warningsFor(context)
  if (rows < FEWEST || y.every(label => label === y[0])) return constantHead(context, warnings)
  const channels = yield* fitScaling(context)
  const design = yield* designOf(channels, context.x, rows)
  const cuts = yield* fitCuts(context.x, context.columns.length, rows)
  const tuned = yield* tune(context, design, cuts, judged, ROUNDS[mode], seed)
  const linear = yield* logistic({ design, from: 0, to: rows }, y, tuned.lambda, tuned.start)
  const base = priorLogit(y)
  const trees = yield* grow(context, cuts, 0, base, tuned.rounds, seed)
  return fitted({ channels, linear, cuts, base, trees, word: tuned.word, calibration: tuned.calibration }, warnings)
}

type Judge = (logits: Float64Array, y: Float64Array) => Verdict

/** By the order of lists, where there are anchors enough to tell skill from luck; otherwise by log loss. */
function judgeOf(judged: Judged | null, { anchor }: ContextBatch, held: number): Judge {
  if (judged === null || held === 0 || anchor[held - 1] - anchor[0] + 1 < ANCHORS)
    return (logits, y) => Float64Array.of(lossOf('binary', logits, y))
  return (logits, y) => orderLosses(logits, y, anchor, judged)
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
  readonly word: Word | null
  readonly calibration: Calibration
}

interface Best {
  readonly loss: Verdict
  readonly logits: Float64Array
}

/** What models of the older rows make of the newest. */
function* tune(
  context: ContextBatch,
  design: Design,
  cuts: Cuts,
  judged: Judged | null,
  most: number,
  seed: number,
): Steps<Tuned> {
  const { y, x, rows } = context
  const held = heldOut(context)
  const judge = judgeOf(judged, context, held)
  let start: Float64Array = new Float64Array(design.width)
  if (held === 0) return { lambda: UNTUNED, start, rounds: 0, word: null, calibration: IDENTITY }
  const truth = y.subarray(0, held)
  let linear: (Best & { lambda: number; b: Float64Array }) | null = null
  for (const lambda of LAMBDAS) {
    start = yield* logistic({ design, from: held, to: rows }, y, lambda, start)
    const logits = new Float64Array(held)
    apply({ design, from: 0, to: held }, start, logits)
    const loss = judge(logits, truth)
    if (linear === null || surelyLess(loss, linear.loss)) linear = { lambda, loss, b: start, logits }
  }
  const { lambda, b, ...alone } = linear!
  const newest = binRows(cuts, x, rows, 0, held)
  yield
  const base = priorLogit(y.subarray(held))
  const told = new Float64Array(held).fill(base)
  let best: (Best & { rounds: number }) | null = null
  let since = 0
  yield* grow(context, cuts, held, base, most, seed, (round, tree) => {
    addTree(tree, newest, held, RATE, told)
    if (round % JUDGED_AT > 0) return false
    const logits = told.map((v, r) => (v + alone.logits[r]) / 2)
    const loss = judge(logits, truth)
    // the first trees are a poor half of the mean, however good they become
    const better = best === null || mean(loss) < mean(best.loss)
    since = better || round < most / 4 ? 0 : since + JUDGED_AT
    if (better) best = { loss, logits, rounds: round }
    return since >= PATIENCE
  })
  const grown = best as (Best & { rounds: number }) | null
  const chosen = grown && surelyLess(grown.loss, alone.loss) ? grown : { ...alone, rounds: 0 }
  const word = chosen.loss.length > 1 ? yield* wordFor(design, chosen, truth, judge) : null
  const logits = word ? spoken(chosen.logits, design, word) : chosen.logits
  return { lambda, start: b, rounds: chosen.rounds, word, calibration: fitCalibration(logits, truth) }
}

/** A column that puts the newest rows in a better order than the model does is given a word of its own. */
interface Word {
  readonly channel: number
  readonly weight: number
}

const spoken = (logits: Float64Array, { z, rows }: Design, { channel, weight }: Word): Float64Array =>
  logits.map((v, r) => v + weight * z[channel * rows + r])

function* wordFor(design: Design, model: Best, truth: Float64Array, judge: Judge): Steps<Word | null> {
  const nothing = model.logits.map(v => 1e-6 * v)
  const alone: { word: Word; loss: number }[] = []
  for (let channel = 0; channel < design.ones; channel++) {
    for (const weight of [1, -1]) {
      // the model decides between equals
      const loss = mean(judge(spoken(nothing, design, { channel, weight }), truth))
      alone.push({ word: { channel, weight }, loss })
    }
    yield
  }
  alone.sort((a, b) => a.loss - b.loss)
  const spread = Math.sqrt(mean(model.logits.map(v => v * v)))
  let best: { word: Word; loss: Verdict } | null = null
  for (const { word: sign } of alone.slice(0, WORDS)) {
    for (const size of SIZES) {
      const word = { channel: sign.channel, weight: sign.weight * size * spread }
      const loss = judge(spoken(model.logits, design, word), truth)
      if (surelyLess(loss, model.loss) && (best === null || mean(loss) < mean(best.loss))) best = { word, loss }
    }
    yield
  }
  return best?.word ?? null
}

function* logistic(range: Range, y: Float64Array, lambda: number, start: Float64Array): Steps<Float64Array> {
  const cross = yield* gram(range)
  return yield* fitLogistic(range, y.subarray(range.from, range.to), cross, penaltyOf(range.design, lambda), start)
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
  const input = {
    grower: createGrower(bins, n, columns.length, TREE),
    columns: columns.length,
    from: 0,
    y: y.subarray(from),
    start,
    task: 'binary',
    seed,
  } as const
  return yield* boost(input, rounds, watch)
}

interface Model {
  readonly channels: readonly Channel[]
  readonly linear: Float64Array
  readonly cuts: Cuts
  readonly base: number
  readonly trees: readonly Tree[]
  readonly word: Word | null
  readonly calibration: Calibration
}

function fitted(model: Model, warnings: SteppedFitted['warnings']): SteppedFitted {
  const { channels, linear, cuts, base, trees, word, calibration } = model
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
        if (word) {
          scaleColumn(channels[word.channel], x, rows, from, to, scaled, 0)
          for (let r = from; r < to; r++) out[r] += word.weight * scaled[r - from]
        }
        for (let r = from; r < to; r++) out[r] = sigmoid(calibrate(calibration, out[r]))
        yield
      }
      return { task: 'binary', probability: out }
    },
  }
  return self
}
