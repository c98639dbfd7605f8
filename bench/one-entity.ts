// A warm PREDICT for one entity at the client, against one round trip of the hand-written feature SQL for that entity: what a service
// without a feature store would otherwise wait for, before any model has run. Where the SQL exists in a form that reads one entity's
// rows through the indexes, that is the one to compare with.

import { listOf, readFlags } from './lib/flags.js'
import { connect, startPostgres } from './lib/postgres.js'
import { startProxy } from './lib/proxy.js'
import { entitiesOf, featuresForOne, featuresOfOne, predict, prepareQuestions } from './lib/questions.js'
import { createReport } from './lib/report.js'
import { alternate, median, quantile, spread } from './lib/stats.js'

const defaults = { databases: '', tasks: '', users: 5000, queries: 300, entities: 100 }

export async function oneEntity(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const report = createReport('one-entity')
  const server = await startPostgres()
  const wanted = { databases: listOf(flags.databases), tasks: listOf(flags.tasks), users: flags.users }
  const questions = await prepareQuestions(server, wanted)
  const proxy = await startProxy(server.url('postgres'))
  report.note(`${server.version}, ${flags.queries} queries a side, in turns, over ${flags.entities} entities each`)
  try {
    for (const question of questions) {
      const entities = await entitiesOf(server, question, flags.entities)
      const proxied = await connect(proxy.url(question.database))
      const direct = await connect(server.url(question.database))
      const timed = async (client: typeof direct, sql: string): Promise<number> => {
        const start = performance.now()
        await client.query(sql)
        return performance.now() - start
      }
      const cold = await timed(proxied, predict(question, [entities[0]]))
      const one = (round: number) => entities[round % entities.length]
      const features = (round: number) => timed(direct, featuresOfOne(question, one(round)))
      const sides: Record<string, (round: number) => Promise<number>> = {
        predict: round => timed(proxied, predict(question, [one(round)])),
        ...(question.oneSql
          ? { features: round => timed(direct, featuresForOne(question, one(round))!), restricted: features }
          : { features }),
      }
      await alternate(5, sides)
      const warm = await alternate(flags.queries, sides)
      const p99 = quantile(warm.predict, 0.99)
      report.note(`${question.name}: cold ${cold.toFixed(0)} ms, warm ${spread(warm.predict)} ms`)
      report.note(`  feature SQL ${spread(warm.features)} ms`)
      if (warm.restricted) report.note(`  feature SQL of all, restricted to one: ${spread(warm.restricted)} ms`)
      const ratio = median(warm.predict) / median(warm.features)
      report.figure(`${question.name}: p50 / p50 of the feature SQL`, ratio, { atMost: 5 })
      report.figure(`${question.name}: p99`, p99, { atMost: 100, unit: 'ms' })
      await proxied.end()
      await direct.end()
    }
  } finally {
    await proxy.stop()
    await server.stop()
  }
  report.end()
}
