// Which items go together: of the items met most, how alike the circles are of those who met them.

import { endAt, type Histories } from './histories.js'

/** Items that have companions: those met most. */
const MOST_ITEMS = 1024
/** Latest items of an entity that count as going together. */
export const LATEST = 40
/** Meetings by chance: weak evidence counts less by this much. */
const SHRINK = 2

export interface Companions {
  /** Items that have companions, by row; a row of `likeness` is as long. */
  readonly items: Int32Array
  /** Row of an item, -1: none. */
  readonly row: Int32Array
  /** Cosine of two items' meetings, by row and row; 0 on the diagonal. */
  readonly likeness: Float32Array
}

/** As of time `at`; `popular` are all items, the most met first. */
export function* companionsAt(
  histories: Histories,
  population: Int32Array,
  at: number,
  popular: Int32Array,
): Generator<void, Companions, void> {
  const { ptr, item, passes } = histories
  const size = Math.min(MOST_ITEMS, popular.length)
  const row = new Int32Array(popular.length).fill(-1)
  for (let r = 0; r < size; r++) row[popular[r]] = r
  const likeness = new Float32Array(size * size)
  const latest = new Int32Array(LATEST)
  const taken = new Int32Array(size).fill(-1)
  let work = 0
  for (const e of population) {
    let n = 0
    for (let i = endAt(histories, e, at) - 1; i >= ptr[e] && n < LATEST; i--) {
      const r = passes[i] === 1 && item[i] < row.length ? row[item[i]] : -1
      if (r < 0 || taken[r] === e) continue
      taken[r] = e
      latest[n++] = r
    }
    // whoever meets everything says little of any two
    const weight = 1 / Math.log2(2 + n)
    for (let x = 0; x < n; x++) {
      const base = latest[x] * size
      for (let y = 0; y < n; y++) likeness[base + latest[y]] += weight
    }
    work += 1 + n * n
    if (work > 1_000_000) {
      work = 0
      yield
    }
  }
  yield
  const norms = Float64Array.from({ length: size }, (_, r) => Math.sqrt(likeness[r * size + r]))
  for (let r = 0; r < size; r++) {
    for (let c = 0, o = r * size; c < size; c++, o++) likeness[o] /= norms[r] * norms[c] + SHRINK
    likeness[r * size + r] = 0
    if (r % 256 === 255) yield
  }
  return { items: popular.slice(0, size), row, likeness }
}
