// Ordinary queries while a bulk PREDICT runs: p99 of pgbench -S through the proxy, against the same while nothing else happens. The
// same queries past the proxy tell how much of it is the machine's and the server's own doing.

import { readFlags } from './lib/flags.js'
import { initialisePgbench, pgbench } from './lib/pgbench.js'
import { connect, startPostgres } from './lib/postgres.js'
import { startProxy } from './lib/proxy.js'
import { predict, prepareQuestions } from './lib/questions.js'
import { createReport } from './lib/report.js'
import { alternate, ratios, spread } from './lib/stats.js'

const defaults = { users: 20_000, clients: 4, seconds: 10, repeats: 5 }

export async function besideBulk(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const report = createReport('beside-bulk')
  const server = await startPostgres()
  const [question] = await prepareQuestions(server, { databases: ['shop'], tasks: ['churn'], users: flags.users })
  await initialisePgbench(server.port, 'shop', 10)
  const proxy = await startProxy(server.url('shop'))
  try {
    const bulk = await connect(proxy.url('shop'))
    let answered = 0
    let failure: unknown
    const load = async (port: number) => {
      const { clients, seconds } = flags
      return pgbench({ port, database: 'shop', mode: 'simple', clients, seconds, latencies: true })
    }
    /** One after another, in turns cold and warm, until the load is over. */
    const busy = async (port: number) => {
      let over = false
      const predicting = (async () => {
        for (; !over; answered++) await bulk.query(predict(question, 'each', `seed = ${Math.floor(answered / 2)}`))
      })().catch(error => {
        failure = error
      })
      const result = await load(port)
      over = true
      await predicting
      if (failure) throw failure
      return result
    }
    await load(proxy.port)
    const results = await alternate(flags.repeats, {
      idle: () => load(proxy.port),
      busy: () => busy(proxy.port),
      directIdle: () => load(server.port),
      directBusy: () => busy(server.port),
    })
    const p99 = (name: keyof typeof results) => results[name].map(result => result.p99)
    report.note(
      `${server.version}, ${flags.repeats} alternating rounds of ${flags.seconds} s, ${answered} bulk PREDICTs`,
    )
    report.note(`through the proxy: idle ${spread(p99('idle'))} µs, beside PREDICT ${spread(p99('busy'))} µs`)
    report.note(`past it: idle ${spread(p99('directIdle'))} µs, beside PREDICT ${spread(p99('directBusy'))} µs`)
    report.figure('p99 of pgbench -S beside bulk PREDICT / idle', ratios(p99('busy'), p99('idle')), { atMost: 2 })
    report.figure('the same past the proxy', ratios(p99('directBusy'), p99('directIdle')))
    await bulk.end()
  } finally {
    await proxy.stop()
    await server.stop()
  }
  report.end()
}
