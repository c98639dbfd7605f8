// Which context rows a fit sees, and which of them, the newest, it is tuned on.

import type { ContextBatch } from '../head.js'
import { scattered } from './mix.js'

const SMALL = 3_000
const LARGE = 10_000
/** Of the mixed selection, the share taken from the newest rows. */
const NEWEST_SHARE = 0.6
/** Calendar months differ by a tenth. */
const SLACK = 0.15
/** Share of the rows that a model must be left to learn from. */
const LEAST_OLDER = 0.3
/** Of what labels differ by, the share that held-out rows must differ by among themselves to tell anything: no race is run in winter. */
const TELLING_SHARE = 0.05

/** Rows before `held` are held out; those from `older` on had closed windows when the held-out anchors came, so that they knew nothing of them. */
export interface Split {
  readonly held: number
  readonly older: number
}

export interface Subset extends Split {
  readonly name: 'newest 3k' | 'newest 10k' | 'mix 3k'
  /** Rows of the context, ascending: newest first. */
  readonly index: Int32Array
}

/** Selections for a context, without repeats of the same selection, and without those whose newest rows tell nothing where others' do. */
export function subsets(context: Labels, mode: 'fast' | 'normal' | 'best', seed: number): Subset[] {
  const all = selections(context, mode, seed)
  const telling = all.filter(({ held }) => held > 0)
  return telling.length > 0 ? telling : all
}

type Labels = Pick<ContextBatch, 'rows' | 'anchor' | 'age' | 'y'>

function selections(context: Labels, mode: 'fast' | 'normal' | 'best', seed: number): Subset[] {
  const { rows } = context
  const make = (name: Subset['name'], index: Int32Array): Subset => ({ name, index, ...splitOf(index, context) })
  const newest = make('newest 3k', range(0, Math.min(rows, SMALL)))
  if (rows <= SMALL || (mode === 'fast' && newest.held > 0)) return [newest]
  const recent = Math.round(SMALL * NEWEST_SHARE)
  const older = sample(recent, rows, SMALL - recent, seed)
  const mixed = new Int32Array(SMALL)
  mixed.set(range(0, recent))
  mixed.set(older, recent)
  return [newest, make('newest 10k', range(0, Math.min(rows, LARGE))), make('mix 3k', mixed)]
}

/**
 * About a quarter of the rows are held out, moved to a change of anchor where one is near, so that no anchor lies on both sides, and to where
 * they differ among themselves; 0: too few rows, or all alike. Where windows overlap, rows whose window reaches into the held-out ones are
 * left out of both sides, if enough remain.
 */
function splitOf(index: Int32Array, { anchor, age, y }: Labels): Split {
  const rows = index.length
  const quarter = Math.round(rows / 4)
  if (quarter < 20) return { held: 0, older: 0 }
  const labels = Float64Array.from(index, row => Math.sign(y[row]) * Math.log1p(Math.abs(y[row])))
  const least = TELLING_SHARE * squares(labels)
  let [sum, sumOfSquares] = [0, 0]
  let held = 0
  let distance = Number.POSITIVE_INFINITY
  for (let r = 1; r <= rows * 0.5; r++) {
    sum += labels[r - 1]
    sumOfSquares += labels[r - 1] ** 2
    if (r < rows * 0.1 || sumOfSquares - sum ** 2 / r < least) continue
    const far = Math.abs(r - quarter) + (anchor[index[r]] === anchor[index[r - 1]] ? 0.4 * rows : 0)
    if (far < distance) {
      held = r
      distance = far
    }
  }
  if (held === 0) return { held, older: 0 }
  const closed = age[index[held - 1]] + 1 - SLACK
  let older = held
  while (older < rows && age[index[older]] < closed) older++
  return { held, older: rows - older >= rows * LEAST_OLDER ? older : held }
}

/** Sum of squares about the mean. */
function squares(values: Float64Array): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  return values.reduce((sum, v) => sum + (v - mean) ** 2, 0)
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

const mix = (row: number, seed: number): number =>
  scattered(Math.imul(row + 0x9e3779b9, 0x85ebca6b) ^ Math.imul(seed | 0, 0xc2b2ae35))
