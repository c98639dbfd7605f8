// The head of labels that are one of several classes: a multinomial model of the columns for the classes that have enough examples, boosted
// trees beside it where they tell more, other evidence for all classes, and one weight for each kind of evidence, chosen on the newest rows.

import type { ClassBatch, ClassPrediction, QueryBatch } from '../../head.js'
import { designOf, fitScaling, type scaleColumn, selectRows } from '../scaling.js'
import type { FitOptions } from '../stepped.js'
import { subsets } from '../subsets.js'
import { untuned } from '../tuning.js'
import { fewExamples, type Warnings } from '../usable.js'
import { type Bins, fitBins, withBins } from './bins.js'
import { add, bytesOf, type Evidence, emptyEvidence, gather, kindsOf, weigh } from './evidence.js'
import { chooseLambda, fitLinear, type Linear, sayOfLinear, scaledSay } from './linear.js'
import { bytesOfForest, type Forest, judgeTrees, sayOfForest, weighTrees } from './trees.js'
import { firstWeights, fitWeights, scores, softmax, type Trial, trialOf } from './weights.js'
import { blend, type Word, wordOf } from './words.js'

/** Rows that the columns are fitted on. */
const ROWS = 4_000
/** Rows that weights are fitted on. */
const TRIALS = 1_500
/** With fewer rows than this nothing is tuned. */
const FEW = 60
/** With fewer held-out rows than this, they choose no penalty, and every row is held out in turn. */
const TELLING = 200
const FOLDS = 4
const BLOCK = 256
/** Horizons between two anchors after which the older one's windows have closed; calendar months differ by a tenth. */
const CLOSED = 0.85

export interface FittedClasses {
  readonly bytes: number
  readonly warnings: Warnings
  predictSteps(query: QueryBatch): Generator<void, ClassPrediction, void>
}

/** Trees, and their part of what the columns say. */
interface Trees {
  readonly weight: number
  readonly forest: Forest
}

export function* fitClasses(given: ClassBatch, options: FitOptions): Generator<void, FittedClasses, void> {
  const bins = fitBins(given.x, given.rows, given.columns.length)
  const context = { ...given, classes: { ...withBins(given.classes, given, bins), count: given.classes.count } }
  yield
  const { count } = context.classes
  const most = Math.min(ROWS, context.rows)
  const y = Int32Array.from(context.y)
  const channels = yield* fitScaling(context)
  const whole = yield* designOf(channels, context.x, context.rows)
  const design =
    most < whole.rows
      ? selectRows(
          whole,
          Int32Array.from({ length: most }, (_, r) => r),
        )
      : whole
  const model = channels.length > 0 && context.rows >= FEW
  const side = context.classes
  const start = firstWeights(kindsOf(side), model)
  const [{ held, older }] = subsets({ ...context, rows: most }, 'fast', options.seed)
  let weights = start
  let lambda = untuned(design, 'binary')
  let trees: Trees | null = null
  if (context.rows >= FEW && held > 0) {
    const rest = indexes(older, most)
    if (model && held >= TELLING && options.mode !== 'fast') lambda = yield* chooseLambda(design, y, rest, held, count)
    const trials: Trial[] = []
    const folds = held >= TELLING ? 1 : FOLDS
    for (let fold = 0; fold < folds; fold++) {
      const judged = folds === 1 ? indexes(0, held) : indexes(0, most).filter(r => r % folds === fold)
      const learnt =
        folds === 1 ? indexes(older, context.rows) : indexes(0, context.rows).filter(r => r % folds !== fold)
      const linear = model
        ? yield* fitLinear(
            design,
            y,
            learnt.filter(r => r < most),
            lambda,
            count,
          )
        : null
      const evidence = yield* evidenceFor(context, judged, learnt)
      const chosen = thinned(judged)
      let word = wordOf(linear && sayOfLinear(linear, selectRows(design, chosen)))
      if (linear && folds === 1 && options.mode !== 'fast') {
        const asked = { chosen, held, learnt, word }
        ;({ word, trees } = yield* blendTrees(context, y, asked, options.seed))
      }
      trials.push(...(yield* trialsOf(context, chosen, evidence, word, start)))
    }
    weights = yield* fitWeights(trials.slice(0, TRIALS * 2), start)
  }
  const linear = model ? yield* fitLinear(design, y, indexes(0, most), lambda, count) : null
  const evidence = gather(context, indexes(0, context.rows))
  yield
  return predictor({ channels, bins, linear, trees, evidence, weights }, warningsOf(context, y))
}

const indexes = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/**
 * What was known of a row when it was news. Where rows lie at several anchors: of those whose window had closed at its own, asked for from the
 * oldest row on. Where all are read at one moment: of those set apart to be learnt from.
 */
function* evidenceFor(
  context: ClassBatch,
  judged: Int32Array,
  learnt: Int32Array,
): Generator<void, (row: number) => Evidence, void> {
  const { age, rows } = context
  if (age[0] === age[rows - 1]) {
    const fixed = gather(context, learnt)
    yield
    return () => fixed
  }
  const grown = emptyEvidence(context.classes)
  const oldest = judged[judged.length - 1]
  let next = rows - 1
  const upTo = (row: number): Evidence => {
    while (next > row && age[next] >= age[row] + CLOSED) add(grown, context, next--)
    return grown
  }
  upTo(oldest)
  yield
  return upTo
}

/** What the columns say of held-out rows, with what trees grown on the same rows as the linear model add to its word. */
function* blendTrees(
  context: ClassBatch,
  y: Int32Array,
  { chosen, held, learnt, word }: { chosen: Int32Array; held: number; learnt: Int32Array; word: Word },
  seed: number,
): Generator<void, { word: Word; trees: Trees | null }, void> {
  const { count } = context.classes
  const judged = yield* judgeTrees(context, y, held, learnt, count, seed)
  if (judged === null) return { word, trees: null }
  const told = wordOf(judged.say)
  const ofTrees: Word = i => told(chosen[i])
  const counts = new Float64Array(count)
  for (const r of learnt) counts[y[r]]++
  const truth = Int32Array.from(chosen, r => y[r])
  const weight = yield* weighTrees(ofTrees, word, counts, truth)
  if (weight === 0) return { word, trees: null }
  return { word: blend(ofTrees, word, weight), trees: { weight, forest: judged.forest } }
}

/** Up to TRIALS of some rows, from the oldest on, as what was known grows. */
function thinned(rows: Int32Array): Int32Array {
  const step = Math.max(1, Math.ceil(rows.length / TRIALS))
  return rows.filter((_, i) => i % step === 0).reverse()
}

/** `word` is of the rows `chosen`, by their place among them. */
function* trialsOf(
  { classes: side, y }: ClassBatch,
  chosen: Int32Array,
  evidence: (row: number) => Evidence,
  word: Word,
  start: Float64Array,
): Generator<void, Trial[], void> {
  const numbers = new Float64Array(kindsOf(side) * side.count)
  const out: Trial[] = []
  for (const [i, r] of chosen.entries()) {
    const known = evidence(r)
    weigh(known, side, r, word(i), numbers)
    out.push(trialOf(start, numbers, known.counts, y[r]))
    if (i % 64 === 63) yield
  }
  return out
}

interface Model {
  readonly channels: Parameters<typeof scaleColumn>[0][]
  readonly bins: Bins
  readonly linear: Linear | null
  readonly trees: Trees | null
  readonly evidence: Evidence
  readonly weights: Float64Array
}

/** Made outside the fit, so that it holds none of its matrices. */
function predictor({ channels, bins, linear, trees, evidence, weights }: Model, warnings: Warnings): FittedClasses {
  const { classes } = evidence
  const width = linear ? linear.b.length * linear.b[0].length : 0
  const forest = trees ? bytesOfForest(trees.forest) : 0
  return {
    bytes: 8 * width + forest + bytesOf(evidence) + 80 * channels.length + 1024,
    warnings,
    *predictSteps(query) {
      const side = withBins(query.classes!, query, bins)
      yield
      const probabilities = new Float64Array(query.rows * classes)
      const numbers = new Float64Array(weights.length * classes)
      for (let from = 0; from < query.rows; from += BLOCK) {
        const to = Math.min(query.rows, from + BLOCK)
        let word = wordOf(linear && scaledSay(linear, channels, query, from, to))
        yield
        if (trees) {
          word = blend(wordOf(sayOfForest(trees.forest, query, from, to)), word, trees.weight)
          yield
        }
        for (let r = from; r < to; r++) {
          weigh(evidence, side, r, word(r - from), numbers)
          const own = probabilities.subarray(r * classes, (r + 1) * classes)
          scores(weights, numbers, classes, own)
          for (let c = 0; c < classes; c++) if (evidence.counts[c] === 0) own[c] = Number.NEGATIVE_INFINITY
          softmax(own)
          if (r % 32 === 31) yield
        }
      }
      return { task: 'multiclass', classes, probabilities }
    },
  }
}

function warningsOf({ rows, classes }: ClassBatch, y: Int32Array): Warnings {
  const out = fewExamples(rows)
  if (classes.count === 1 || y.every(c => c === y[0]))
    out.push({
      code: '01PQ5',
      message: 'every example of the context has the same value',
      detail: `All ${rows} labelled examples are alike; every prediction is too.`,
    })
  return out
}
