// One regression tree on binned features, grown leaf by leaf where the loss falls most. Histograms of gradients are summed over the smaller
// child and subtracted for the larger; everything is in a fixed order, so equal data gives equal trees.

import { BIN_BYTES, COLUMNS } from '../../kernels/bins.js'
import { createWorkspace } from '../../kernels/kernels.js'
import { BINS } from './bins.js'

export interface TreeOptions {
  readonly leaves: number
  readonly minRows: number
  readonly l2: number
}

/** Nodes in order of creation; node 0 is the root. A leaf has column -1. */
export interface Tree {
  readonly column: Int16Array
  /** Rows with bin <= cut go left; bin 0, missing, goes where `missingLeft` says. */
  readonly cut: Uint8Array
  readonly missingLeft: Uint8Array
  readonly left: Int16Array
  readonly right: Int16Array
  readonly value: Float64Array
}

/** What a tree is grown on. */
export interface TreeInput {
  /** The columns that it may use. */
  readonly columns: Int32Array
  /** Of each row of the range. */
  readonly gradient: Float64Array
  readonly curvature: Float64Array
}

/** Grows trees on binned rows, one at a time. */
export interface Grower {
  /** On rows [from, to); gradients are indexed from 0 = row `from`. */
  grow(input: TreeInput, from: number, to: number): Tree
  /** Adds the latest tree's value of each row that it was grown on to `out`, indexed as gradients are, times `rate`. */
  add(rate: number, out: Float64Array): void
}

interface Leaf extends Sums {
  readonly node: number
  /** Rows order[from, to). */
  readonly from: number
  readonly to: number
  /** Where its histogram is kept; -1: the tree is full, and the leaf stays one. */
  readonly slot: number
  split: Split | null
}

/** In units of their own: whole numbers, whose sums are exact. */
interface Sums {
  readonly gradient: number
  readonly curvature: number
}

interface Split extends Sums {
  readonly gain: number
  readonly column: number
  readonly cut: number
  readonly missingLeft: boolean
}

/** Numbers of a bin, see the kernel: gradient, curvature, count, and nothing. */
const LANES = BIN_BYTES / 4
const COLUMN_BYTES = BINS * BIN_BYTES
/** Sums stay below this in size. */
const LARGEST_SUM = 2 ** 29

/**
 * `bins` column-major, `rows` a column. Gradients and curvatures are rounded to whole numbers of a unit so small that no sum over all rows
 * leaves 30 bits: a histogram is then the same in whatever order rows are added, and what is left of a parent's is exact.
 */
export function createGrower(bins: Uint8Array, rows: number, columns: number, options: TreeOptions): Grower {
  const { leaves: mostLeaves, minRows, l2 } = options
  const slotBytes = COLUMNS * Math.ceil(columns / COLUMNS) * COLUMN_BYTES
  const weightsAt = slotBytes * mostLeaves
  const orderAt = weightsAt + BIN_BYTES * rows
  const binsAt = orderAt + 4 * rows
  const { kernels, buffer } = createWorkspace(binsAt + bins.length)
  const cells = new Uint8Array(buffer, binsAt, bins.length)
  cells.set(bins)
  const sums = new Int32Array(buffer, 0, weightsAt / 4)
  const weights = new Int32Array(buffer, weightsAt, LANES * rows)
  const order = new Int32Array(buffer, orderAt, rows)
  const spare = new Int32Array(rows)
  let grown: { readonly tree: Tree; readonly leaves: readonly Leaf[] } | null = null

  function grow(input: TreeInput, first: number, end: number): Tree {
    const n = end - first
    const units = weigh(input, n)
    for (let r = 0; r < n; r++) order[r] = r
    const most = 2 * mostLeaves - 1
    const tree = {
      column: new Int16Array(most).fill(-1),
      cut: new Uint8Array(most),
      missingLeft: new Uint8Array(most),
      left: new Int16Array(most),
      right: new Int16Array(most),
      value: new Float64Array(most),
    }
    let nodes = 0
    let slots = 0
    const leafOf = (from: number, to: number, slot: number, { gradient, curvature }: Sums): Leaf => {
      const leaf: Leaf = { node: nodes++, from, to, slot, gradient, curvature, split: null }
      if (slot >= 0 && to - from >= 2 * minRows) leaf.split = bestSplit(leaf, input.columns, units)
      tree.value[leaf.node] = (-gradient * units.gradient) / (curvature * units.curvature + l2)
      return leaf
    }
    /** Of rows order[from, to), in a slot of their own. */
    const sumUp = (from: number, to: number): number => {
      const slot = slots++
      const at = slot * slotBytes
      sums.fill(0, at / 4, (at + slotBytes) / 4)
      const { columns } = input
      const beginOf = (j: number) => binsAt + columns[Math.min(j, columns.length - 1)] * rows + first
      for (let j = 0; j < columns.length; j += COLUMNS) {
        const [a, b, c, d] = [beginOf(j), beginOf(j + 1), beginOf(j + 2), beginOf(j + 3)]
        const [row, last] = [orderAt + 4 * from, orderAt + 4 * to]
        kernels.sumUp(a, b, c, d, row, last, weightsAt, at + j * COLUMN_BYTES, COLUMN_BYTES)
      }
      return slot
    }
    const root = sumUp(0, n)
    const leaves = [leafOf(0, n, root, totalOf(root))]
    while (leaves.length < mostLeaves) {
      let chosen = -1
      for (let i = 0; i < leaves.length; i++) {
        const split = leaves[i].split
        if (split && (chosen < 0 || split.gain > leaves[chosen].split!.gain)) chosen = i
      }
      if (chosen < 0) break
      const leaf = leaves[chosen]
      const split = leaf.split!
      const middle = partition(first, leaf, split)
      let [low, high] = [-1, -1]
      if (leaves.length + 1 < mostLeaves) {
        // the smaller child is summed up, the larger is what remains
        const leftIsSmall = middle - leaf.from <= leaf.to - middle
        const small = leftIsSmall ? sumUp(leaf.from, middle) : sumUp(middle, leaf.to)
        const at = leaf.slot * slotBytes
        kernels.takeOff(at, at + slotBytes, small * slotBytes)
        ;[low, high] = leftIsSmall ? [small, leaf.slot] : [leaf.slot, small]
      }
      const rest = { gradient: leaf.gradient - split.gradient, curvature: leaf.curvature - split.curvature }
      const left = leafOf(leaf.from, middle, low, split)
      const right = leafOf(middle, leaf.to, high, rest)
      tree.column[leaf.node] = split.column
      tree.cut[leaf.node] = split.cut
      tree.missingLeft[leaf.node] = split.missingLeft ? 1 : 0
      tree.left[leaf.node] = left.node
      tree.right[leaf.node] = right.node
      leaves[chosen] = left
      leaves.push(right)
    }
    grown = {
      leaves,
      tree: {
        column: tree.column.slice(0, nodes),
        cut: tree.cut.slice(0, nodes),
        missingLeft: tree.missingLeft.slice(0, nodes),
        left: tree.left.slice(0, nodes),
        right: tree.right.slice(0, nodes),
        value: tree.value.slice(0, nodes),
      },
    }
    return grown.tree
  }

  /** Gives the units in which weights are whole numbers. */
  function weigh({ gradient, curvature }: TreeInput, n: number): Sums {
    const unit = { gradient: unitOf(gradient, n), curvature: unitOf(curvature, n) }
    const [g, h] = [1 / unit.gradient, 1 / unit.curvature]
    for (let r = 0; r < n; r++) {
      weights[LANES * r] = Math.round(gradient[r] * g)
      weights[LANES * r + 1] = Math.round(curvature[r] * h)
      weights[LANES * r + 2] = 1
    }
    return unit
  }

  /** Of all rows of a slot, which are those of any column. */
  function totalOf(slot: number): Sums {
    let [gradient, curvature] = [0, 0]
    const from = (slot * slotBytes) / 4
    for (let b = from; b < from + BINS * LANES; b += LANES) {
      gradient += sums[b]
      curvature += sums[b + 1]
    }
    return { gradient, curvature }
  }

  function bestSplit(leaf: Leaf, columns: Int32Array, units: Sums): Split | null {
    const total = leaf.to - leaf.from
    const [unitG, unitH] = [units.gradient, units.curvature]
    const [allG, allH] = [leaf.gradient * unitG, leaf.curvature * unitH]
    const own = (allG * allG) / (allH + l2)
    let best: Split | null = null
    let most = 1e-9
    for (let j = 0; j < columns.length; j++) {
      const at = (leaf.slot * slotBytes + j * COLUMN_BYTES) / 4
      const missing = sums[at + 2]
      // Missing rows are tried on both sides, where there are any.
      for (let side = 0; side < (missing > 0 ? 2 : 1); side++) {
        let gradient = side === 1 ? sums[at] : 0
        let curvature = side === 1 ? sums[at + 1] : 0
        let n = side === 1 ? missing : 0
        for (let b = 1; b < BINS; b++) {
          const i = at + LANES * b
          const count = sums[i + 2]
          if (count === 0) continue
          gradient += sums[i]
          curvature += sums[i + 1]
          n += count
          if (n < minRows) continue
          if (total - n < minRows) break
          const g = gradient * unitG
          const h = curvature * unitH
          const rest = allG - g
          const gain = (g * g) / (h + l2) + (rest * rest) / (allH - h + l2) - own
          if (gain > most) {
            most = gain
            best = { gain, column: columns[j], cut: b, missingLeft: side === 1, gradient, curvature }
          }
        }
      }
    }
    return best
  }

  /** Moves the leaf's rows that go left to the front, keeping their order; gives the first of the right. */
  function partition(first: number, leaf: Leaf, split: Split): number {
    const base = split.column * rows + first
    const missing = split.missingLeft ? 1 : 0
    let left = leaf.from
    let right = 0
    for (let i = leaf.from; i < leaf.to; i++) {
      const r = order[i]
      const b = cells[base + r]
      const goesLeft = b === 0 ? missing : b <= split.cut ? 1 : 0
      // written to both: which way a row goes is no branch to guess
      order[left] = r
      spare[right] = r
      left += goesLeft
      right += 1 - goesLeft
    }
    order.set(spare.subarray(0, right), left)
    return left
  }

  return {
    grow,
    add(rate, out) {
      for (const { node, from, to } of grown?.leaves ?? []) {
        const value = rate * grown!.tree.value[node]
        for (let i = from; i < to; i++) out[order[i]] += value
      }
    },
  }
}

/** A power of two, so that dividing by it changes no digit. */
function unitOf(values: Float64Array, n: number): number {
  let largest = 0
  for (let r = 0; r < n; r++) largest = Math.max(largest, Math.abs(values[r]))
  return largest > 0 ? 2 ** -Math.floor(Math.log2(LARGEST_SUM / (largest * n))) : 1
}

/** Adds the tree's value of each of `rows` rows to `out`, times `rate`; `stride` bins a column. */
export function addTree(
  tree: Tree,
  bins: Uint8Array,
  rows: number,
  rate: number,
  out: Float64Array,
  stride: number = rows,
): void {
  const { column, cut, missingLeft, left, right, value } = tree
  for (let r = 0; r < rows; r++) {
    let node = 0
    while (column[node] >= 0) {
      const b = bins[column[node] * stride + r]
      node = (b === 0 ? missingLeft[node] === 1 : b <= cut[node]) ? left[node] : right[node]
    }
    out[r] += rate * value[node]
  }
}
