// A decoded neighbourhood: what one extraction brought back, as typed arrays by key.

import type { NeighbourhoodSpec } from '../../graph/neighbourhood.js'

/** Stands for NULL in a code column. */
export const NULL_CODE = -2147483648

/** Boundaries of an anchor: 0…10 whole horizons back, then start and end of the window one year earlier. */
export const BOUNDARIES = 13

/** Rows of a node or a stream. Rows of key k are ptr[k] … ptr[k + 1] - 1, in order of time. */
export interface Rows {
  readonly keys: number
  readonly rows: number
  /** keys + 1 offsets. */
  readonly ptr: Int32Array
  /** Microseconds since 2000-01-01 UTC; -Infinity where the row is always visible. */
  readonly time: Float64Array
  /** By channel; NaN is missing. */
  readonly numbers: readonly Float64Array[]
  /** By channel; NULL_CODE is missing. */
  readonly codes: readonly Int32Array[]
}

export interface Anchors {
  readonly count: number
  readonly time: Float64Array
  /** count x BOUNDARIES, row-major. */
  readonly bounds: Float64Array
}

export interface Pairs {
  readonly count: number
  readonly key: Int32Array
  readonly anchor: Int32Array
  readonly role: Int32Array
  readonly label: Float64Array
  /** Of a forecast: labels of each fitted window, `label` being the first; otherwise that alone. */
  readonly labels: readonly Float64Array[]
  /** Of a target of columns: the part that the example is in. Where spec.weighed: how many examples it stands for. */
  readonly share: Int32Array
}

export interface Scored {
  readonly count: number
  readonly key: Int32Array
  readonly anchor: Int32Array
  /** Of a target of columns: the part, or the period, that the entity is in. */
  readonly group: Int32Array
  /** One Postgres binary array a key column, ready to go back as a parameter; empty where nothing is scored. */
  readonly keys: readonly Buffer[]
}

/** What labels of several classes stand for; a label is an index into these. */
export interface Classes {
  readonly count: number
  /** As in code channels. */
  readonly hash: Int32Array
  readonly examples: Float64Array
  /** Labelled examples, and different values among them, of all that there were. */
  readonly labelled: number
  readonly distinct: number
  /** Postgres' own id of the values' type, and their binary forms. */
  readonly type: number
  readonly values: readonly Buffer[]
  readonly texts: readonly string[]
}

/** Lists that labels are the numbers of: the values of list l are of[start[l]] … of[start[l + 1] - 1], as numbers of classes, ascending. */
export interface Lists {
  readonly start: Int32Array
  readonly of: Int32Array
}

export interface Neighbourhood {
  readonly spec: NeighbourhoodSpec
  readonly anchors: Anchors
  readonly pairs: Pairs
  readonly scored: Scored
  /** null: labels are numbers, or no context came. */
  readonly classes: Classes | null
  /** null: labels are no lists. */
  readonly lists: Lists | null
  readonly constants: Float64Array
  /** Of a forecast: start and end of every window asked about, in microseconds. */
  readonly windows: { readonly start: Float64Array; readonly end: Float64Array }
  /** When each period begins, by number; of targets read at their rows' own time alone. */
  readonly periods: ReadonlyMap<number, number>
  readonly nodes: readonly Rows[]
  readonly streams: readonly Rows[]
  /** Bytes of the arrays above. */
  readonly bytes: number
}
