// A head that gives way to other work: its generators yield every few milliseconds and compute the same bits as their plain twins. One
// that has another thread compute yields a promise, and goes on when it has settled.

import type { ContextBatch, Fitted, Head, Prediction, QueryBatch } from '../head.js'

export type FitOptions = Parameters<Head['fit']>[1]

/** Between two steps: nothing, or what to wait for. It never rejects: see `settled`. */
export type Pause = void | Promise<void>
export type Steps<T> = Generator<Pause, T, void>

export interface SteppedHead extends Head {
  fit(context: ContextBatch, options: FitOptions): SteppedFitted
  fitSteps(context: ContextBatch, options: FitOptions): Steps<SteppedFitted>
}

export interface SteppedFitted extends Fitted {
  predictSteps(query: QueryBatch): Steps<Prediction>
}

/** Runs steps to their end without giving way. Throws where they have to wait: `run` can. */
export function drain<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (step.value) throw new Error('these steps wait for another thread')
  }
}

/** Runs steps to their end, waiting where they do. */
export async function run<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (step.value) await step.value
  }
}

/** What a promise comes to, as a step; throws what it rejects with. */
export function* settled<T>(promise: Promise<T>): Steps<T> {
  let end: { value: T } | { error: unknown } | null = null
  yield promise.then(
    value => {
      end = { value }
    },
    error => {
      end = { error }
    },
  )
  const got = end as { value: T } | { error: unknown } | null
  if (got === null) throw new Error('steps went on before what they wait for had settled')
  if ('error' in got) throw got.error
  return got.value
}
