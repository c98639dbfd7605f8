// The stages of RANK and CLASSIFY: pairs of entity and item from the past, a head fitted on them, the pairs of those asked about in order.

import type { RankingSpec } from '../../graph/ranking.js'
import type { Steps } from '../heads/stepped.js'
import { MOST_VALUES, tooManyValues } from '../process/list-output.js'
import { type Accounts, type FittedContext, type Pipeline, timed } from '../process/stages.js'
import type { JobOptions } from '../protocol.js'
import { activityExamples } from './activity.js'
import { rankingAnswer } from './answer.js'
import { occurrencesOf } from './calendar.js'
import { createRankingDecoder, type RankingData } from './decode.js'
import { examplesOf } from './examples.js'
import { catalogueOf, historiesOf } from './histories.js'
import { sceneAt } from './moment.js'
import { fitPairs, pairHead } from './pair-head.js'

const budgets = {
  fast: { rows: 6_000, entities: 500, steps: 20_000_000 },
  normal: { rows: 24_000, entities: 2_000, steps: 120_000_000 },
  best: { rows: 60_000, entities: 5_000, steps: 300_000_000 },
} as const

export const rankingPipeline: Pipeline<RankingData, RankingSpec> = { createDecoder: createRankingDecoder, fit }

function* fit(
  data: RankingData,
  { seed, mode }: JobOptions,
  { watch, account }: Accounts,
): Steps<FittedContext<RankingData>> {
  const { windows, population, spec } = data
  const classify = spec.task === 'classify'
  const working = 76 * data.events.count
  account.take(working)
  const catalogue = yield* timed(watch, 'prepare', catalogueOf(data, windows.time[1]))
  const items = catalogue.items.count
  if (classify && items > MOST_VALUES) throw tooManyValues()
  const histories = yield* timed(watch, 'prepare', historiesOf(data, catalogue))
  const horizon = windows.to[1] - windows.from[1]
  const occurrences = yield* timed(watch, 'prepare', occurrencesOf(histories, population, items, horizon))
  const past = { histories, population, windows, items, occurrences }
  const examples = yield* timed(watch, 'prepare', examplesOf(data, past, budgets[mode], seed))
  const { batch, rate, list } = examples
  account.take(4 * batch.x.byteLength)
  const fitted = yield* timed(watch, 'fit', fitPairs(batch, classify ? null : { list, rate }, { seed, mode }))
  account.give(4 * batch.x.byteLength)
  const active = classify ? yield* timed(watch, 'prepare', activityExamples(data, histories)) : null
  const activity = active ? yield* timed(watch, 'fit', pairHead.fitSteps(active, { seed, mode })) : null
  const scene = yield* timed(watch, 'prepare', sceneAt(past, 1, classify))
  account.give(working)
  let positives = 0
  for (let r = 0; r < batch.rows; r++) positives += batch.y[r]
  const model = { catalogue, scene, fitted, activity, rate }
  const { companions } = scene
  const bytes = fitted.bytes + catalogue.items.bytes + 200 * items + 4 * companions.likeness.length
  return {
    usedChannels: { nodes: [], streams: [] },
    bytes,
    facts: {
      contextRows: batch.rows,
      anchors: examples.anchors,
      positives,
      contextBytes: bytes,
      setAside: [],
      warnings: fitted.warnings,
    },
    answer: (asked, _options, accounts) => rankingAnswer(model, asked, accounts),
  }
}
