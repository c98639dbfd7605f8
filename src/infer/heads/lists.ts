// Which of many values a row's list holds: a ridge regression for each value, all of them from one factor, on the row's scaled features and,
// where lists are known in part, on the other values they hold. What comes out is kept within (0, 1) and calibrated on rows that were held out.

import type { ListBatch, ListPrediction, QueryBatch, Sets } from '../head.js'
import { type Calibration, calibrate, fitCalibration, IDENTITY } from './calibration.js'
import { sigmoid } from './logistic.js'
import { cholesky, createDesign, type Design, gram, solveFactored } from './matrix.js'
import { type Channel, fitScaling, scaleColumn } from './scaling.js'
import type { SteppedFitted } from './stepped.js'
import { LAMBDAS, penaltyOf } from './tuning.js'
import { fewExamples } from './usable.js'

/** The commonest values, which tell of each other. */
const COMPANIONS = 128
/** Values that the penalty is chosen by, the commonest. */
const JUDGES = 24
/** With fewer rows nothing but how common a value is is told. */
const FEWEST = 30
/** Rows held out that are calibrated on, at most so many pairs of row and value. */
const MOST_PAIRS = 200_000
const UNTUNED = 250

export interface FittedLists extends Pick<SteppedFitted, 'bytes' | 'warnings'> {
  predictSteps(query: QueryBatch): Generator<void, ListPrediction, void>
}

export function* fitLists(batch: ListBatch): Generator<void, FittedLists, void> {
  const { rows, lists } = batch
  const rates = ratesOf(lists, lists.count, rows)
  const warnings = fewExamples(rows)
  const byRate = Array.from(rates.keys()).sort((a, b) => rates[b] - rates[a] || a - b)
  const enough = rows >= FEWEST
  const channels = enough ? yield* fitScaling(batch) : []
  const inputs: Inputs = { channels, companions: enough && batch.held ? byRate.slice(0, COMPANIONS) : [], rates }
  if (channels.length + inputs.companions.length === 0)
    return fitted({ inputs, coefficients: new Float64Array(0), width: 0, calibration: IDENTITY }, warnings)
  const design = yield* designOf(inputs, batch)
  const held = Math.floor(rows / 3)
  const [newest, older] = [
    yield* momentsOf(design, lists, 0, held, lists.count),
    yield* momentsOf(design, lists, held, rows, lists.count),
  ]
  const tuned = yield* tune({ inputs, design, lists, held, older, judges: byRate.slice(0, JUDGES) })
  const all: Moments = { products: sum(newest.products, older.products), cross: sum(newest.cross, older.cross) }
  const coefficients = yield* solve(inputs, design, all, tuned.lambda, byRate)
  return fitted({ inputs, coefficients, width: design.width, calibration: tuned.calibration }, warnings)
}

/** Share of the rows that hold each value, never 0 or 1. */
function ratesOf({ of }: Sets, count: number, rows: number): Float64Array {
  const rates = new Float64Array(count)
  for (const value of of) rates[value]++
  return rates.map(n => (n + 0.5) / (rows + 1))
}

/** Columns of a row: scaled features, then the companions it holds, then 1. */
interface Inputs {
  readonly channels: readonly Channel[]
  /** Values, by column. */
  readonly companions: readonly number[]
  readonly rates: Float64Array
}

/** Of the companion's column: like a flag among the features, 0 on average; in a row of which nothing is known, 0. */
const flag = (holds: boolean, rate: number): number => (holds ? 2 * (1 - rate) : -2 * rate)

/** Column-major, into `z` from row 0 on: rows [from, to) of the features, and what those rows hold. */
function writeInputs(
  inputs: Inputs,
  { x, rows, held }: { readonly x: Float64Array; readonly rows: number; readonly held?: Sets },
  [from, to]: readonly [number, number],
  z: Float64Array,
): void {
  const { channels, companions, rates } = inputs
  const n = to - from
  for (const [j, channel] of channels.entries()) scaleColumn(channel, x, rows, from, to, z, j * n)
  const at = channels.length * n
  z.fill(0, at, at + companions.length * n)
  z.fill(1, at + companions.length * n, at + (companions.length + 1) * n)
  if (companions.length === 0 || !held) return
  const column = new Map(companions.map((value, c) => [value, c]))
  for (let r = from; r < to; r++) {
    if (held.start[r] === held.start[r + 1]) continue
    for (let c = 0; c < companions.length; c++) z[at + c * n + r - from] = flag(false, rates[companions[c]])
    for (let i = held.start[r]; i < held.start[r + 1]; i++) {
      const c = column.get(held.of[i])
      if (c !== undefined) z[at + c * n + r - from] = flag(true, rates[held.of[i]])
    }
  }
}

function* designOf(inputs: Inputs, batch: ListBatch): Generator<void, Design, void> {
  const { rows } = batch
  const design = createDesign(rows, inputs.channels.length + inputs.companions.length)
  writeInputs(inputs, { x: batch.x, rows, held: batch.lists }, [0, rows], design.z)
  yield
  return design
}

/** Z'Z, and Z'y for each value, value-major. */
interface Moments {
  readonly products: Float64Array
  readonly cross: Float64Array
}

function* momentsOf(
  design: Design,
  { start, of }: Sets,
  from: number,
  to: number,
  count: number,
): Generator<void, Moments, void> {
  const { z, rows, width } = design
  const products = yield* gram({ design, from, to })
  const cross = new Float64Array(count * width)
  for (let r = from; r < to; r++) {
    for (let i = start[r]; i < start[r + 1]; i++)
      for (let j = 0; j <= design.ones; j++) cross[of[i] * width + j] += z[j * rows + r]
    if (r % 256 === 255) yield
  }
  return { products, cross }
}

const sum = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value + b[i])

/**
 * Coefficients of some values, value-major, all others zero. A companion is regressed on everything but itself: its column of the inverse,
 * over the element on the diagonal, says how.
 */
function* solve(
  { channels, companions, rates }: Inputs,
  design: Design,
  { products, cross }: Moments,
  lambda: number,
  values: readonly number[],
): Generator<void, Float64Array, void> {
  const { width } = design
  const factor = cholesky(products, width, 1, penaltyOf(design, lambda))
  yield
  const out = new Float64Array(rates.length * width)
  for (const [i, value] of values.entries()) {
    const companion = companions.indexOf(value)
    const at = value * width
    if (companion < 0) out.set(solveFactored(factor, width, cross.subarray(at, at + width)), at)
    else {
      const self = channels.length + companion
      const unit = new Float64Array(width)
      unit[self] = 1
      const column = solveFactored(factor, width, unit)
      for (let j = 0; j < width; j++) out[at + j] = j === self ? 0 : -column[j] / column[self] / 2
      out[at + design.ones] += rates[value]
    }
    if (i % 16 === 15) yield
  }
  return out
}

interface Trial {
  readonly inputs: Inputs
  readonly design: Design
  readonly lists: Sets
  /** Rows held out, the first. */
  readonly held: number
  /** Of the rest. */
  readonly older: Moments
  readonly judges: readonly number[]
}

/** The penalty by which models of the older rows foresee the newest best, and how sure of themselves they then are. */
function* tune(trial: Trial): Generator<void, { lambda: number; calibration: Calibration }, void> {
  const { inputs, design, lists, held, older, judges } = trial
  if (held < FEWEST) return { lambda: UNTUNED, calibration: IDENTITY }
  const rows = Math.min(held, Math.ceil(MOST_PAIRS / judges.length))
  const y = new Float64Array(rows * judges.length)
  const judge = new Map(judges.map((value, v) => [value, v]))
  for (let r = 0; r < rows; r++)
    for (let i = lists.start[r]; i < lists.start[r + 1]; i++) {
      const v = judge.get(lists.of[i])
      if (v !== undefined) y[v * rows + r] = 1
    }
  let best = { lambda: UNTUNED, calibration: IDENTITY, loss: Number.POSITIVE_INFINITY }
  for (const lambda of LAMBDAS) {
    const coefficients = yield* solve(inputs, design, older, lambda, judges)
    const logits = new Float64Array(y.length)
    for (const [v, value] of judges.entries()) {
      const scores = new Float64Array(rows)
      for (let j = 0; j <= design.ones; j++) {
        const b = coefficients[value * design.width + j]
        if (b !== 0) for (let r = 0; r < rows; r++) scores[r] += b * design.z[j * design.rows + r]
      }
      for (let r = 0; r < rows; r++) logits[v * rows + r] = logitOf(scores[r], inputs.rates[value])
      yield
    }
    const calibration = fitCalibration(logits, y)
    let loss = 0
    for (let i = 0; i < y.length; i++) {
      const p = sigmoid(calibrate(calibration, logits[i]))
      loss -= Math.log(Math.max(1e-12, y[i] === 1 ? p : 1 - p))
    }
    if (loss < best.loss) best = { lambda, calibration, loss }
    yield
  }
  return best
}

/** A share predicted by a straight line as one within (0, 1): as it is in the middle, and never quite at the ends. */
function logitOf(share: number, rate: number): number {
  const p = drawnIn(share, rate / 2)
  const q = drawnIn(1 - share, (1 - rate) / 2)
  return Math.log(p) - Math.log(q)
}

const drawnIn = (share: number, least: number): number =>
  share >= least ? share : Math.max(1e-9, least * Math.exp(share / least - 1))

interface Model {
  readonly inputs: Inputs
  readonly coefficients: Float64Array
  readonly width: number
  readonly calibration: Calibration
}

/** Query rows read at a time. */
const BLOCK = 256

/** Apart from the fit, so that what answers holds none of its matrices. */
function fitted(model: Model, warnings: FittedLists['warnings']): FittedLists {
  const { inputs, coefficients, width, calibration } = model
  const { rates } = inputs
  const ones = inputs.channels.length + inputs.companions.length
  return {
    bytes: 80 * ones + coefficients.byteLength + rates.byteLength + 1024,
    warnings,
    *predictSteps(query) {
      const values = rates.length
      const probabilities = new Float64Array(query.rows * values)
      for (let from = 0; from < query.rows; from += BLOCK) {
        const to = Math.min(query.rows, from + BLOCK)
        const n = to - from
        const z = new Float64Array((ones + 1) * n)
        if (width > 0) writeInputs(inputs, query, [from, to], z)
        for (let value = 0; value < values; value++) {
          const scores = new Float64Array(n).fill(width > 0 ? 0 : rates[value])
          for (let j = 0; width > 0 && j <= ones; j++) {
            const b = coefficients[value * width + j]
            if (b !== 0) for (let r = 0; r < n; r++) scores[r] += b * z[j * n + r]
          }
          for (let r = 0; r < n; r++)
            probabilities[(from + r) * values + value] = sigmoid(
              calibrate(calibration, logitOf(scores[r], rates[value])),
            )
          if (value % 64 === 63) yield
        }
        yield
      }
      return { task: 'list', values, probabilities }
    },
  }
}
