// `pgpredict demo`: a Postgres with a shop in it, the proxy in front, and three queries to paste.

import pg from 'pg'
import pino from 'pino'
import { parseAddress } from '../config/address.js'
import { type Config, defaults } from '../config/config.js'
import { parseUpstream } from '../config/upstream.js'
import { startEmbedded } from '../demo/embedded.js'
import { writeShop } from '../demo/shop.js'
import { proxyUrl } from './report.js'
import { type Service, startService } from './service.js'
import type { Output } from './sql.js'
import { untilStopped } from './stop.js'

export interface DemoFlags {
  readonly listen?: string
  readonly seed: number
  readonly users: number
}

const CHURN = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.user_id'

export const QUERIES = [
  { says: 'who will order nothing in the next 30 days?', sql: CHURN },
  {
    says: 'the same, joined to live tables: the mean by country',
    sql: `SELECT u.country, avg(p.probability)\nFROM users u JOIN (${CHURN}) p USING (user_id)\nGROUP BY 1`,
  },
  { says: 'the ten likeliest to leave', sql: `${CHURN}\nORDER BY probability DESC LIMIT 10` },
] as const

/** Runs until told to stop; then everything it made is gone. */
export async function demo(flags: DemoFlags, { out, err }: Output): Promise<void> {
  const started = performance.now()
  const step = (text: string) => err(`${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`)
  let stopping = false
  const stopped = untilStopped().then(() => {
    stopping = true
  })
  const database = await startEmbedded()
  let service: Service | undefined
  try {
    step('Postgres is up')
    if (stopping) return
    const shop = await fill(database.port, flags.seed, flags.users)
    step(`a shop of ${shop.rows.toLocaleString('en')} rows is in it`)
    if (stopping) return
    service = await listen(flags.listen, database.port)
    const url = proxyUrl(service.host, service.port, 'shop', 'shop')
    const people = await ask(url)
    step(`PREDICT answers through the proxy, for ${people.toLocaleString('en')} users`)
    out(guide(url))
    await stopped
  } catch (error) {
    if (!stopping) throw error
  } finally {
    await service?.stop(1000)
    await database.stop()
  }
}

async function fill(port: number, seed: number, users: number): Promise<{ rows: number }> {
  const admin = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
  await admin.connect()
  await admin.query('CREATE ROLE shop LOGIN')
  await admin.query('CREATE DATABASE shop OWNER shop TEMPLATE template0')
  await admin.end()
  const owner = new pg.Client({ host: '127.0.0.1', port, user: 'shop', database: 'shop' })
  await owner.connect()
  const written = await writeShop(owner, { seed, now: new Date(), users })
  await owner.end()
  return written
}

/** On the address asked for; without one on the usual port, or a free one where that is taken. */
async function listen(asked: string | undefined, port: number): Promise<Service> {
  const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
  const config: Config = {
    ...defaults,
    listen: asked ? parseAddress(asked, '--listen') : defaults.listen,
    upstream: parseUpstream(`postgres://shop@127.0.0.1:${port}/shop?sslmode=disable`, 'demo', {}),
  }
  try {
    return await startService(config, log)
  } catch (error) {
    if (asked || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return startService({ ...config, listen: { host: '127.0.0.1', port: 0 } }, log)
  }
}

/** The first query of the guide, as a client would send it; gives the number of rows. */
async function ask(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(QUERIES[0].sql)
    if (rows.length === 0) throw new Error('PREDICT gave no rows')
    return rows.length
  } finally {
    await client.end()
  }
}

function guide(url: string): string {
  const queries = QUERIES.map(({ says, sql }) => `-- ${says}\n${sql};`).join('\n\n')
  return `\n${url}\n\nConnect to it with psql or any other client; without one, ${command()} sql --url '${url}' "…" will do. Paste:\n\n${queries}\n\nCtrl-C stops everything and leaves nothing behind.`
}

/** How to run us again, as we were run. */
function command(): string {
  return process.argv[1]?.endsWith('.ts') ? 'npx tsx src/cli/main.ts' : 'pgpredict'
}
