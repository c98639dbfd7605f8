// What a column of features is: a descriptor for the model, sources for explanations, and the block of work that computes it.

import type { Source, TargetLeaf, TargetProgram, TargetSpec } from '../../graph/neighbourhood.js'
import type { ColumnDescriptor } from '../head.js'
import type { TargetEncoder } from './encoder.js'

export type Compare = Extract<TargetProgram, { op: 'compare' }>['compare']

/** A number for every row of a stream, as it is or derived from a channel. */
export type Signal =
  | { readonly kind: 'channel'; readonly channel: number }
  /** 1 where the code channel has this value, else 0. */
  | { readonly kind: 'level'; readonly channel: number; readonly code: number }
  /** 1 or 0 by comparing a number channel with a constant of the target; missing where the channel is. */
  | { readonly kind: 'compare'; readonly channel: number; readonly compare: Compare; readonly constant: number }

/** Columns that are computed in one pass over the rows: they share a stream and a channel. */
export type Block =
  | { readonly op: 'counts'; readonly stream: number; readonly day: number }
  | { readonly op: 'distinct'; readonly stream: number; readonly channel: number }
  | { readonly op: 'closing'; readonly stream: number; readonly channel: number }
  | { readonly op: 'signal'; readonly stream: number; readonly signal: Signal }
  | { readonly op: 'lag'; readonly target: TargetSpec; readonly constants: Float64Array }
  /** Leaf of the target, read from a stream of another node. */
  | { readonly op: 'via-lag'; readonly stream: number; readonly leaf: StreamLeaf }
  | { readonly op: 'own'; readonly node: number; readonly channel: number; readonly time: boolean }
  | { readonly op: 'born'; readonly node: number }
  | { readonly op: 'level'; readonly node: number; readonly channel: number; readonly code: number }
  | { readonly op: 'frequency'; readonly at: CodeSite; readonly share: ReadonlyMap<number, number> }
  | { readonly op: 'encoded'; readonly at: CodeSite; readonly encoder: { current: TargetEncoder | null } }

/** One code a row: of a node's own channel, or of a stream's last visible row. */
export type CodeSite =
  | { readonly node: number; readonly channel: number }
  | { readonly stream: number; readonly channel: number }

/** An aggregate of the target with the channels it reads in one particular stream. */
export interface StreamLeaf {
  readonly name: TargetLeaf['name']
  readonly filter: number | null
  readonly value: number | null
  readonly code: number | null
}

export interface FeatureColumn {
  readonly descriptor: ColumnDescriptor
  /** What the column was computed from, for explanations. */
  readonly sources: readonly Source[]
  /** Columns of one block share this very object. */
  readonly block: Block
  /** Place within the block's own list of results. */
  readonly slot: number
}

export const COUNTS = {
  count1: 0,
  count3: 1,
  count10: 2,
  count: 3,
  recency: 4,
  age: 5,
  days: 6,
  days10: 7,
  gap: 8,
  recencyByGap: 9,
  countByAge: 10,
  daysByAge: 11,
  countQuarter: 12,
  countHalf: 13,
} as const

export const DISTINCT = { all: 0, window3: 1, share: 2 } as const

export const CLOSING = { open: 0, share: 1, duration: 2, since: 3 } as const

export const SIGNAL = {
  sum1: 0,
  sum3: 1,
  sum10: 2,
  sum: 3,
  mean1: 4,
  mean3: 5,
  mean10: 6,
  mean: 7,
  min: 8,
  max: 9,
  std: 10,
  last: 11,
  last3: 12,
  last10: 13,
  ewma: 14,
  slope: 15,
  sumQuarter: 16,
  sumHalf: 17,
} as const

export const LAGS = 10
/** Labels of the 10 windows before, then these, then RAW_LAGS a leaf. */
export const LAG = { year: 10, mean3: 11, mean10: 12, weighted: 13, median: 14, max: 15, valid: 16, raw: 17 } as const
export const RAW_LAGS = 5
/** Raw lags 1, 2, 3 through another node, then their mean. */
export const VIA_LAGS = 3
