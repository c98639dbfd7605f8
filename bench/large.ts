// Answers of many entities over large tables: how soon the first row is there, how many follow in a second, what memory the proxy and
// inference hold for more entities, how soon a cancelled statement ends, and what one entity costs.

import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { to } from 'pg-copy-streams'
import { serialize } from 'pg-protocol'
import { readFlags } from './lib/flags.js'
import { writeLargeTables } from './lib/large-tables.js'
import { ask, connect, startPostgres } from './lib/postgres.js'
import { forgetPeak, megabytes, peakMemory } from './lib/process-table.js'
import { type RunningProxy, startProxy } from './lib/proxy.js'
import { createReport } from './lib/report.js'

const defaults = { people: 100_000, rows: 2_000_000, few: 10_000, many: 100_000, most: 0, repeats: 3, times: 0 }

const about = (n: number) =>
  `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (SELECT user_id FROM users WHERE user_id <= ${n})`

/** How an answer can be had. None keeps its rows here. */
const forms: Record<string, (client: pg.Client, asked: string) => Promise<unknown>> = {
  'a bare PREDICT': readRows,
  'in FROM': (client, asked) =>
    readRows(client, `SELECT p.user_id, p.probability FROM (${asked}) p JOIN users USING (user_id)`),
  'CREATE TABLE AS': (client, asked) => client.query(`CREATE TEMP TABLE made AS ${asked}`),
  'INSERT … SELECT': (client, asked) => client.query(`INSERT INTO kept SELECT user_id, probability FROM (${asked}) p`),
  'COPY … TO STDOUT': async (client, asked) => {
    for await (const _ of client.query(to(`COPY (${asked}) TO STDOUT`)));
  },
  'a cursor': async (client, asked) => {
    await client.query('BEGIN')
    await client.query(`DECLARE c CURSOR FOR ${asked}`)
    while ((await client.query('FETCH 1000 FROM c')).rowCount! > 0);
    await client.query('COMMIT')
  },
}

export async function large(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const { people, rows, few, many, most, times } = flags
  const report = createReport('large')
  const server = await startPostgres()
  const url = await server.createDatabase('large')
  await writeLargeTables(url, people, rows, times > 0)
  const proxy = await startProxy(url)
  report.note(
    `${server.version}, ${people} people, ${rows} rows about them, times ${times > 0 ? 'indexed' : 'not indexed'}`,
  )
  const client = await connect(proxy.url('large'))
  const seconds = async (work: () => Promise<unknown>) => {
    const start = performance.now()
    await work()
    return (performance.now() - start) / 1000
  }
  try {
    await ask(url, 'CREATE TABLE kept (user_id int, probability float8)')
    const one = (id: number) => `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id = ${id}`
    await client.query(`${one(1)} WITH (seed = 1)`)
    const before = await rowsRead(url)
    report.figure('one entity, cold', await seconds(() => client.query(one(2))), { atMost: 3, unit: 's' })
    const read = (await rowsRead(url)) - before
    report.figure('  rows and index entries read', read, { unit: '' })
    report.figure('  rows read, of those there are', read / rows)
    const warm: number[] = []
    for (let i = 0; i < 20; i++) warm.push(1000 * (await seconds(() => client.query(one(10 + i)))))
    report.figure('one entity, warm', warm, { unit: 'ms' })

    const first: number[] = []
    const speed: number[] = []
    for (let round = 0; round < flags.repeats; round++) {
      const start = performance.now()
      first.push(((await readRows(client, about(many))) - start) / 1000)
      speed.push(many / ((performance.now() - start) / 1000))
    }
    report.figure(`${many} entities: first row, the context being there`, first, { atMost: 1, unit: 's' })
    report.figure(`${many} entities: a second`, speed, { atLeast: 2300, unit: 'entities/s' })
    const cold = await seconds(() => readRows(client, `${about(many)} WITH (seed = 7)`))
    report.figure(`${many} entities: cold`, cold, { atMost: 60, unit: 's' })

    for (const [form, run] of Object.entries(forms)) {
      const little = await peaks(proxy, () => run(client, about(few)))
      await client.query('DROP TABLE IF EXISTS made')
      const high = await peaks(proxy, () => run(client, about(many)))
      await client.query('DROP TABLE IF EXISTS made')
      for (const [i, who] of ['the proxy', 'inference'].entries())
        report.figure(`${form}: ${who}, ${many} more than ${few}`, megabytes(high[i] - little[i]), { unit: 'MB' })
    }
    if (most > 0) {
      const took = await peaks(proxy, async () => {
        report.figure(
          `CREATE TABLE AS, ${most} entities`,
          await seconds(() => client.query(`CREATE TEMP TABLE made AS ${about(most)}`)),
          { unit: 's' },
        )
      })
      for (const [i, who] of ['the proxy', 'inference'].entries())
        report.figure(`  ${who}`, megabytes(took[i]), { unit: 'MB' })
    }

    for (const [phase, wait] of [
      ['reading rows', 300],
      ['learning', 2000],
    ] as const)
      report.figure(
        `cancelled while ${phase}`,
        await cancelled(client, proxy, `${one(3)} WITH (seed = ${wait})`, wait),
        { atMost: 500, unit: 'ms' },
      )
    report.figure('cancelled while rows come', await cancelled(client, proxy, about(many), null), {
      atMost: 500,
      unit: 'ms',
    })
    await client.end()
  } finally {
    await proxy.stop()
    await server.stop()
  }
  report.end()
}

/** Reads an answer to its end without keeping it; gives the moment of the first row. */
async function readRows(client: pg.Client, sql: string, onFirst = () => {}): Promise<number> {
  let first = 0
  const query = new pg.Query(sql) as pg.Query & { handleDataRow(): void; callback(error: unknown): void }
  query.handleDataRow = () => {
    if (first > 0) return
    first = performance.now()
    onFirst()
  }
  await new Promise<void>((resolve, reject) => {
    query.callback = error => (error ? reject(error) : resolve())
    client.query(query)
  })
  return first
}

/** The most bytes that the proxy, and inference, held meanwhile. */
async function peaks(proxy: RunningProxy, work: () => Promise<unknown>): Promise<number[]> {
  const pids = [proxy.pid, proxy.inferPid]
  for (const pid of pids) forgetPeak(pid)
  await work()
  return pids.map(peakMemory)
}

/** Milliseconds from the cancel request, sent after so many or with the first row, to the end of the statement. */
async function cancelled(client: pg.Client, proxy: RunningProxy, sql: string, wait: number | null): Promise<number> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  let sent = 0
  const cancel = () => {
    sent = performance.now()
    net.connect(proxy.port, '127.0.0.1').end(serialize.cancel(processID, secretKey))
  }
  if (wait !== null) void sleep(wait).then(cancel)
  const failed = await readRows(client, sql, wait === null ? cancel : undefined).then(
    () => false,
    () => true,
  )
  return failed ? performance.now() - sent : Number.NaN
}

/** Rows that the server has read in this database, by scans and by indexes. */
async function rowsRead(url: string): Promise<number> {
  // sessions report what they have read when they are idle for a second
  await sleep(1500)
  return Number(await ask(url, `SELECT tup_returned + tup_fetched FROM pg_stat_database WHERE datname = 'large'`))
}
