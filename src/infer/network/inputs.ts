// What a network is handed for a context and its queries: standardised cells, a description of each column without its name, and the linear
// answer it starts from. The counterpart of pretrain/prior/prepare.py, value for value: test/infer/network-inputs.test.ts.

import type { ColumnDescriptor, ContextBatch, QueryBatch } from '../head.js'
import { sigmoid } from '../heads/logistic.js'
import { type Channel, designOf, fitScaling, scaleColumn } from '../heads/scaling.js'
import { fitTransform } from '../heads/transform.js'
import { medianOf } from '../heads/tuning.js'
import { correlation, meanOf, spreadOf } from './correlation.js'
import { KINDS } from './descriptor.js'
import { fitRidge, type Ridge } from './ridge.js'
import { fitSlope } from './slope.js'

const STATISTICS = 9
/** Numbers that describe a column. */
export const DESCRIPTION = STATISTICS + KINDS.length + 6
/** Numbers known of every row, and of rows of context alone. */
export const KNOWN = 5
export const LABEL = 4

/** Row-major, as the network's tensors are. */
export interface QueryInputs {
  readonly rows: number
  readonly z: Float32Array
  readonly missing: Float32Array
  readonly known: Float32Array
  /** What the network's answer is added to: a logit, or a place on the target's scale. */
  readonly base: Float64Array
}

export interface ContextInputs extends QueryInputs {
  readonly columns: number
  readonly described: Float32Array
  readonly label: Float32Array
  /** Unit of a numeric answer's quantiles: mean size of the linear answer's error. 1 for binary. */
  readonly scale: number
  /** Queries as the network reads them beside this context: each row alone decides its own. `base`: of other models, where they gave one. */
  query(batch: QueryBatch, base?: Float64Array): QueryInputs
  readonly bytes: number
}

/** An answer of other models for rows of a context that they had not seen, and the outcomes, on one scale. */
export interface Given {
  readonly base: Float64Array
  readonly t: Float64Array
}

/** Labels must vary. Without an answer of other models, the network starts from a ridge regression of its own. */
export function* contextInputs(context: ContextBatch, given?: Given): Generator<void, ContextInputs, void> {
  const { rows, columns, x, y, age, task } = context
  const binary = task === 'binary'
  const width = columns.length
  const channels = yield* fitScaling(context)
  const design = yield* designOf(channels, x, rows)
  // before the design is centred: cells are read from it
  const byColumn = cellsByColumn(channels, design.z, rows, width)
  const missing = missingCells(x)
  const plain = given?.t ?? (binary ? y : y.map(fitTransform(y).forward))
  const middle = binary ? 0 : medianOf(plain)
  const t = plain.map(v => v - middle)
  const ridge = yield* fitRidge(design, t)
  const slope = binary && !given ? fitSlope(ridge.leftOut, t) : null
  const low = t.reduce((a, b) => Math.min(a, b))
  const high = t.reduce((a, b) => Math.max(a, b))
  const range = { binary, slope, low, high }
  const base = given
    ? given.base.map(place => inRange(range, place - middle))
    : ridge.leftOut.map(score => fromScore(range, score))
  const residual = t.map((v, r) => v - (binary ? sigmoid(base[r]) : base[r]))
  let scale = 1
  if (!binary) scale = Math.max(1e-3, meanOf(residual.map(Math.abs)))
  const rate = binary ? meanOf(t) : 0
  yield
  const described = yield* describe({
    context,
    z: byColumn,
    missing,
    t,
    residual,
    coefficients: coefficientsByColumn(channels, ridge.coefficients, width),
  })
  const known = knownOf(age, base, binary, rows, rate)
  const label = new Float32Array(rows * LABEL)
  for (let r = 0; r < rows; r++) {
    const off = residual[r] / scale
    label[r * LABEL] = binary ? 2 * t[r] - 1 : 0
    label[r * LABEL + 1] = binary ? 0 : clip(t[r], 6) / 2
    label[r * LABEL + 2] = clip(off, 6)
    label[r * LABEL + 3] = Math.min(6, Math.abs(off))
  }
  return {
    rows,
    columns: width,
    z: transposed(byColumn, rows, width),
    missing: transposed(missing, rows, width),
    described,
    known,
    label,
    base,
    scale,
    query: queryReader({ channels, ridge, width, rows, rate, ...range, middle }),
    bytes: channels.length * 96 + 4096,
  }
}

/** What is known of a context once it has been read. */
interface Known {
  readonly channels: readonly Channel[]
  readonly ridge: Pick<Ridge, 'coefficients' | 'centre' | 'level'>
  readonly width: number
  readonly rows: number
  readonly rate: number
  readonly binary: boolean
  /** From a score of the ridge to a logit. */
  readonly slope: ((score: number) => number) | null
  readonly middle: number
  readonly low: number
  readonly high: number
}

/** Made apart from contextInputs, so that it holds none of the context's matrices. */
function queryReader(known: Known): ContextInputs['query'] {
  const { channels, width, rows, rate, binary } = known
  const { coefficients, centre, level } = known.ridge
  return ({ rows: n, x }, given) => {
    const score = new Float64Array(n).fill(level)
    const z = new Float32Array(n * width)
    const scaled = new Float64Array(n)
    for (const [j, channel] of channels.entries()) {
      scaleColumn(channel, x, n, 0, n, scaled, 0)
      for (let r = 0; r < n; r++) {
        score[r] += coefficients[j] * (scaled[r] - centre[j])
        if (channel.kind !== 'missing') z[r * width + channel.column] = scaled[r]
      }
    }
    const base = given ? given.map(place => inRange(known, place - known.middle)) : score.map(s => fromScore(known, s))
    const cells = transposed(missingCells(x), n, width)
    return { rows: n, z, missing: cells, known: knownOf(new Float64Array(n), base, binary, rows, rate), base }
  }
}

/** Places beyond all outcomes of the context are drawn in; logits are what they are. */
const inRange = ({ binary, low, high }: Pick<Known, 'binary' | 'low' | 'high'>, place: number): number =>
  binary ? place : Math.min(high, Math.max(low, place))

const fromScore = (known: Pick<Known, 'binary' | 'low' | 'high' | 'slope'>, score: number): number =>
  known.slope ? known.slope(score) : inRange(known, score)

const clip = (v: number, most: number): number => Math.min(most, Math.max(-most, v))

function cellsByColumn(channels: readonly Channel[], z: Float64Array, rows: number, width: number): Float64Array {
  const out = new Float64Array(rows * width)
  for (const [j, channel] of channels.entries())
    if (channel.kind !== 'missing') out.set(z.subarray(j * rows, (j + 1) * rows), channel.column * rows)
  return out
}

function coefficientsByColumn(channels: readonly Channel[], coefficients: Float64Array, width: number): Float64Array {
  const out = new Float64Array(width)
  for (const [j, channel] of channels.entries()) if (channel.kind !== 'missing') out[channel.column] = coefficients[j]
  return out
}

function missingCells(x: Float64Array): Float64Array {
  return x.map(v => (Number.isNaN(v) ? 1 : 0))
}

function transposed(byColumn: Float64Array, rows: number, width: number): Float32Array {
  const out = new Float32Array(rows * width)
  for (let c = 0; c < width; c++) for (let r = 0; r < rows; r++) out[r * width + c] = byColumn[c * rows + r]
  return out
}

function knownOf(age: Float64Array, base: Float64Array, binary: boolean, context: number, rate: number): Float32Array {
  const out = new Float32Array(age.length * KNOWN)
  for (let r = 0; r < age.length; r++) {
    out.set([Math.log1p(age[r]), base[r] / 3, binary ? 1 : 0, Math.log(context) / 7, rate], r * KNOWN)
  }
  return out
}

interface Described {
  readonly context: ContextBatch
  readonly z: Float64Array
  readonly missing: Float64Array
  readonly t: Float64Array
  readonly residual: Float64Array
  readonly coefficients: Float64Array
}

/** What the context says of each column, and what its descriptor does. */
function* describe(told: Described): Generator<void, Float32Array, void> {
  const { context, z, missing, t, residual, coefficients } = told
  const { rows, x, age } = context
  const out = new Float32Array(context.columns.length * DESCRIPTION)
  const spread = Math.max(spreadOf(t), 1e-9)
  for (const [c, descriptor] of context.columns.entries()) {
    const part = (all: Float64Array) => all.subarray(c * rows, (c + 1) * rows)
    const cells = part(z)
    const absent = part(missing)
    const zeros = part(x).reduce((n, v) => n + (v === 0 ? 1 : 0), 0)
    const statistics = [
      correlation(cells, t),
      correlation(cells, residual),
      correlation(
        cells.map(v => v * v),
        residual,
      ),
      correlation(cells, age),
      clip((coefficients[c] * spreadOf(cells)) / spread, 3),
      meanOf(absent),
      correlation(absent, t),
      zeros / rows,
      clip(meanOf(cells.map(v => v * v * v)), 8) / 8,
    ]
    out.set([...statistics, ...descriptorNumbers(descriptor)], c * DESCRIPTION)
    if (c % 16 === 15) yield
  }
  return out
}

function descriptorNumbers({ kind, hop, window, target, cohort }: ColumnDescriptor): number[] {
  const finite = window > 0 && Number.isFinite(window)
  return [
    ...KINDS.map(k => (k === kind ? 1 : 0)),
    Math.min(hop, 3) / 3,
    window === 0 ? 1 : 0,
    window === Number.POSITIVE_INFINITY ? 1 : 0,
    finite ? Math.log2(window) / 3 : 0,
    target ? 1 : 0,
    cohort ? 1 : 0,
  ]
}
