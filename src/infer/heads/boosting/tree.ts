// One regression tree on binned features, grown leaf by leaf where the loss falls most. Histograms of gradients are summed over the smaller
// child and subtracted for the larger; everything is in a fixed order, so equal data gives equal trees.

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

/** Gradients and curvatures of the rows, and the columns that this tree may use. */
export interface TreeInput {
  readonly bins: Uint8Array
  readonly rows: number
  readonly columns: Int32Array
  readonly gradient: Float64Array
  readonly curvature: Float64Array
}

interface Leaf {
  readonly node: number
  /** Rows order[from, to). */
  readonly from: number
  readonly to: number
  /** null: the tree is full, and the leaf stays one. */
  readonly histogram: Histogram | null
  readonly gradient: number
  readonly curvature: number
  split: Split | null
}

interface Split {
  readonly gain: number
  readonly column: number
  readonly cut: number
  readonly missingLeft: boolean
}

interface Histogram {
  /** Gradient and curvature of each bin, side by side: one cache line holds both. */
  readonly sums: Float64Array
  readonly count: Int32Array
}

export function growTree(input: TreeInput, options: TreeOptions): Tree {
  const { rows, columns, gradient, curvature } = input
  const order = Int32Array.from({ length: rows }, (_, r) => r)
  const most = 2 * options.leaves - 1
  const tree = {
    column: new Int16Array(most).fill(-1),
    cut: new Uint8Array(most),
    missingLeft: new Uint8Array(most),
    left: new Int16Array(most),
    right: new Int16Array(most),
    value: new Float64Array(most),
  }
  let nodes = 0
  const leafOf = (from: number, to: number, histogram: Histogram | null): Leaf => {
    let g = 0
    let h = 0
    for (let i = from; i < to; i++) {
      g += gradient[order[i]]
      h += curvature[order[i]]
    }
    const leaf: Leaf = { node: nodes++, from, to, histogram, gradient: g, curvature: h, split: null }
    if (histogram && to - from >= 2 * options.minRows) leaf.split = bestSplit(leaf, histogram, columns, options)
    tree.value[leaf.node] = -g / (h + options.l2)
    return leaf
  }
  const spare = new Int32Array(rows)
  const leaves = [leafOf(0, rows, sumUp(input, order, 0, rows))]
  while (leaves.length < options.leaves) {
    let chosen = -1
    for (let i = 0; i < leaves.length; i++) {
      const split = leaves[i].split
      if (split && (chosen < 0 || split.gain > leaves[chosen].split!.gain)) chosen = i
    }
    if (chosen < 0) break
    const leaf = leaves[chosen]
    const split = leaf.split!
    const middle = partition(input, order, spare, leaf, split)
    const full = leaves.length + 1 === options.leaves
    const [low, high] = full ? [null, null] : histogramsOf(input, order, leaf, middle)
    const left = leafOf(leaf.from, middle, low)
    const right = leafOf(middle, leaf.to, high)
    tree.column[leaf.node] = split.column
    tree.cut[leaf.node] = split.cut
    tree.missingLeft[leaf.node] = split.missingLeft ? 1 : 0
    tree.left[leaf.node] = left.node
    tree.right[leaf.node] = right.node
    leaves[chosen] = left
    leaves.push(right)
  }
  return {
    column: tree.column.slice(0, nodes),
    cut: tree.cut.slice(0, nodes),
    missingLeft: tree.missingLeft.slice(0, nodes),
    left: tree.left.slice(0, nodes),
    right: tree.right.slice(0, nodes),
    value: tree.value.slice(0, nodes),
  }
}

/** Two columns at a time, so that a row's gradient and curvature are fetched once for both. */
function sumUp(input: TreeInput, order: Int32Array, from: number, to: number): Histogram {
  const { bins, rows, columns } = input
  const size = columns.length * BINS
  const sums = new Float64Array(2 * size)
  const count = new Int32Array(size)
  const gradient = new Float64Array(to - from)
  const curvature = new Float64Array(to - from)
  for (let i = from; i < to; i++) {
    gradient[i - from] = input.gradient[order[i]]
    curvature[i - from] = input.curvature[order[i]]
  }
  let j = 0
  for (; j + 1 < columns.length; j += 2) {
    const base0 = columns[j] * rows
    const base1 = columns[j + 1] * rows
    const at0 = j * BINS
    const at1 = at0 + BINS
    for (let i = from; i < to; i++) {
      const r = order[i]
      const g = gradient[i - from]
      const h = curvature[i - from]
      const b0 = at0 + bins[base0 + r]
      const b1 = at1 + bins[base1 + r]
      count[b0]++
      count[b1]++
      sums[2 * b0] += g
      sums[2 * b0 + 1] += h
      sums[2 * b1] += g
      sums[2 * b1 + 1] += h
    }
  }
  if (j < columns.length) {
    const base = columns[j] * rows
    for (let i = from; i < to; i++) {
      const b = j * BINS + bins[base + order[i]]
      count[b]++
      sums[2 * b] += gradient[i - from]
      sums[2 * b + 1] += curvature[i - from]
    }
  }
  return { sums, count }
}

/** Of a leaf's two children: the smaller is summed up, the larger is what remains. */
function histogramsOf(input: TreeInput, order: Int32Array, leaf: Leaf, middle: number): [Histogram, Histogram] {
  const leftIsSmall = middle - leaf.from <= leaf.to - middle
  const small = leftIsSmall ? sumUp(input, order, leaf.from, middle) : sumUp(input, order, middle, leaf.to)
  const large = subtract(leaf.histogram!, small)
  return leftIsSmall ? [small, large] : [large, small]
}

/** Reuses the parent's arrays: it is not needed any more. */
function subtract(parent: Histogram, child: Histogram): Histogram {
  for (let b = 0; b < parent.sums.length; b++) parent.sums[b] -= child.sums[b]
  for (let b = 0; b < parent.count.length; b++) parent.count[b] -= child.count[b]
  return parent
}

function bestSplit(leaf: Leaf, histogram: Histogram, columns: Int32Array, { minRows, l2 }: TreeOptions): Split | null {
  const { sums, count } = histogram
  const total = leaf.to - leaf.from
  const own = (leaf.gradient * leaf.gradient) / (leaf.curvature + l2)
  let best: Split | null = null
  let most = 1e-9
  for (let j = 0; j < columns.length; j++) {
    const at = j * BINS
    const missing = count[at]
    // Missing rows are tried on both sides, where there are any.
    for (let side = 0; side < (missing > 0 ? 2 : 1); side++) {
      let g = side === 1 ? sums[2 * at] : 0
      let h = side === 1 ? sums[2 * at + 1] : 0
      let n = side === 1 ? missing : 0
      for (let b = 1; b < BINS; b++) {
        const c = count[at + b]
        if (c === 0) continue
        g += sums[2 * (at + b)]
        h += sums[2 * (at + b) + 1]
        n += c
        if (n < minRows) continue
        if (total - n < minRows) break
        const rest = leaf.gradient - g
        const gain = (g * g) / (h + l2) + (rest * rest) / (leaf.curvature - h + l2) - own
        if (gain > most) {
          most = gain
          best = { gain, column: columns[j], cut: b, missingLeft: side === 1 }
        }
      }
    }
  }
  return best
}

/** Moves the leaf's rows that go left to the front, keeping their order; gives the first of the right. */
function partition({ bins, rows }: TreeInput, order: Int32Array, spare: Int32Array, leaf: Leaf, split: Split): number {
  const base = split.column * rows
  let left = leaf.from
  let right = 0
  for (let i = leaf.from; i < leaf.to; i++) {
    const r = order[i]
    const b = bins[base + r]
    const goesLeft = b === 0 ? split.missingLeft : b <= split.cut
    if (goesLeft) order[left++] = r
    else spare[right++] = r
  }
  order.set(spare.subarray(0, right), left)
  return left
}

/** Adds the tree's value of each row to `out`, times `rate`. */
export function addTree(tree: Tree, bins: Uint8Array, rows: number, rate: number, out: Float64Array): void {
  const { column, cut, missingLeft, left, right, value } = tree
  for (let r = 0; r < rows; r++) {
    let node = 0
    while (column[node] >= 0) {
      const b = bins[column[node] * rows + r]
      node = (b === 0 ? missingLeft[node] === 1 : b <= cut[node]) ? left[node] : right[node]
    }
    out[r] += rate * value[node]
  }
}
