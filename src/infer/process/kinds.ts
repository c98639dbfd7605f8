// Which stages answer which kind of question.

import type { NeighbourhoodSpec } from '../../graph/neighbourhood.js'
import type { RankingSpec } from '../../graph/ranking.js'
import type { JobRequest } from '../protocol.js'
import { rankingPipeline } from '../ranking/pipeline.js'
import { columnsPipeline } from './columns-pipeline.js'
import { entityPipeline } from './entity-pipeline.js'
import { forecastPipeline } from './forecast-pipeline.js'
import type { Decoded, Pipeline } from './stages.js'
import { suspectsPipeline } from './suspects-pipeline.js'

export type Spec = NeighbourhoodSpec | RankingSpec

/** A context is cached under its question, so what one pipeline has fitted is never handed to another. */
export function pipelineFor({ spec, purpose }: JobRequest): Pipeline<Decoded, Spec> {
  return pipelineOf(spec, purpose) as Pipeline<Decoded, Spec>
}

function pipelineOf(spec: Spec, purpose: JobRequest['purpose']) {
  if (purpose === 'suspects') return suspectsPipeline
  if (spec.task === 'rank' || spec.task === 'classify') return rankingPipeline
  if ('moment' in spec) return columnsPipeline
  return 'steps' in spec ? forecastPipeline : entityPipeline
}
