// What a suite that others wrote looks like to us: made ready once, run twice, and what came of each of its tests.

/** Of one test. `evidence` is compared too, where a pass alone says little: a trace of all bytes, say. */
export interface Outcome {
  readonly passed: boolean
  readonly evidence?: string
}

export type Outcomes = ReadonlyMap<string, Outcome>

/** Where a run of the suite connects to, as superuser postgres, without a password. */
export interface Target {
  readonly port: number
  /** A folder for what the run writes: empty, and the server's OS user may write to it. */
  readonly folder: string
}

export interface Suite {
  readonly about: string
  /** What the path must be; null: none is needed. */
  readonly path: string | null
  /** What it needs that is not here, in words; none: it can run. */
  missing(path: string): readonly string[]
  /** Compiles or installs what the runs share, in `folder`; they get what it returns. */
  prepare(path: string, folder: string): Promise<(target: Target) => Promise<Outcomes>>
}
