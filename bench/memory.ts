// Memory of the proxy and of inference when both have just started, after a PREDICT, and what an idle connection adds.

import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { readFlags } from './lib/flags.js'
import { connect, startPostgres } from './lib/postgres.js'
import { megabytes, proportionalMemory, residentMemory } from './lib/process-table.js'
import { startProxy } from './lib/proxy.js'
import { predict, prepareQuestions } from './lib/questions.js'
import { createReport } from './lib/report.js'

const defaults = { users: 5000, connections: 500 }

export async function memory(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const report = createReport('memory')
  const server = await startPostgres([`max_connections = ${flags.connections + 100}`])
  const [question] = await prepareQuestions(server, { databases: ['shop'], tasks: ['churn'], users: flags.users })
  const proxy = await startProxy(server.url('shop'))
  try {
    const show = async (when: string, atMost?: number): Promise<void> => {
      await sleep(2000)
      const [wire, infer] = [proxy.pid, proxy.inferPid].map(residentMemory)
      const shared = megabytes([proxy.pid, proxy.inferPid].map(proportionalMemory).reduce((a, b) => a + b))
      report.figure(`${when}: the proxy`, megabytes(wire), { unit: 'MB' })
      report.figure(`${when}: inference`, megabytes(infer), { unit: 'MB' })
      report.figure(`${when}: both`, megabytes(wire + infer), { atMost, unit: 'MB' })
      report.figure(`${when}: both, what they share counted once`, shared, { unit: 'MB' })
    }
    await show('started', 300)

    const before = residentMemory(proxy.pid)
    const idle: pg.Client[] = []
    let half = 0
    while (idle.length < flags.connections) {
      idle.push(await connect(proxy.url('shop')))
      if (idle.length === flags.connections / 2) {
        await sleep(1000)
        half = residentMemory(proxy.pid)
      }
    }
    await sleep(2000)
    const all = residentMemory(proxy.pid)
    report.figure('an idle connection', (all - before) / 1024 / flags.connections, { atMost: 30, unit: 'kB' })
    report.figure('  of the second half', (all - half) / 1024 / (flags.connections / 2), { unit: 'kB' })
    const alive = await Promise.all(idle.map(async client => (await client.query('SELECT 1 AS a')).rows[0].a as number))
    report.figure('idle connections that still answer', alive.length, { atLeast: flags.connections })
    await Promise.all(idle.map(client => client.end()))

    const client = await connect(proxy.url('shop'))
    await client.query(predict(question, 'each'))
    await client.end()
    await show('after a PREDICT for each')
  } finally {
    await proxy.stop()
    await server.stop()
  }
  report.end()
}
