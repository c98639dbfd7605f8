// The labelled rows a fit can use, and what the user should know about them.

import type { ContextBatch, Fitted } from '../head.js'
import { drawIn } from './transform.js'

export type Warnings = Fitted['warnings']
type Warning = Warnings[number]

/** Fewer examples than this, and a figure is a guess. */
const SMALL = 100
/** Fewer examples of one class than this, and its probability is a guess. */
const RARE = 10

/** The context without rows that have no label; labels beyond 1e300 drawn in. The same object where nothing changes. */
export function usable(context: ContextBatch): ContextBatch {
  const keep: number[] = []
  let changed = false
  for (let r = 0; r < context.rows; r++) {
    const y = context.y[r]
    if (!Number.isNaN(y)) keep.push(r)
    if (!Object.is(drawIn(y), y) || Number.isNaN(y)) changed = true
  }
  if (!changed) return context
  const rows = keep.length
  const x = new Float64Array(rows * context.columns.length)
  for (let j = 0; j < context.columns.length; j++) {
    for (let r = 0; r < rows; r++) x[j * rows + r] = context.x[j * context.rows + keep[r]]
  }
  return {
    ...context,
    rows,
    x,
    y: Float64Array.from(keep, r => drawIn(context.y[r])),
    anchor: Int32Array.from(keep, r => context.anchor[r]),
    age: Float64Array.from(keep, r => context.age[r]),
    ...(context.weight ? { weight: Float64Array.from(keep, r => context.weight![r]) } : {}),
  }
}

/** What there is to warn of in so few rows; nothing where they are enough. */
export const fewExamples = (rows: number): Warning[] =>
  rows < SMALL
    ? [
        {
          code: '01PQ1',
          message: 'prediction rests on few examples',
          detail: `The context holds ${rows} labelled ${rows === 1 ? 'example' : 'examples'}; figures are rough below ${SMALL}.`,
        },
      ]
    : []

export function warningsFor(context: ContextBatch): Warnings {
  const { rows, y, task } = context
  const out = fewExamples(rows)
  if (rows === 0) return out
  if (task === 'binary') {
    let positives = 0
    for (const v of y) positives += v
    const rare = Math.min(positives, rows - positives)
    if (rare === 0) {
      out.push({
        code: '01PQ2',
        message: 'every example of the context has the same outcome',
        detail: `There are ${rows} labelled examples; every entity is given the same probability.`,
      })
    } else if (rare < RARE) {
      out.push({
        code: '01PQ2',
        message: 'classes of the context are imbalanced',
        detail: `${rare} of ${rows} labelled examples have the rarer outcome.`,
      })
    }
  } else if (y.every(v => v === y[0])) {
    out.push({
      code: '01PQ5',
      message: 'every example of the context has the same value',
      detail: `All ${rows} labelled examples are ${y[0]}; every prediction is too.`,
    })
  }
  return out
}
