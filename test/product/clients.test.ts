// Any client, unchanged: each asks the same question in its own ways and must get the same answer.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import Cursor from 'pg-cursor'
import postgresJs from 'postgres'
import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { startProduct } from '../helpers/service.js'

const run = promisify(execFile)
const server = await startPostgres()
t.teardown(() => server.stop())
const database = await server.createDatabase()
const owner = await connect(database)
t.teardown(() => owner.end())
await writeShop(owner, { seed: 3, now: new Date('2026-03-05T13:07:00Z'), users: 400 })
const product = await startProduct(database)
t.teardown(() => product.stop(0))
const url = product.url()

const churn = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR'
const joined = `SELECT p.probability FROM users u JOIN (${churn} EACH users.user_id) p USING (user_id) WHERE u.user_id = 7`
const byCountry = `SELECT u.country, avg(p.probability) FROM users u JOIN (${churn} EACH users.user_id) p USING (user_id) GROUP BY 1`

const psql = await run('psql', ['--version']).then(
  () => true,
  () => false,
)
const python = await run('bash', ['test/clients/install']).then(
  ({ stdout }) => stdout.trim(),
  error => new Error(String(error.stderr).trim()),
)

const first = new pg.Client(url)
await first.connect()
t.teardown(() => first.end())
const { rows } = await first.query(`${churn} users.user_id = 7`)
const expected: number = rows[0].probability

const same = (t: Test, value: unknown, way: string) =>
  t.ok(Math.abs(Number(value) - expected) < 1e-5, `${way}: ${value}`)

t.test('node-postgres: parameters, arrays, named statements, joins, cursors, errors with a position', async t => {
  t.ok(expected > 0 && expected < 1)
  same(t, (await first.query(`${churn} users.user_id = $1`, [7])).rows[0].probability, 'parameter')
  same(t, (await first.query(`${churn} users.user_id = ANY($1)`, [[5, 7]])).rows[1].probability, 'array')
  const named = { name: 'churn', text: `${churn} users.user_id = $1`, values: [7] }
  for (let i = 0; i < 7; i++) same(t, (await first.query(named)).rows[0].probability, 'named')
  same(t, (await first.query(joined)).rows[0].probability, 'join')
  t.ok((await first.query(byCountry)).rows.length > 3)
  const cursor = first.query(new Cursor(`SELECT * FROM (${churn} EACH users.user_id) p ORDER BY user_id`))
  await cursor.read(5)
  const next = await cursor.read(5)
  same(t, next[1].probability, 'cursor')
  await cursor.close()
  await t.rejects(first.query('PREDICT COUNT(ordrs.*, 0, 30, days) = 0 FOR EACH users.user_id'), {
    code: '42P01',
    position: '15',
  })
  t.equal((await first.query('SELECT 1 AS one')).rows[0].one, 1, 'the session goes on')
})

t.test('postgres.js: parameters, pipelines, cursors', async t => {
  const sql = postgresJs(url, { max: 1, onnotice: () => {} })
  t.teardown(() => sql.end())
  const [one, [two], three] = await Promise.all([
    sql`SELECT 1 AS one`,
    sql`PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id = ${7}`,
    sql.unsafe(joined),
  ])
  t.equal(one[0].one, 1)
  same(t, two.probability, 'parameter')
  same(t, three[0].probability, 'join')
  const found: number[] = []
  for await (const rows of sql.unsafe(`SELECT * FROM (${churn} EACH users.user_id) p ORDER BY user_id`).cursor(50)) {
    for (const row of rows) if (Number(row.user_id) === 7) found.push(row.probability)
  }
  same(t, found[0], 'cursor')
})

t.test(
  'psql: answers, describes tables as directly, points at errors',
  { skip: psql ? false : 'SKIPPED: no psql on this machine' },
  async t => {
    const ask = async (at: string, ...commands: string[]) => {
      const { stdout, stderr } = await run('psql', [at, '-X', '-A', '-t', ...commands.flatMap(c => ['-c', c])]).catch(
        error => error,
      )
      return { stdout: String(stdout), stderr: String(stderr) }
    }
    same(t, (await ask(url, `${churn} users.user_id = 7`)).stdout.trim().split('|')[3], 'statement')
    same(t, (await ask(url, joined)).stdout, 'join')
    t.equal((await ask(url, byCountry)).stdout.trim().split('\n').length > 3, true)
    for (const described of ['\\d', '\\d users', '\\d+ orders', '\\dt+', '\\df', '\\l'])
      t.equal((await ask(url, described)).stdout, (await ask(database, described)).stdout, described)
    const wrong = await ask(url, `${churn} EACH userz.user_id`)
    t.match(wrong.stderr, /relation "userz" does not exist[\s\S]*\^/, 'a caret')
    const cursor = await ask(url, `BEGIN; DECLARE c CURSOR FOR ${churn} users.user_id = 7; FETCH 1 FROM c; COMMIT`)
    t.match(cursor.stdout, new RegExp(String(expected).slice(0, 8)))
  },
)

t.test(
  'psycopg 2 and 3, asyncpg',
  { skip: python instanceof Error ? `SKIPPED: ${python.message}` : false },
  async t => {
    const { stdout } = await run(String(python), ['test/clients/ask.py', url])
    const lines = stdout.trim().split('\n')
    t.equal(lines.length, 8)
    for (const line of lines) same(t, line.split(' ')[2], line)
  },
)
