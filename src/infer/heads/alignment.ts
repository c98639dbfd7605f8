// The models that answer have learnt from the newest rows; those by which they are judged have not. What the newest rows taught, a higher
// level say, must not be told twice: by the model, and by a calibration of one that did not know it.

import type { Held } from './boosting/blend.js'

/** However much the newest rows changed the models, no order is lost. */
const LEAST_STRETCH = 0.2

/** `judged`, moved and stretched to where the models that answer place the same rows. */
export function aligned({ judged, seen }: Held): Float64Array {
  const [from, to] = [mean(judged), mean(seen)]
  let [across, along] = [0, 0]
  for (let r = 0; r < judged.length; r++) {
    across += (judged[r] - from) * (seen[r] - to)
    along += (judged[r] - from) ** 2
  }
  const stretch = along > 0 ? Math.max(LEAST_STRETCH, across / along) : 1
  return judged.map(place => to + stretch * (place - from))
}

const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length)
