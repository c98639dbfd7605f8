// What is wrong with the SQL around a PREDICT is said before anything is read or learned for it. Here the rows it would be learned from are
// locked away, so that whoever reads them first never gets to the error.

import type pg from 'pg'
import { to } from 'pg-copy-streams'
import t from 'tap'
import { startShop } from '../helpers/scene.js'

t.setTimeout(120_000)
const { direct: owner, client } = await startShop(t, { seed: 3, users: 200 })
const P = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (1, 2)'
await owner.query(`CREATE TABLE secrets (user_id int, word text); CREATE TABLE kept (user_id int, probability float8);
  DROP ROLE IF EXISTS outsider; CREATE ROLE outsider; GRANT SELECT ON ALL TABLES IN SCHEMA public TO outsider; REVOKE ALL ON secrets FROM outsider`)
await client.query("SET predict.mode = 'fast'; SET predict.context_size = 500")
await client.query(`CREATE VIEW churn AS ${P}`)
await client.query(`PREPARE joined AS SELECT * FROM (${P}) p JOIN secrets s USING (user_id) WHERE probability > $1`)
// what a role sees is looked up once
for (const role of ['NONE', 'outsider']) {
  await client.query(`SET ROLE ${role}`)
  await client.query(P)
}
await client.query('RESET ROLE')
await owner.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE')
t.teardown(() => owner.query('ROLLBACK'))

/** What the client is told of a statement, and how the transaction that it was in has fared. */
const told = async (sql: string, values?: unknown[]) => {
  await client.query("BEGIN; SET LOCAL statement_timeout = '8s'")
  const query = (): Promise<unknown> => {
    if (!sql.startsWith('COPY')) return client.query(values ? { text: sql, values } : sql)
    const stream = client.query(to(sql))
    return new Promise((resolve, reject) => stream.on('error', reject).on('end', resolve).resume())
  }
  const error = await query().then(
    () => new Error('no error'),
    (error: pg.DatabaseError) => error,
  )
  const failed = await client.query('SELECT 1').then(
    () => null,
    ({ code }) => code,
  )
  await client.query('ROLLBACK')
  const { code, position } = error as pg.DatabaseError
  return { code, at: position === undefined ? undefined : [...sql].slice(Number(position) - 1).join(''), failed }
}

const cases: [sql: string, code: string, at?: string][] = [
  [`SELECT 'é𝒳', no_such FROM (${P}) p`, '42703', 'no_such'],
  [`${P} ORDER BY no_such`, '42703', 'no_such'],
  [`SELECT * FROM (${P}) p JOIN users u ON u.user_id = p.prediction`, '42883', '= p.prediction'],
  [`SELECT * FROM (${P}) p JOIN nowhere USING (user_id)`, '42P01', 'nowhere'],
  [`WITH p AS (${P}), q AS (SELECT no_such FROM p) SELECT * FROM q`, '42703', 'no_such'],
  [`INSERT INTO kept SELECT user_id, prediction FROM (${P}) p`, '42804', 'prediction'],
  [`INSERT INTO kept (no_such) SELECT probability FROM (${P}) p`, '42703', 'no_such'],
  [`CREATE TABLE kept AS ${P}`, '42P07'],
  [`EXPLAIN (ANALYZE) SELECT no_such FROM (${P}) p`, '42703', 'no_such'],
  [`DECLARE c CURSOR FOR SELECT no_such FROM (${P}) p`, '42703', 'no_such'],
  ['SELECT PREDICT(COUNT(orders.*, 0, 30, days) = 0 FOR u.user_id) FROM users u WHERE no_such > 1', '42703', 'no_such'],
  ['SELECT no_such FROM churn', '42703', 'no_such'],
  [`COPY (SELECT no_such FROM (${P}) p) TO STDOUT`, '42703', 'no_such'],
  [`SELECT 1; SELECT no_such FROM (${P}) p`, '42703', 'no_such'],
]
const startsWith = (at: string | undefined, wanted: string | undefined) =>
  wanted === undefined ? at === undefined : at?.startsWith(wanted) === true

t.test('names and types are wrong at once, where they stand', async t => {
  for (const [sql, code, at] of cases) {
    const error = await told(sql)
    t.same([error.code, error.failed], [code, '25P02'], sql)
    t.ok(startsWith(error.at, at), `${sql}: ${error.at}`)
    if (sql.startsWith('COPY') || sql.includes(';')) continue
    const extended = await told(sql.replaceAll('(1, 2)', '($1, 2)'), sql.includes('(1, 2)') ? [1] : [])
    t.same([extended.code, extended.failed], [code, '25P02'], `${sql}, extended`)
  }
})

t.test('so is what has changed since a statement was prepared', async t => {
  await client.query('BEGIN')
  await client.query({
    name: 'kept',
    text: `SELECT k.probability FROM (${P.replace('1', '$1')}) p, kept k LIMIT 0`,
    values: [1],
  })
  await client.query('ALTER TABLE kept RENAME probability TO other; SAVEPOINT s')
  await t.rejects(client.query({ name: 'kept', text: '', values: [1] }), { code: '42703' })
  await client.query('ROLLBACK')
  await t.rejects(client.query(`EXECUTE joined('x')`), { code: '22P02' })
})

t.test('what the role may not read or write is refused before it waits', async t => {
  for (const sql of [
    `SELECT * FROM (${P}) p JOIN secrets s USING (user_id)`,
    `SELECT * FROM (${P}) p WHERE user_id IN (SELECT user_id FROM secrets)`,
    'EXECUTE joined(0.5)',
    `INSERT INTO kept SELECT user_id, probability FROM (${P}) p`,
    `COPY (SELECT * FROM (${P}) p JOIN secrets s USING (user_id)) TO STDOUT`,
    'SELECT word, PREDICT(COUNT(orders.*, 0, 30, days) = 0 FOR u.user_id) FROM users u JOIN secrets USING (user_id)',
  ]) {
    await client.query('SET ROLE outsider')
    t.same((await told(sql)).code, '42501', sql)
    if (!/^(COPY|EXECUTE)/.test(sql)) t.same((await told(sql, [])).code, '42501', `${sql}, extended`)
    await client.query('RESET ROLE')
  }
})

t.test('nothing of a statement is run to find out', async t => {
  await client.query('CREATE SEQUENCE ticks')
  await t.rejects(client.query(`SET statement_timeout = 500; SELECT nextval('ticks') FROM kept, (${P}) p`), {
    code: '57014',
  })
  await client.query('RESET statement_timeout')
  t.equal((await client.query('SELECT is_called FROM ticks')).rows[0].is_called, false)
  await owner.query('ROLLBACK; INSERT INTO kept VALUES (1, 0)')
  await client.query(`SELECT nextval('ticks') FROM kept, (${P}) p WHERE p.user_id = kept.user_id`)
  t.equal((await client.query('SELECT last_value FROM ticks')).rows[0].last_value, '1')
})
