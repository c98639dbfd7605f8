// Which context rows a fit sees, and which of them, the newest, it is tuned on.

const SMALL = 3_000
const LARGE = 10_000
/** Of the mixed selection, the share taken from the newest rows. */
const NEWEST_SHARE = 0.6

export interface Subset {
  readonly name: 'newest 3k' | 'newest 10k' | 'mix 3k'
  /** Rows of the context, ascending: newest first. */
  readonly index: Int32Array
  /** The first `held` of them are held out while lambda is tuned; 0: too few rows to tune. */
  readonly held: number
}

/** Selections for a context of `rows` rows, without repeats of the same selection. */
export function subsets(rows: number, anchor: Int32Array, mode: 'fast' | 'normal' | 'best', seed: number): Subset[] {
  const make = (name: Subset['name'], index: Int32Array): Subset => ({ name, index, held: heldOut(index, anchor) })
  const newest = make('newest 3k', range(0, Math.min(rows, SMALL)))
  if (mode === 'fast' || rows <= SMALL) return [newest]
  const recent = Math.round(SMALL * NEWEST_SHARE)
  const older = sample(recent, rows, SMALL - recent, seed)
  const mixed = new Int32Array(SMALL)
  mixed.set(range(0, recent))
  mixed.set(older, recent)
  return [newest, make('newest 10k', range(0, Math.min(rows, LARGE))), make('mix 3k', mixed)]
}

/** About a quarter of the rows, moved to a change of anchor where one is near, so that no anchor lies on both sides. */
function heldOut(index: Int32Array, anchor: Int32Array): number {
  const rows = index.length
  const quarter = Math.round(rows / 4)
  if (quarter < 20) return 0
  let best = quarter
  let distance = Number.POSITIVE_INFINITY
  for (let r = Math.ceil(rows * 0.1); r <= rows * 0.4; r++) {
    if (anchor[index[r]] !== anchor[index[r - 1]] && Math.abs(r - quarter) < distance) {
      best = r
      distance = Math.abs(r - quarter)
    }
  }
  return best
}

function range(from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i)
}

/** `count` rows of [from, to), those with the smallest hash of (row, seed), in ascending order. */
function sample(from: number, to: number, count: number, seed: number): Int32Array {
  const rows = range(from, to)
  const hash = new Uint32Array(rows.length)
  for (let i = 0; i < rows.length; i++) hash[i] = mix(rows[i], seed)
  const order = Array.from(rows.keys()).sort((a, b) => hash[a] - hash[b] || a - b)
  return Int32Array.from(order.slice(0, count), i => rows[i]).sort()
}

function mix(row: number, seed: number): number {
  let h = Math.imul(row + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed | 0, 0xc2b2ae35)
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
  return (h ^ (h >>> 15)) >>> 0
}
