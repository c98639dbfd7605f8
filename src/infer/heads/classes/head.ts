// The head of labels that are one of several classes: a multinomial model of the columns for the classes that have enough examples, other
// evidence for all of them, and one weight for each kind of evidence, chosen on the newest rows.

import type { ClassBatch, ClassPrediction, QueryBatch } from '../../head.js'
import type { Design } from '../matrix.js'
import { designOf, fitScaling, scaleColumn, selectRows } from '../scaling.js'
import type { FitOptions } from '../stepped.js'
import { subsets } from '../subsets.js'
import { LAMBDAS } from '../tuning.js'
import { SMALL, type Warnings } from '../usable.js'
import { type Bins, fitBins, withBins } from './bins.js'
import { add, bytesOf, type Evidence, emptyEvidence, gather, kindsOf, weigh } from './evidence.js'
import { classLoss, fitMultinomial, logProbabilities, normalise, priorCoefficients } from './multinomial.js'
import { firstWeights, fitWeights, scores, softmax, type Trial, trialOf } from './weights.js'

/** Classes with fewer examples than this, and all beyond the most frequent ones, are one class to the columns. */
const OWN_MODEL = 8
const MOST_MODELS = 24
/** Rows that the columns are fitted on. */
const ROWS = 4_000
/** Rows that weights are fitted on. */
const TRIALS = 1_500
/** With fewer rows than this nothing is tuned. */
const FEW = 60
/** With fewer held-out rows than this, every row is held out in turn. */
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

/** The columns' word: log probabilities of groups of classes, against the groups' own log shares. */
interface Linear {
  readonly b: readonly Float64Array[]
  readonly group: Int32Array
  readonly share: Float64Array
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
  let lambda: number = LAMBDAS[1]
  if (context.rows >= FEW && held > 0) {
    const rest = indexes(older, most)
    if (model && options.mode !== 'fast') lambda = yield* chooseLambda(design, y, rest, held, count)
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
      trials.push(...(yield* trialsOf(design, context, judged, evidence, linear, start)))
    }
    weights = yield* fitWeights(trials.slice(0, TRIALS * 2), start)
  }
  const linear = model ? yield* fitLinear(design, y, indexes(0, most), lambda, count) : null
  const evidence = gather(context, indexes(0, context.rows))
  yield
  return predictor(channels, bins, linear, evidence, weights, warningsOf(context, y))
}

const indexes = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/** The frequent classes each a group of its own, the rest together in the last. */
function grouped(y: Int32Array, rows: Int32Array, classes: number): { group: Int32Array; groups: number } {
  const counts = new Float64Array(classes)
  for (const r of rows) counts[y[r]]++
  const order = Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a] || a - b)
  const own = order.filter((c, i) => counts[c] >= OWN_MODEL && i < MOST_MODELS)
  const group = new Int32Array(classes).fill(own.length)
  for (const [g, c] of own.entries()) group[c] = g
  const rest = order.some(c => counts[c] > 0 && group[c] === own.length)
  return { group, groups: rest ? own.length + 1 : own.length }
}

function* fitLinear(
  design: Design,
  y: Int32Array,
  rows: Int32Array,
  lambda: number,
  classes: number,
): Generator<void, Linear, void> {
  const { group, groups } = grouped(y, rows, classes)
  const part = rows.length === design.rows ? design : selectRows(design, rows)
  const labels = Int32Array.from(rows, r => group[y[r]])
  const range = { design: part, from: 0, to: part.rows }
  const prior = priorCoefficients(part, labels, groups)
  const b = yield* fitMultinomial(range, labels, lambda, prior)
  return { b, group, share: Float64Array.from(prior, own => own[part.ones]) }
}

/** The penalty under which rows from `older` on tell most of the newest. */
function* chooseLambda(
  design: Design,
  y: Int32Array,
  rest: Int32Array,
  held: number,
  classes: number,
): Generator<void, number, void> {
  const { group, groups } = grouped(y, rest, classes)
  // a class that is new among the newest is told apart from nothing that was known
  const labels = Int32Array.from(y.subarray(0, design.rows), c => Math.min(group[c], groups - 1))
  const older = { design, from: rest[0], to: design.rows }
  const yOlder = labels.subarray(rest[0])
  const yNewest = labels.subarray(0, held)
  let best: { lambda: number; loss: number } | null = null
  let b = priorCoefficients(design, yOlder, groups)
  for (const lambda of LAMBDAS) {
    b = yield* fitMultinomial(older, yOlder, lambda, b)
    const loss = classLoss(logProbabilities({ design, from: 0, to: held }, b), yNewest)
    if (best === null || loss < best.loss) best = { lambda, loss }
    else if (loss > 1.05 * best.loss) break
  }
  return best!.lambda
}

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

function* trialsOf(
  design: Design,
  { classes: side, y }: ClassBatch,
  judged: Int32Array,
  evidence: (row: number) => Evidence,
  linear: Linear | null,
  start: Float64Array,
): Generator<void, Trial[], void> {
  const classes = side.count
  const step = Math.max(1, Math.ceil(judged.length / TRIALS))
  // from the oldest on, as what was known grows
  const chosen = judged.filter((_, i) => i % step === 0).reverse()
  const part = selectRows(design, chosen)
  const log = linear ? logProbabilities({ design: part, from: 0, to: part.rows }, linear.b) : null
  const numbers = new Float64Array(kindsOf(side) * classes)
  const out: Trial[] = []
  for (const [i, r] of chosen.entries()) {
    const known = evidence(r)
    weigh(known, side, r, wordOf(linear, log, i), numbers)
    out.push(trialOf(start, numbers, known.counts, y[r]))
    if (i % 64 === 63) yield
  }
  return out
}

const wordOf = (linear: Linear | null, log: readonly Float64Array[] | null, row: number) => (c: number) =>
  linear && log && linear.group[c] < log.length ? log[linear.group[c]][row] - linear.share[linear.group[c]] : 0

/** Made outside the fit, so that it holds none of its matrices. */
function predictor(
  channels: Parameters<typeof scaleColumn>[0][],
  bins: Bins,
  linear: Linear | null,
  evidence: Evidence,
  weights: Float64Array,
  warnings: Warnings,
): FittedClasses {
  const { classes } = evidence
  const ones = channels.length
  const width = linear ? linear.b.length * linear.b[0].length : 0
  return {
    bytes: 8 * width + bytesOf(evidence) + 80 * channels.length + 1024,
    warnings,
    *predictSteps(query) {
      const side = withBins(query.classes!, query, bins)
      yield
      const probabilities = new Float64Array(query.rows * classes)
      const numbers = new Float64Array(weights.length * classes)
      for (let from = 0; from < query.rows; from += BLOCK) {
        const to = Math.min(query.rows, from + BLOCK)
        const log = linear ? linear.b.map(b => new Float64Array(to - from).fill(b[ones])) : null
        const scaled = new Float64Array(to - from)
        if (linear && log) {
          for (let j = 0; j < ones; j++) {
            scaleColumn(channels[j], query.x, query.rows, from, to, scaled, 0)
            for (const [g, b] of linear.b.entries())
              for (let i = 0; i < scaled.length; i++) log[g][i] += b[j] * scaled[i]
          }
          normalise(log, scaled.length)
        }
        yield
        for (let r = from; r < to; r++) {
          weigh(evidence, side, r, wordOf(linear, log, r - from), numbers)
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
  const out: { code: string; message: string; detail?: string }[] = []
  if (rows < SMALL)
    out.push({
      code: '01PQ1',
      message: 'prediction rests on few examples',
      detail: `The context holds ${rows} labelled examples; figures are rough below ${SMALL}.`,
    })
  if (classes.count === 1 || y.every(c => c === y[0]))
    out.push({
      code: '01PQ5',
      message: 'every example of the context has the same value',
      detail: `All ${rows} labelled examples are alike; every prediction is too.`,
    })
  return out
}
