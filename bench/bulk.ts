// FOR EACH over every entity, end to end at the client: how many a second, warm (the context is fitted) and cold.

import { listOf, readFlags } from './lib/flags.js'
import { connect, startPostgres } from './lib/postgres.js'
import { startProxy } from './lib/proxy.js'
import { predict, prepareQuestions } from './lib/questions.js'
import { createReport } from './lib/report.js'
import { spread } from './lib/stats.js'

const defaults = { databases: '', tasks: '', users: 20_000, repeats: 5 }

export async function bulk(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const report = createReport('bulk')
  const server = await startPostgres()
  const wanted = { databases: listOf(flags.databases), tasks: listOf(flags.tasks), users: flags.users }
  const questions = await prepareQuestions(server, wanted)
  const proxy = await startProxy(server.url('postgres'))
  report.note(`${server.version}, mode normal, ${flags.repeats} rounds`)
  try {
    for (const question of questions) {
      const client = await connect(proxy.url(question.database))
      let rows = 0
      const timed = async (sql: string): Promise<number> => {
        const start = performance.now()
        rows = (await client.query(sql)).rowCount ?? 0
        return (performance.now() - start) / 1000
      }
      // the statement's plans and the catalog are there; the context is another
      await timed(predict(question, 'each', 'seed = 1'))
      const cold = await timed(predict(question, 'each'))
      const warm: number[] = []
      for (let round = 0; round < flags.repeats; round++) warm.push(await timed(predict(question, 'each')))
      report.note(
        `${question.name}: ${rows.toLocaleString('en')} entities, cold ${cold.toFixed(2)} s, warm ${spread(warm)} s`,
      )
      // of a few thousand entities what a statement costs at all is most of the time
      const atLeast = question.database === 'shop' ? 2300 : undefined
      report.figure(
        `${question.name}: warm`,
        warm.map(seconds => rows / seconds),
        { atLeast, unit: 'entities/s' },
      )
      report.figure(`${question.name}: cold`, rows / cold, { unit: 'entities/s' })
      await client.end()
    }
  } finally {
    await proxy.stop()
    await server.stop()
  }
  report.end()
}
