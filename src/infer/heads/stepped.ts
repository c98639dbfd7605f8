// A head that gives way to other work: its generators yield every few milliseconds and compute the same bits as their plain twins.

import type { ContextBatch, Fitted, Head, Prediction, QueryBatch } from '../head.js'

export type FitOptions = Parameters<Head['fit']>[1]

export interface SteppedHead extends Head {
  fit(context: ContextBatch, options: FitOptions): SteppedFitted
  fitSteps(context: ContextBatch, options: FitOptions): Generator<void, SteppedFitted, void>
}

export interface SteppedFitted extends Fitted {
  predictSteps(query: QueryBatch): Generator<void, Prediction, void>
}

/** Runs steps to their end without giving way. */
export function drain<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
