// Computes chosen feature columns for rows of a neighbourhood: columns are grouped by block, and each block is one pass.

import { type Neighbourhood, NULL_CODE } from '../decode/neighbourhood.js'
import { drain } from '../heads/stepped.js'
import { type LagPriors, lagBlock, viaLagBlock } from './block-lag.js'
import { signalBlock } from './block-signal.js'
import { closingBlock, countsBlock, distinctBlock, type Slots } from './block-stream.js'
import type { Block, CodeSite, FeatureColumn } from './columns.js'
import { type Compact, createView, type RowSet, type View } from './view.js'

/**
 * Values of `columns` for `rows`: column-major, columns.length x rows; NaN is missing.
 * A row's values depend on its own key's data and anchor alone, never on the other rows. Without `priors`, trailing means of past labels
 * are not shrunk; columns of kind 'encoded' are missing until their encoder is fitted.
 */
export function computeFeatures(
  neighbourhood: Neighbourhood,
  columns: readonly FeatureColumn[],
  rows: RowSet,
  priors: LagPriors | null = null,
): Float64Array {
  return computeOn(createView(neighbourhood, rows), columns, priors)
}

/** The same on a view that other work shares. */
export function computeOn(view: View, columns: readonly FeatureColumn[], priors: LagPriors | null): Float64Array {
  return drain(computeSteps(view, columns, priors))
}

/** The same, a block at a time, giving way in between. */
export function* computeSteps(
  view: View,
  columns: readonly FeatureColumn[],
  priors: LagPriors | null,
): Generator<void, Float64Array, void> {
  const n = view.rows
  const out = new Float64Array(columns.length * n).fill(Number.NaN)
  const { groups, copies } = grouped(columns)
  for (const { block, slots, width } of groups) {
    const at = new Int32Array(width).fill(-1)
    for (let slot = 0; slot < width; slot++) if (slots[slot] >= 0) at[slot] = slots[slot] * n
    const node = 'stream' in block ? view.neighbourhood.spec.streams[block.stream].node : 0
    if (block.op === 'lag') yield* lagBlock(view, block, at, out, priors)
    else if (node === 0) computeBlock(view, block, at, out)
    else {
      const shared = view.compact(node)
      yield
      computeShared(shared, block, at, out)
    }
    yield
  }
  for (const [from, to] of copies) out.copyWithin(to * n, from * n, (from + 1) * n)
  return out
}

interface Group {
  readonly block: Block
  /** Column of each slot, -1 where it isn't asked for. */
  readonly slots: Int32Array
  readonly width: number
}

interface Grouped {
  readonly groups: readonly Group[]
  /** Columns asked for once more (a value and its percentile share a recipe): copied from the first. */
  readonly copies: readonly (readonly [from: number, to: number])[]
}

const known = new WeakMap<readonly FeatureColumn[], Grouped>()

/** Columns by block, in order of appearance; kept with the list, which the warm path passes again and again. */
function grouped(columns: readonly FeatureColumn[]): Grouped {
  const before = known.get(columns)
  if (before) return before
  const copies: [number, number][] = []
  const byBlock = new Map<Block, number[]>()
  columns.forEach((column, i) => {
    const slots = byBlock.get(column.block)
    if (slots?.[column.slot] !== undefined) copies.push([slots[column.slot], i])
    else if (slots) slots[column.slot] = i
    else {
      const first: number[] = []
      first[column.slot] = i
      byBlock.set(column.block, first)
    }
  })
  const groups = [...byBlock].map(([block, sparse]) => {
    // blocks look at slots beyond the last one asked for, hence the room
    const width = Math.max(sparse.length, 32)
    const slots = new Int32Array(width).fill(-1)
    sparse.forEach((column, slot) => {
      slots[slot] = column
    })
    return { block, slots, width }
  })
  const made = { groups, copies }
  known.set(columns, made)
  return made
}

function computeBlock(view: View, block: Exclude<Block, { op: 'lag' }>, at: Slots, out: Float64Array): void {
  switch (block.op) {
    case 'counts':
      countsBlock(view, block.stream, block.day, at, out)
      break
    case 'distinct':
      distinctBlock(view, block.stream, block.channel, at, out)
      break
    case 'closing':
      closingBlock(view, block.stream, block.channel, at, out)
      break
    case 'signal':
      signalBlock(view, block.stream, block.signal, at, out)
      break
    case 'via-lag':
      viaLagBlock(view, block.stream, block.leaf, at, out)
      break
    default:
      staticBlock(view, block, at[0], out)
  }
}

/** A block on another node's stream: computed once for all rows that share the key and the anchor. */
function computeShared(
  { view: small, of }: Compact,
  block: Exclude<Block, { op: 'lag' }>,
  at: Slots,
  out: Float64Array,
): void {
  const m = small.rows
  const inner = new Int32Array(at.length).fill(-1)
  let width = 0
  for (let slot = 0; slot < at.length; slot++) if (at[slot] >= 0) inner[slot] = m * width++
  const values = new Float64Array(m * width).fill(Number.NaN)
  computeBlock(small, block, inner, values)
  for (let slot = 0; slot < at.length; slot++) {
    if (at[slot] < 0) continue
    for (let r = 0; r < of.length; r++) if (of[r] >= 0) out[at[slot] + r] = values[inner[slot] + of[r]]
  }
}

/** What a row of a node says at the anchor, without rows of streams. */
function staticBlock(
  view: View,
  block: Extract<Block, { op: 'own' | 'born' | 'level' | 'frequency' | 'encoded' }>,
  to: number,
  out: Float64Array,
): void {
  if (block.op === 'frequency' || block.op === 'encoded') {
    const encoder = block.op === 'encoded' ? block.encoder.current : null
    if (block.op === 'encoded' && encoder === null) return
    const codes = readCodes(view, block.at)
    for (let r = 0; r < view.rows; r++)
      if (encoder) out[to + r] = encoder.value(codes[r])
      else if (block.op === 'frequency' && codes[r] !== NULL_CODE) out[to + r] = block.share.get(codes[r]) ?? 0
    return
  }
  const rows = view.neighbourhood.nodes[block.node]
  const at = view.nodeRow(block.node)
  for (let r = 0; r < view.rows; r++) {
    const row = at[r]
    if (row < 0) continue
    if (block.op === 'level') out[to + r] = rows.codes[block.channel][row] === block.code ? 1 : 0
    else {
      const value = block.op === 'born' ? rows.time[row] : rows.numbers[block.channel][row]
      if (block.op === 'own' && !block.time) out[to + r] = value
      else if (value <= view.now[r] && value > Number.NEGATIVE_INFINITY)
        out[to + r] = (view.now[r] - value) / view.unit[r]
    }
  }
}

/** The code of each row at a site; NULL_CODE where there is none. */
export function readCodes(view: View, site: CodeSite): Int32Array {
  const out = new Int32Array(view.rows).fill(NULL_CODE)
  if ('node' in site) {
    const codes = view.neighbourhood.nodes[site.node].codes[site.channel]
    const at = view.nodeRow(site.node)
    for (let r = 0; r < out.length; r++) if (at[r] >= 0) out[r] = codes[at[r]]
  } else {
    const codes = view.neighbourhood.streams[site.stream].codes[site.channel]
    const { lo, hi } = view.span(site.stream)
    for (let r = 0; r < out.length; r++) if (hi[r] > lo[r]) out[r] = codes[hi[r] - 1]
  }
  return out
}
