// A primary and a standby that streams from it: which of them a session gets, PREDICT on a server that nobody may write to, and what
// happens when the primary goes and the standby takes its place.

import pg from 'pg'
import t, { type Test } from 'tap'
import { upstreamChoice } from '../../src/cli/upstream-choice.js'
import { parseUpstream } from '../../src/config/upstream.js'
import { writeShop } from '../../src/demo/shop.js'
import { connect } from '../helpers/postgres.js'
import { databaseOf, startProduct } from '../helpers/service.js'
import { caughtUp, startPrimary, startStandby } from '../helpers/standby.js'

const primary = await startPrimary()
let primaryLives = true
t.teardown(() => (primaryLives ? primary.stop() : undefined))
const database = databaseOf(await primary.createDatabase())
{
  const client = await connect(primary.url(database))
  await writeShop(client, { seed: 41, now: new Date('2026-03-05T13:07:00Z'), users: 200 })
  // what a reader of reports may do, and nothing else
  await client.query('CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader')
  await client.query('ALTER ROLE reader SET default_transaction_read_only = on')
  await client.end()
}
const standby = await startStandby(primary)
t.teardown(() => standby.stop())
await caughtUp(primary, standby)

const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`
const upstream = (attrs: string) => `postgres://postgres@${hosts}/${database}?target_session_attrs=${attrs}`

const churn = 'PREDICT COUNT(orders.*, 0, 30, days) = 0'
const each = `${churn} FOR EACH users.user_id`
const figures = (rows: readonly pg.QueryResultRow[]) => rows.map(row => [Number(row.user_id), row.probability])

/** A product before both servers, and clients of it. */
async function before(t: Test, attrs: string) {
  const product = await startProduct(upstream(attrs))
  t.teardown(() => product.stop(0))
  const url = (user: string) => `postgres://${user}@127.0.0.1:${product.port}/${database}`
  const open = async (user = 'reader') => {
    const client = new pg.Client({ connectionString: url(user) })
    client.on('error', () => {})
    await client.connect()
    return client
  }
  return { open }
}

const server = async (client: pg.Client) => {
  const { rows } = await client.query('SELECT inet_server_port() AS port, pg_is_in_recovery() AS standby')
  return rows[0].port
}

t.test('target_session_attrs chooses among a primary and its standby', async t => {
  for (const [attrs, port] of [
    ['primary', primary.port],
    ['read-write', primary.port],
    ['standby', standby.port],
    ['prefer-standby', standby.port],
    ['read-only', standby.port],
  ] as const) {
    const { candidates } = await upstreamChoice(parseUpstream(upstream(attrs), 'url', {}))
    t.equal((await candidates())[0]!.port, port, attrs)
  }
})

t.test('a hot standby answers a role that may only read as the primary does', async t => {
  const there = await (await before(t, 'primary')).open('postgres')
  const { open } = await before(t, 'standby')
  const client = await open()
  t.equal(await server(client), standby.port)
  const expected = figures((await there.query(`SELECT * FROM (${each}) p ORDER BY user_id`)).rows)
  await there.end()
  t.equal(expected.length, 200)
  const all = `SELECT * FROM (${each}) p ORDER BY user_id`
  t.same(figures((await client.query(all)).rows), expected, 'all')
  const one = await client.query(`${churn} FOR users.user_id = $1`, [7])
  t.same(figures(one.rows), [expected[6]], 'a parameter')
  for (const begin of ['BEGIN READ ONLY', 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY']) {
    await client.query(begin)
    t.same(figures((await client.query(all)).rows), expected, begin)
    await client.query(`DECLARE page CURSOR FOR ${all}`)
    t.same(figures((await client.query('FETCH 3 FROM page')).rows), expected.slice(0, 3), `${begin}: a cursor`)
    await t.rejects(client.query('PREDICT COUNT(ordrs.*, 0, 30, days) FOR EACH users.user_id'), { code: '42P01' })
    await t.rejects(client.query('SELECT 1'), { code: '25P02' }, 'an error fails the transaction')
    await client.query('ROLLBACK')
  }
  await t.rejects(client.query(`CREATE TABLE churn AS ${each}`), { code: '25006' }, 'and writes are refused')
  t.same((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
  await client.end()
})

t.test('the primary goes: its sessions are told, and new ones get the standby once that is promoted', async t => {
  const { open } = await before(t, 'read-write')
  const idle = await open('postgres')
  const asking = await open('postgres')
  const predicting = await open('postgres')
  t.equal(await server(idle), primary.port)
  const { rows } = await idle.query(`${churn} FOR users.user_id = 7`)
  const lost = Promise.all(
    [idle, asking, predicting].map(client => new Promise<pg.DatabaseError>(resolve => client.once('error', resolve))),
  )
  const refused = t.rejects(asking.query('SELECT pg_sleep(60)'), { code: '57P01' })
  const unanswered = t.rejects(predicting.query(`SELECT pg_sleep(60) FROM (${each}) p`), { code: '57P01' })
  await new Promise(resolve => setTimeout(resolve, 500))
  await caughtUp(primary, standby)
  primaryLives = false
  await primary.stop()
  await Promise.all([refused, unanswered])
  const [first] = await lost
  t.equal(first!.code, '57P01', 'an idle session is told in the server’s words')
  await t.rejects(open('postgres'), { code: '08006' })
  await standby.admin.query('SELECT pg_promote()')
  const started = Date.now()
  let next: pg.Client | null = null
  while (next === null && Date.now() - started < 15_000)
    next = await open('postgres').catch(() => new Promise(resolve => setTimeout(resolve, 100, null)))
  t.ok(next, 'a session on what was the standby')
  t.equal(await server(next!), standby.port)
  t.same(figures((await next!.query(`${churn} FOR users.user_id = 7`)).rows), figures(rows), 'with the same answer')
  await next!.query('CREATE TABLE stored AS SELECT 1')
  await next!.end()
})
