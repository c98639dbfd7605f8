// The kinds of columns in a fixed order: a network knows them by their places. New kinds go to the end.

import type { ColumnDescriptor } from '../head.js'

export const KINDS = [
  'count',
  'recency',
  'age',
  'gap',
  'distinct',
  'sum',
  'mean',
  'min',
  'max',
  'std',
  'last',
  'ewma',
  'slope',
  'ratio',
  'share',
  'lag',
  'value',
  'flag',
  'level',
  'encoded',
] as const satisfies readonly ColumnDescriptor['kind'][]

/** Whether every kind there is has a place. */
type Missing = Exclude<ColumnDescriptor['kind'], (typeof KINDS)[number]>
export const everyKind: [Missing] extends [never] ? true : never = true
