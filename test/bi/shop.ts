// What a BI tool is put before: a server of its own with the demo's shop, a proxy, a view of predictions, and the same predictions
// stored as a table under the same name in another schema, so that the server alone can say what any query over them should give.

import { Writable } from 'node:stream'
import pino from 'pino'
import { startService } from '../../src/cli/service.js'
import { defaults } from '../../src/config/config.js'
import { parseUpstream } from '../../src/config/upstream.js'
import { writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres } from '../helpers/postgres.js'

/** Who orders nothing in the next month, and how likely that is. */
export const CHURN = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 AS churn FOR EACH users.user_id'
/** How much they will spend in it. */
export const SPEND = 'PREDICT SUM(orders.total, 0, 30, days) AS spend FOR EACH users.user_id WITH (statistic = mean)'

/** What inference was asked to do, as the proxy's log tells it. */
export interface Inference {
  readonly entities: number
  /** A context was at hand, or had to be fitted. */
  readonly cache: 'hit' | 'miss' | 'bypass'
}

export interface BiShop {
  readonly port: number
  /** Of the server itself. */
  readonly upstreamPort: number
  /** Through the proxy. */
  readonly url: string
  /** Past it. */
  readonly direct: string
  /** All of it so far. */
  readonly inferences: readonly Inference[]
  /** The statement with stored rows in the place of each prediction; null where it asks for none. */
  stored(sql: string): string | null
  stop(): Promise<void>
}

/** @param users rows of `users`; all else follows */
export async function startShop(users: number): Promise<BiShop> {
  const server = await startPostgres({})
  await server.admin.query('CREATE ROLE shop LOGIN')
  await server.admin.query('CREATE DATABASE shop OWNER shop TEMPLATE template0')
  const direct = server.url('shop', 'shop')
  const owner = await connect(direct)
  await writeShop(owner, { seed: 7, now: new Date('2026-03-05T13:07:00Z'), users })
  const inferences: Inference[] = []
  const service = await startService(
    {
      ...defaults,
      listen: { host: '127.0.0.1', port: 0 },
      upstream: parseUpstream(`${direct}?sslmode=disable`, 'upstream', {}),
    },
    pino({ level: 'debug' }, inferencesIn(inferences)),
  )
  const url = `postgres://shop@127.0.0.1:${service.port}/shop`
  const client = await connect(url)
  await client.query(
    `CREATE VIEW churn AS SELECT u.user_id, u.country, u.channel, p.anchor_time, p.churn, p.churn_probability FROM users u JOIN (${CHURN}) p USING (user_id)`,
  )
  await client.query('CREATE SCHEMA stored')
  await client.query('CREATE TABLE stored.churn AS SELECT * FROM churn')
  await client.query(`CREATE TABLE stored.spend AS ${SPEND}`)
  await client.end()
  await owner.end()
  return {
    port: service.port,
    upstreamPort: server.port,
    url,
    direct,
    inferences,
    stored(sql) {
      const out = sql
        .replace(/"?\bpublic"?\."?churn"?\./gi, 'churn.')
        .replace(/\bpredict(?:_rows)?\s*\(\s*(?:\$\$.*?\$\$|'(?:[^']|'')*')\s*\)/gis, 'stored.spend')
        .replace(/\b(from|join)(\s+)("?public"?\.)?"?churn"?(?![\w"])/gi, '$1$2stored.churn')
      return out === sql ? null : out
    },
    async stop() {
      await service.stop(0)
      await server.stop()
    },
  }
}

/** A log, less all that is not about inference. */
const inferencesIn = (into: Inference[]) =>
  new Writable({
    write(line, _, done) {
      const { msg, entities, cache } = JSON.parse(String(line))
      if (msg === 'inference done') into.push({ entities, cache })
      done()
    },
  })
