// Which stages answer which kind of question.

import type { NeighbourhoodSpec } from '../../graph/neighbourhood.js'
import type { RankingSpec } from '../../graph/ranking.js'
import { rankingPipeline } from '../ranking/pipeline.js'
import { columnsPipeline } from './columns-pipeline.js'
import { entityPipeline } from './entity-pipeline.js'
import { forecastPipeline } from './forecast-pipeline.js'
import type { Decoded, Pipeline } from './stages.js'

export type Spec = NeighbourhoodSpec | RankingSpec

/** A context is cached under its question, so what one pipeline has fitted is never handed to another. */
export const pipelineFor = (spec: Spec): Pipeline<Decoded, Spec> => {
  if (spec.task === 'rank' || spec.task === 'classify') return rankingPipeline as Pipeline<Decoded, Spec>
  if ('moment' in spec) return columnsPipeline as Pipeline<Decoded, Spec>
  return ('steps' in spec ? forecastPipeline : entityPipeline) as Pipeline<Decoded, Spec>
}
