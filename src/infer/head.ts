// What every model is to the rest: fitted on labelled rows of a context, asked about rows of queries. Closed-form heads implement it
// today; a pre-trained network reads the same batches through the same two calls.

/** What a column of features is, without its name: the only description a model may read. */
export interface ColumnDescriptor {
  readonly kind:
    | 'count'
    | 'recency'
    | 'age'
    | 'gap'
    | 'distinct'
    | 'sum'
    | 'mean'
    | 'min'
    | 'max'
    | 'std'
    | 'last'
    | 'ewma'
    | 'slope'
    | 'ratio'
    | 'share'
    | 'lag'
    | 'value'
    | 'flag'
    | 'level'
    | 'encoded'
  /** Foreign keys between the entity and the rows aggregated. */
  readonly hop: number
  /** Window in horizons: 0.25, 0.5, 1, 3, 10; Infinity for all of the past; 0 where there is none. */
  readonly window: number
  /** Built from the target's own expression. */
  readonly target: boolean
  /** A percentile within the anchor's cohort, in [0, 1], rather than the value itself. */
  readonly cohort: boolean
}

/** What rows say of a label that is one of several classes, beside their columns. */
export interface ClassSide {
  /** The category a row is in, for each of several ways to tell rows apart: equality alone has a meaning, MISSING none. */
  readonly sites: readonly Int32Array[]
  /** Classes in a row's own past: entries start[r] … start[r + 1] - 1, each of another class. */
  readonly start: Int32Array
  readonly of: Int32Array
  /** By entry, PAST numbers each: see PAST. */
  readonly past: Float64Array
}

/** A code that says nothing. */
export const MISSING = -2147483648

/** Of a class in a row's past: 1 where it came last, its share of the last horizon, of the last three, of all, and how lately it came. */
export const PAST = 5

/** Values of each row, by number, ascending: those of row r are of[start[r]] … of[start[r + 1] - 1]. */
export interface Sets {
  readonly start: Int32Array
  readonly of: Int32Array
}

export interface ContextBatch<Task extends 'binary' | 'numeric' | 'multiclass' | 'list' = 'binary' | 'numeric'> {
  readonly task: Task
  readonly rows: number
  readonly columns: readonly ColumnDescriptor[]
  /** Column-major, columns.length x rows; NaN is missing. */
  readonly x: Float64Array
  /** 0/1 for binary, the class for multiclass. */
  readonly y: Float64Array
  /** Index of each row's anchor, 0 = newest; rows are ordered newest first, then in a fixed pseudo-random order. */
  readonly anchor: Int32Array
  /** Age of each row's anchor in horizons before the query's anchor. */
  readonly age: Float64Array
  /** Targets of this task are never negative (COUNT; or known from the data). */
  readonly nonNegative: boolean
  /** How many examples each row stands for, where they were drawn unevenly by what was known at their anchors; otherwise each stands for itself. */
  readonly weight?: Float64Array
}

/** Labels are classes, numbered 0 … count - 1. */
export interface ClassBatch extends ContextBatch<'multiclass'> {
  readonly classes: ClassSide & { readonly count: number }
}

/** Labels are lists of values, numbered 0 … count - 1; `y` says nothing. */
export interface ListBatch extends ContextBatch<'list'> {
  readonly lists: Sets & { readonly count: number }
  /** The other values of a list may be known where one is asked about. */
  readonly held: boolean
}

export interface QueryBatch {
  readonly rows: number
  /** Column-major, same columns as the context. */
  readonly x: Float64Array
  readonly classes?: ClassSide
  /** Of lists: the values that rows are known to hold; a row is asked about each as if that one were not. */
  readonly held?: Sets
}

/** Of one batch, in its order. Binary: probability of true. Numeric: median, mean, and a 90 % interval. */
export type Prediction =
  | { readonly task: 'binary'; readonly probability: Float64Array }
  | {
      readonly task: 'numeric'
      readonly median: Float64Array
      readonly mean: Float64Array
      readonly lower: Float64Array
      readonly upper: Float64Array
    }

export interface Fitted {
  /** Memory held, for the context cache. */
  readonly bytes: number
  /** Each row's answer depends on that row alone: never on the rest of the batch. */
  predict(query: QueryBatch): Prediction
  /** What the user should know: a single class in the context, few rows, … */
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly detail?: string }[]
}

/** rows x classes, row-major: probabilities that sum to 1 in each row. */
export interface ClassPrediction {
  readonly task: 'multiclass'
  readonly classes: number
  readonly probabilities: Float64Array
}

/** rows x values, row-major: the probability of holding each. */
export interface ListPrediction {
  readonly task: 'list'
  readonly values: number
  readonly probabilities: Float64Array
}

export interface Head {
  readonly name: string
  fit(context: ContextBatch, options: { readonly seed: number; readonly mode: 'fast' | 'normal' | 'best' }): Fitted
}
