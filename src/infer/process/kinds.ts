// Which stages answer which kind of question.

import type { NeighbourhoodSpec } from '../../graph/neighbourhood.js'
import { entityPipeline } from './entity-pipeline.js'
import type { Decoded, Pipeline } from './stages.js'

/** A context is cached under its question, so what one pipeline has fitted is never handed to another. */
export const pipelineFor = (_spec: NeighbourhoodSpec): Pipeline<Decoded, NeighbourhoodSpec> =>
  entityPipeline as Pipeline<Decoded, NeighbourhoodSpec>
