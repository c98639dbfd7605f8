// The target's own past: its exact label over each of the last 10 windows, and what they say together.

import { BOUNDARIES } from '../decode/neighbourhood.js'
import { missingCode, previousSame, type Slots } from './block-stream.js'
import { type Block, LAG, LAGS, RAW_LAGS, type StreamLeaf, VIA_LAGS } from './columns.js'
import { aggregate, evaluate } from './program.js'
import type { View } from './view.js'

const WEIGHT = 0.75
/** Pseudo rows at the cohort's mean in the trailing means. */
const SHRINK = 2
const ROWS_A_STEP = 1024

/** Mean of the trailing means over an anchor's cohort, by anchor index; NaN where there is no cohort. */
export interface LagPriors {
  readonly mean3: Float64Array
  readonly mean10: Float64Array
}

function previousFor(view: View, stream: number, leaf: StreamLeaf): Int32Array | null {
  if (leaf.name !== 'COUNT_DISTINCT' || leaf.code === null) return null
  const rows = view.neighbourhood.streams[stream]
  const channel = view.neighbourhood.spec.streams[stream].codes[leaf.code]
  const filter = leaf.filter === null ? null : rows.numbers[leaf.filter]
  return view.shared(`previous ${stream} ${leaf.code} ${leaf.filter}`, () =>
    previousSame(
      new Int32Array(rows.rows),
      view.touched(stream),
      rows.codes[leaf.code!],
      missingCode(channel.kind),
      filter,
    ),
  )
}

/** LAG: labels over (anchor - kH, anchor - (k-1)H]; missing before the entity was first seen, and where ASSUMING did not hold. */
export function* lagBlock(
  view: View,
  { target, constants }: Extract<Block, { op: 'lag' }>,
  slots: Slots,
  out: Float64Array,
  priors: LagPriors | null,
): Generator<void, void, void> {
  const { leaves, program, assuming } = target
  const { bounds } = view.neighbourhood.anchors
  const streams = leaves.map(leaf => view.neighbourhood.streams[leaf.stream])
  const places = leaves.map(leaf => view.bounds(leaf.stream))
  const previous = leaves.map(leaf => previousFor(view, leaf.stream, leaf))
  yield
  const first = view.firstSeen()
  yield
  const values = new Float64Array(leaves.length)
  const labels = new Float64Array(LAGS)
  const sorted = new Float64Array(LAGS)
  const put = (slot: number, r: number, value: number) => {
    if (slots[slot] >= 0) out[slots[slot] + r] = value
  }
  /** Label of rows of windows between two boundaries; leaves its aggregates in `values`. */
  const label = (r: number, from: number, to: number): number => {
    const o = r * BOUNDARIES
    for (let l = 0; l < leaves.length; l++)
      values[l] = aggregate(leaves[l], streams[l], places[l][o + from], places[l][o + to], previous[l])
    if (assuming !== null && evaluate(assuming, values, constants) !== 1) return Number.NaN
    return program === null ? Number.NaN : evaluate(program, values, constants)
  }
  for (let r = 0; r < view.rows; r++) {
    if (r % ROWS_A_STEP === ROWS_A_STEP - 1) yield
    const b = view.anchor[r] * BOUNDARIES
    labels.fill(Number.NaN)
    for (let k = 1; k <= LAGS; k++) {
      if (!(first[r] <= bounds[b + k - 1])) break
      labels[k - 1] = label(r, k, k - 1)
      put(k - 1, r, labels[k - 1])
      if (k <= RAW_LAGS) for (let l = 0; l < leaves.length; l++) put(LAG.raw + l * RAW_LAGS + k - 1, r, values[l])
    }
    if (slots[LAG.year] >= 0 && first[r] <= bounds[b + 12]) put(LAG.year, r, label(r, 11, 12))
    let valid = 0
    let sum = 0
    let sum3 = 0
    let valid3 = 0
    let weight = 1
    let weights = 0
    let weighted = 0
    let max = Number.NEGATIVE_INFINITY
    for (let k = 0; k < LAGS; k++, weight *= WEIGHT) {
      const value = labels[k]
      if (Number.isNaN(value)) continue
      sorted[valid++] = value
      sum += value
      if (k < 3) {
        sum3 = sum
        valid3 = valid
      }
      weights += weight
      weighted += weight * value
      if (value > max) max = value
    }
    put(LAG.valid, r, valid)
    put(LAG.mean3, r, shrunk(sum3, valid3, priors === null ? Number.NaN : priors.mean3[view.anchor[r]]))
    put(LAG.mean10, r, shrunk(sum, valid, priors === null ? Number.NaN : priors.mean10[view.anchor[r]]))
    if (valid === 0) continue
    put(LAG.weighted, r, weighted / weights)
    put(LAG.max, r, max)
    if (slots[LAG.median] < 0) continue
    const ordered = sorted.subarray(0, valid).sort()
    put(LAG.median, r, (ordered[(valid - 1) >> 1] + ordered[valid >> 1]) / 2)
  }
}

function shrunk(sum: number, count: number, prior: number): number {
  if (Number.isNaN(prior)) return count > 0 ? sum / count : Number.NaN
  return (sum + SHRINK * prior) / (count + SHRINK)
}

/** Raw aggregates of the last 3 windows in a stream of another node, then their mean. */
export function viaLagBlock(view: View, stream: number, leaf: StreamLeaf, slots: Slots, out: Float64Array): void {
  const rows = view.neighbourhood.streams[stream]
  const keys = view.nodeKey(view.neighbourhood.spec.streams[stream].node)
  const places = view.bounds(stream)
  const previous = previousFor(view, stream, leaf)
  const { lo, hi } = view.span(stream)
  for (let r = 0; r < view.rows; r++) {
    if (keys[r] < 0 || hi[r] === lo[r]) continue
    const o = r * BOUNDARIES
    let sum = 0
    let count = 0
    for (let k = 1; k <= VIA_LAGS; k++) {
      // a window that ends before the first row says nothing
      if (places[o + k - 1] === lo[r]) break
      const value = aggregate(leaf, rows, places[o + k], places[o + k - 1], previous)
      if (slots[k - 1] >= 0) out[slots[k - 1] + r] = value
      if (!Number.isNaN(value)) {
        sum += value
        count++
      }
    }
    if (slots[VIA_LAGS] >= 0) out[slots[VIA_LAGS] + r] = count > 0 ? sum / count : Number.NaN
  }
}
