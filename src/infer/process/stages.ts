// What a job goes through, whatever it asks: rows decoded, a context fitted on them, entities answered. A kind of question brings its own
// three; the scheduler, the cache and the ledger know no other shape.

import type { UsedChannels } from '../features/usage.js'
import type { Pause, SteppedHead, Steps } from '../heads/stepped.js'
import type { JobOptions, JobSummary } from '../protocol.js'
import type { Account } from './ledger.js'

/** Milliseconds of computing by stage. */
export type Stopwatch = Record<string, number>

/** What a job's time and memory are written to, and the head that its contexts are fitted with. */
export interface Accounts {
  readonly watch: Stopwatch
  readonly account: Account
  readonly head: SteppedHead
}

/** The rows of one extraction as typed arrays. */
export interface Decoded {
  readonly scored: { readonly count: number }
  /** Bytes of the arrays. */
  readonly bytes: number
}

/** A context that answers questions, its own and later ones. */
export interface FittedContext<D extends Decoded> {
  /** What later extractions have to bring. */
  readonly usedChannels: UsedChannels
  readonly bytes: number
  readonly facts: Pick<JobSummary, 'contextRows' | 'anchors' | 'positives' | 'contextBytes' | 'setAside' | 'warnings'>
  /** Arrays of the answer by name: `key 0`, …, anchor_time, then the prediction's own, all of one length. */
  /** Whether it can answer; not, where it consists of parts that are fitted when they are first asked for. Absent: always. */
  covers?(asked: D): boolean
  answer(asked: D, options: JobOptions, accounts: Accounts): Steps<[string, Buffer][]>
}

export interface Pipeline<D extends Decoded, S = never> {
  createDecoder(spec: S): { push(payload: Buffer): void; finishSteps(): Steps<D> }
  /** `known`: a context of the same question that does not cover this one. */
  fit(decoded: D, options: JobOptions, accounts: Accounts, known?: FittedContext<D>): Steps<FittedContext<D>>
}

/**
 * Runs a stage, adding the time its steps take to `name`, and the time they wait for another thread. A stage is a generator's steps, or one
 * function done in a single step.
 */
export function* timed<T>(watch: Stopwatch, name: string, stage: Steps<T> | (() => T)): Steps<T> {
  for (;;) {
    const start = performance.now()
    const clock = () => {
      watch[name] = (watch[name] ?? 0) + performance.now() - start
    }
    let step: IteratorResult<Pause, T>
    try {
      step = typeof stage === 'function' ? { done: true, value: stage() } : stage.next()
    } catch (error) {
      clock()
      throw error
    }
    if (!step.done && step.value) {
      yield step.value.then(clock)
      continue
    }
    clock()
    yield
    if (step.done) return step.value
  }
}
