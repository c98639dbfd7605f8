// The kinds of columns in a fixed order: a network knows them by their places. New kinds go to the end.

import type { ColumnDescriptor } from '../head.js'

/** A kind without a place does not compile. */
const PLACES: Readonly<Record<ColumnDescriptor['kind'], number>> = {
  count: 0,
  recency: 1,
  age: 2,
  gap: 3,
  distinct: 4,
  sum: 5,
  mean: 6,
  min: 7,
  max: 8,
  std: 9,
  last: 10,
  ewma: 11,
  slope: 12,
  ratio: 13,
  share: 14,
  lag: 15,
  value: 16,
  flag: 17,
  level: 18,
  encoded: 19,
}

export const KINDS = Object.keys(PLACES)
