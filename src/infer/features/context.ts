// From a decoded neighbourhood to what a head is fitted on, and to an encoder that turns later queries into rows of the same columns.

import { type Neighbourhood, NULL_CODE } from '../decode/neighbourhood.js'
import type { ClassBatch, ColumnDescriptor, ContextBatch, ListBatch, QueryBatch } from '../head.js'
import { drain } from '../heads/stepped.js'
import { type Choice, choose } from './choice.js'
import { classSide, planClasses } from './classes.js'
import { type Cohorts, cohortPercentiles, groupByAnchor, presentMean } from './cohort.js'
import type { FeatureColumn } from './columns.js'
import { computeSteps, readCodes } from './compute.js'
import { fitEncoder } from './encoder.js'
import { planSteps } from './plan.js'
import { type Computed, queryEncoder, referenceColumns } from './query.js'
import { scoreClassesSteps, scoreSteps } from './select.js'
import { planSets, scoreSetsSteps, setsOf } from './sets.js'
import { emptyPriors, shrinkColumns } from './shrink.js'
import { type Suspect, suspectSteps } from './suspects.js'
import { findTwins } from './twins.js'
import { channelsUsed, type UsedChannels } from './usage.js'
import { createView, horizonAt, type RowSet } from './view.js'

/** Newest context rows on which columns are chosen. */
const SELECTION_ROWS = 4000
/** Columns ranked or scored between two pauses. */
const STEP = 16

export interface ContextOptions {
  /** Most context rows used, newest first. */
  readonly rows: number
}

export interface PreparedContext {
  readonly batch: ContextBatch | ClassBatch | ListBatch
  /** Columns of the batch, with their sources. */
  readonly columns: readonly FeatureColumn[]
  /** Columns that were not read because their values seem to change after their row was written. */
  readonly setAside: readonly Suspect[]
  /** What queries need of the spec. */
  readonly usedChannels: UsedChannels
  /** Memory held, for the context cache. */
  readonly bytes: number
  /** Rows of a query, in the order of `keys` (by default, of everything it scores): key indexes of node 0, each read at its anchor. */
  encode(query: Neighbourhood, keys?: Int32Array, anchor?: Int32Array): QueryBatch
  /** The same in steps of some milliseconds. */
  encodeSteps(query: Neighbourhood, keys?: Int32Array, anchor?: Int32Array): Generator<void, QueryBatch, void>
}

/**
 * Chooses and computes the features of a context. Deterministic: equal neighbourhoods give equal bytes, and entities that are scored but
 * are in no pair change nothing.
 */
export function prepareContext(neighbourhood: Neighbourhood, options: ContextOptions): PreparedContext {
  return drain(prepareSteps(neighbourhood, options))
}

/** The same in steps of some milliseconds, giving way to other work in between. */
export function* prepareSteps(
  neighbourhood: Neighbourhood,
  options: ContextOptions,
): Generator<void, PreparedContext, void> {
  const { spec, anchors } = neighbourhood
  const { set, y, weight } = contextRows(neighbourhood, options.rows)
  const reference = referenceRows(neighbourhood)
  yield
  const suspects = spec.settled ? [] : yield* suspectSteps(neighbourhood, reference)
  const setAside = [...suspects, ...findTwins(neighbourhood, set, y)]
  yield
  const sample = firstRows(set, Math.min(y.length, SELECTION_ROWS))
  const plan = yield* planSteps(neighbourhood, {
    context: set,
    cut: y.length > 0 ? anchors.time[set.anchor[0]] : Number.NEGATIVE_INFINITY,
    setAside: source => setAside.some(s => s.source.table === source.table && s.source.column === source.column),
  })
  const strides = spec.moment === 'shared' ? 0 : spec.moment === 'own' ? 1 : closedAfter(neighbourhood)
  yield
  const first = yield* computeContext(neighbourhood, plan, sample, y, strides)
  const { lists } = neighbourhood
  const score: typeof scoreSteps = lists
    ? (x, columns, y) => scoreSetsSteps(x, columns, setsOf(lists, y))
    : spec.task === 'multiclass'
      ? scoreClassesSteps
      : scoreSteps
  const labels = y.subarray(0, sample.key.length)
  const choice = yield* choose(first.x, plan.length, labels, cohortsOf(neighbourhood, sample), score)

  // from here on, only what was chosen
  const needed = [...new Set(choice.raw)].sort((a, b) => a - b)
  const raw = needed.map(c => plan[c])
  const chosen: Choice = { raw: choice.raw.map(c => needed.indexOf(c)), cohort: choice.cohort }
  const at = Array.from(chosen.raw)
  const n = y.length
  const all =
    sample.key.length === n
      ? { ...first, x: pick(first.x, needed, n) }
      : yield* computeContext(neighbourhood, raw, set, y, strides)
  const cohorts = cohortsOf(neighbourhood, set)
  const x = new Float64Array(at.length * n)
  for (const [c, from] of at.entries()) {
    if (chosen.cohort[c]) cohortPercentiles(all.x, from * n, cohorts, x, c * n)
    else x.set(all.x.subarray(from * n, (from + 1) * n), c * n)
    if (c % STEP === STEP - 1) yield
  }
  const columns = at.map((from, c): FeatureColumn => {
    const column = raw[from]
    return chosen.cohort[c] ? { ...column, descriptor: { ...column.descriptor, cohort: true } } : column
  })
  const descriptors = columns.map(column => column.descriptor)
  const classPlan = planClasses(neighbourhood, set, plan)
  yield
  const classes = classPlan && { ...classSide(createView(neighbourhood, set), classPlan), count: classPlan.count }
  const numbers = toBatch(neighbourhood, set, y, x, descriptors, weight)
  const sets = planSets(neighbourhood)
  const batch: PreparedContext['batch'] = classes
    ? { ...numbers, task: 'multiclass', classes }
    : sets && lists
      ? {
          ...numbers,
          task: 'list',
          lists: { ...setsOf(lists, y), count: sets.classOf.size },
          held: sets.histories.length > 0,
        }
      : numbers
  yield
  const { sorted, priors } = yield* referenceColumns(neighbourhood, raw, chosen, reference, { ...all, set, cohorts })
  let bytes = x.byteLength + y.byteLength + 12 * n + 400 * columns.length
  for (const column of sorted) bytes += column.byteLength
  for (const { block } of raw) {
    if (block.op === 'encoded') bytes += block.encoder.current?.bytes ?? 0
    if (block.op === 'frequency') bytes += 40 * block.share.size
  }
  const encoder = queryEncoder(raw, chosen, sorted, priors, classPlan, sets)
  const besides = classPlan ? [...classPlan.sites, ...classPlan.histories] : (sets?.histories ?? [])
  const usedChannels = channelsUsed(spec, raw, besides)
  return { batch, columns, setAside, usedChannels, bytes, ...encoder }
}

/** Columns that a context would leave out, in steps. */
export const setAsideSteps = (neighbourhood: Neighbourhood): Generator<void, Suspect[], void> =>
  suspectSteps(neighbourhood, referenceRows(neighbourhood))

/** Labelled examples, newest anchor first, then as sent, as indexes of pairs. */
export function contextOrder({ pairs }: Pick<Neighbourhood, 'pairs'>, most: number): number[] {
  const order: number[] = []
  for (let i = 0; i < pairs.count; i++) if (pairs.role[i] === 0 && !Number.isNaN(pairs.label[i])) order.push(i)
  order.sort((a, b) => pairs.anchor[a] - pairs.anchor[b] || a - b)
  order.length = Math.min(order.length, most)
  return order
}

interface Examples {
  readonly set: RowSet
  readonly y: Float64Array
  readonly weight: Pick<ContextBatch, 'weight'>
}

function contextRows({ pairs, spec }: Neighbourhood, most: number): Examples {
  const order = contextOrder({ pairs }, most)
  return {
    set: { key: Int32Array.from(order, i => pairs.key[i]), anchor: Int32Array.from(order, i => pairs.anchor[i]) },
    y: Float64Array.from(order, i => pairs.label[i]),
    weight: spec.weighed ? { weight: Float64Array.from(order, i => pairs.share[i]) } : {},
  }
}

/** The reference population at its anchor. */
function referenceRows({ pairs }: Neighbourhood): RowSet {
  const order: number[] = []
  for (let i = 0; i < pairs.count; i++) if (pairs.role[i] === 1) order.push(i)
  return { key: Int32Array.from(order, i => pairs.key[i]), anchor: Int32Array.from(order, i => pairs.anchor[i]) }
}

function firstRows(set: RowSet, n: number): RowSet {
  return { key: set.key.subarray(0, n), anchor: set.anchor.subarray(0, n) }
}

/**
 * How many anchors older a row must be for its window to be closed at another row's anchor. The newest context anchor is the newest one
 * whose windows are closed at the reference anchor, so that distance, in strides, is safe between any two.
 */
export function closedAfter({ anchors }: Neighbourhood): number {
  if (anchors.count < 4) return 1
  const stride = (anchors.time[2] - anchors.time[anchors.count - 1]) / (anchors.count - 3)
  // calendar months differ by a tenth; more than that is another stride
  return Math.max(1, Math.ceil((anchors.time[1] - anchors.time[2]) / stride - 0.2))
}

/** Rows read each at its own time are one cohort. */
const cohortsOf = ({ spec }: Neighbourhood, { anchor }: RowSet): Cohorts =>
  groupByAnchor(spec.moment === 'own' ? new Int32Array(anchor.length) : anchor)

/** Raw columns of context rows: as-of encodings of categories, and trailing means shrunk to each anchor's cohort. */
function* computeContext(
  neighbourhood: Neighbourhood,
  columns: readonly FeatureColumn[],
  rows: RowSet,
  y: Float64Array,
  strides: number,
): Generator<void, Computed, void> {
  const view = createView(neighbourhood, rows)
  const n = view.rows
  const x = yield* computeSteps(view, columns, null)
  const cohorts = groupByAnchor(rows.anchor)
  const priors = emptyPriors(neighbourhood.anchors.count)
  yield* shrinkColumns(view, columns, x, priors, (from, means) => {
    for (let g = 0; g < cohorts.count; g++)
      means[rows.anchor[cohorts.start[g]]] = presentMean(x, from + cohorts.start[g], from + cohorts.end[g])
  })
  for (const [c, column] of columns.entries()) {
    if (column.block.op !== 'encoded') continue
    const fitted = fitEncoder(readCodes(view, column.block.at), rows.anchor, y.subarray(0, n), strides, NULL_CODE)
    column.block.encoder.current = fitted.encoder
    x.set(fitted.asOf, c * n)
    yield
  }
  return { x, priors }
}

function pick(x: Float64Array, columns: readonly number[], n: number): Float64Array {
  const out = new Float64Array(columns.length * n)
  columns.forEach((from, c) => {
    out.set(x.subarray(from * n, (from + 1) * n), c * n)
  })
  return out
}

function toBatch(
  neighbourhood: Neighbourhood,
  set: RowSet,
  y: Float64Array,
  x: Float64Array,
  columns: readonly ColumnDescriptor[],
  weight: Pick<ContextBatch, 'weight'>,
): ContextBatch {
  const { spec, anchors } = neighbourhood
  const n = y.length
  const anchor = new Int32Array(n)
  const age = new Float64Array(n)
  const newest = anchors.count > 1 ? 1 : 0
  const horizon = horizonAt(neighbourhood, newest)
  for (let i = 0; i < n; i++) {
    anchor[i] = i === 0 ? 0 : anchor[i - 1] + (set.anchor[i] === set.anchor[i - 1] ? 0 : 1)
    age[i] = (anchors.time[newest] - anchors.time[set.anchor[i]]) / horizon
  }
  const nonNegative = spec.task === 'numeric' && (spec.counting || y.every(value => value >= 0))
  const task = spec.task === 'binary' ? 'binary' : 'numeric'
  return { task, rows: n, columns, x, y, anchor, age, nonNegative, ...weight }
}
