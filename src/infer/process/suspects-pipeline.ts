// The stages of a job that only asks which columns seem to change after their row was written: nothing is fitted, nobody scored.

import { createDecoder } from '../decode/decoder.js'
import type { Neighbourhood } from '../decode/neighbourhood.js'
import { setAsideSteps } from '../features/context.js'
import { timestamptzArray } from './output.js'
import { type FittedContext, type Pipeline, timed } from './stages.js'

export const suspectsPipeline: Pipeline<Neighbourhood> = {
  createDecoder,
  *fit(neighbourhood, _options, { watch }) {
    const setAside = yield* timed(watch, 'prepare', setAsideSteps(neighbourhood))
    return { ...NOTHING, facts: { ...NOTHING.facts, setAside } }
  },
}

const NOTHING: FittedContext<Neighbourhood> = {
  usedChannels: { nodes: [], streams: [] },
  bytes: 0,
  facts: { contextRows: 0, anchors: 0, positives: 0, contextBytes: 0, setAside: [], warnings: [] },
  // biome-ignore lint/correctness/useYield: an answer is a generator, and this one has no steps
  *answer() {
    return [['anchor_time', timestamptzArray(0, Number.NEGATIVE_INFINITY)]]
  },
}
