// What is computed of a stream or of one of its numbers: lists of slots, by how much the channel deserves.

import type { ColumnDescriptor } from '../head.js'
import { CLOSING, COUNTS, DISTINCT, SIGNAL } from './columns.js'

type Kind = ColumnDescriptor['kind']

/** A block's slot, and what a column of it is. */
export interface Slot {
  readonly slot: number
  readonly kind: Kind
  readonly window: number
}

export const at = (slot: number, kind: Kind, window = 0): Slot => ({ slot, kind, window })
export const EVER = Number.POSITIVE_INFINITY
const WINDOWS = [1, 3, 10, EVER]
const SUMS = WINDOWS.map((window, i) => at(SIGNAL.sum1 + i, 'sum', window))
const MEANS = WINDOWS.map((window, i) => at(SIGNAL.mean1 + i, 'mean', window))
const LASTS = [at(SIGNAL.last, 'last'), at(SIGNAL.last3, 'last'), at(SIGNAL.last10, 'last'), at(SIGNAL.ewma, 'ewma')]
const EXTREMES = [at(SIGNAL.min, 'min', 10), at(SIGNAL.max, 'max', 10), at(SIGNAL.std, 'std', 10)]
/** What happened within the last horizon: how a burst, a season or an end begins. */
const RECENT = [at(SIGNAL.sumQuarter, 'sum', 0.25), at(SIGNAL.sumHalf, 'sum', 0.5)]
/** What is computed of a signal, by how much it deserves. */
export const FULL = [...SUMS, ...RECENT, ...MEANS, ...EXTREMES, ...LASTS, at(SIGNAL.slope, 'slope')]
export const BINARY = [...SUMS, ...RECENT, ...MEANS, ...LASTS]
export const LIGHT = [SUMS[1], SUMS[2], MEANS[1], MEANS[2], MEANS[3], ...LASTS]
/** Of a length. */
export const LITTLE = [MEANS[3], LASTS[0]]
export const SLIGHT = [SUMS[2], MEANS[2], MEANS[3], LASTS[2]]
export const COUNT_SLOTS = [
  at(COUNTS.count1, 'count', 1),
  at(COUNTS.count3, 'count', 3),
  at(COUNTS.count10, 'count', 10),
  at(COUNTS.count, 'count', EVER),
  at(COUNTS.recency, 'recency'),
  at(COUNTS.age, 'age'),
  at(COUNTS.days, 'distinct', EVER),
  at(COUNTS.days10, 'distinct', 10),
  at(COUNTS.gap, 'gap'),
  at(COUNTS.recencyByGap, 'ratio'),
  at(COUNTS.countByAge, 'ratio', EVER),
  at(COUNTS.daysByAge, 'ratio', EVER),
  at(COUNTS.countQuarter, 'count', 0.25),
  at(COUNTS.countHalf, 'count', 0.5),
]
export const DISTINCT_SLOTS = [
  at(DISTINCT.all, 'distinct', EVER),
  at(DISTINCT.window3, 'distinct', 3),
  at(DISTINCT.share, 'ratio', EVER),
]
export const CLOSING_SLOTS = [
  at(CLOSING.open, 'count'),
  at(CLOSING.share, 'share'),
  at(CLOSING.duration, 'gap'),
  at(CLOSING.since, 'recency'),
]
