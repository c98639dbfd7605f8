// Trailing means shrunk to those of a cohort.

import type { LagPriors } from './block-lag.js'
import { type FeatureColumn, LAG } from './columns.js'
import { computeSteps } from './compute.js'
import type { View } from './view.js'

/** Replaces the plain trailing means in `x` by shrunk ones; `measure` fills in the means by anchor from the plain ones. */
export function* shrinkColumns(
  view: View,
  columns: readonly FeatureColumn[],
  x: Float64Array,
  priors: LagPriors,
  measure: (from: number, means: Float64Array) => void,
): Generator<void, void, void> {
  const shrunk: number[] = []
  columns.forEach(({ block, slot }, c) => {
    if (block.op === 'lag' && (slot === LAG.mean3 || slot === LAG.mean10)) shrunk.push(c)
  })
  if (shrunk.length === 0) return
  for (const c of shrunk) measure(c * view.rows, columns[c].slot === LAG.mean3 ? priors.mean3 : priors.mean10)
  const again = yield* computeSteps(
    view,
    shrunk.map(c => columns[c]),
    priors,
  )
  shrunk.forEach((c, i) => {
    x.set(again.subarray(i * view.rows, (i + 1) * view.rows), c * view.rows)
  })
}

export function emptyPriors(anchors: number): LagPriors {
  return { mean3: new Float64Array(anchors).fill(Number.NaN), mean10: new Float64Array(anchors).fill(Number.NaN) }
}
