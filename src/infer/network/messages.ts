// What the inference process and the thread that runs networks say to each other.

export interface EncodeRequest {
  readonly op: 'encode'
  readonly id: number
  readonly rows: number
  readonly columns: number
  readonly z: Float32Array
  readonly missing: Float32Array
  readonly described: Float32Array
  readonly known: Float32Array
  readonly label: Float32Array
}

export interface PredictRequest {
  readonly op: 'predict'
  readonly id: number
  /** Id of the request that encoded the context. */
  readonly memory: number
  readonly rows: number
  readonly z: Float32Array
  readonly missing: Float32Array
  readonly known: Float32Array
}

export type Request = EncodeRequest | PredictRequest | { readonly op: 'forget'; readonly memory: number }

export interface Answers {
  /** A correction of the logit a query. */
  readonly logit: Float32Array
  /** 99 a query, ascending, in units of the residual's scale. */
  readonly quantiles: Float32Array
}

export type Reply =
  | { readonly ready: true }
  | { readonly id: number; readonly answers: Answers | null }
  | { readonly id: number | null; readonly error: string }
