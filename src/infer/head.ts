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

export interface ContextBatch {
  readonly task: 'binary' | 'numeric'
  readonly rows: number
  readonly columns: readonly ColumnDescriptor[]
  /** Column-major, columns.length x rows; NaN is missing. */
  readonly x: Float64Array
  /** 0/1 for binary. */
  readonly y: Float64Array
  /** Index of each row's anchor, 0 = newest; rows are ordered newest first, then in a fixed pseudo-random order. */
  readonly anchor: Int32Array
  /** Age of each row's anchor in horizons before the query's anchor. */
  readonly age: Float64Array
  /** Targets of this task are never negative (COUNT; or known from the data). */
  readonly nonNegative: boolean
}

export interface QueryBatch {
  readonly rows: number
  /** Column-major, same columns as the context. */
  readonly x: Float64Array
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

export interface Head {
  readonly name: string
  fit(context: ContextBatch, options: { readonly seed: number; readonly mode: 'fast' | 'normal' | 'best' }): Fitted
}
