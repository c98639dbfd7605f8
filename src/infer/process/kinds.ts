// Which stages answer which kind of question.

import type { NeighbourhoodSpec } from '../../graph/neighbourhood.js'
import type { RankingSpec } from '../../graph/ranking.js'
import { rankingPipeline } from '../ranking/pipeline.js'
import { entityPipeline } from './entity-pipeline.js'
import type { Decoded, Pipeline } from './stages.js'

export type Spec = NeighbourhoodSpec | RankingSpec

/** A context is cached under its question, so what one pipeline has fitted is never handed to another. */
export const pipelineFor = ({ task }: Spec): Pipeline<Decoded, Spec> =>
  (task === 'rank' || task === 'classify' ? rankingPipeline : entityPipeline) as Pipeline<Decoded, Spec>
