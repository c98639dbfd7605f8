// PREDICT wherever SQL has a table: each kind of statement through the real wire, in the simple and the extended protocol, in and
// out of transactions, and what it does beside answering happens once.

import { execFile, execFileSync } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { to } from 'pg-copy-streams'
import postgresJs from 'postgres'
import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { valuesOf } from '../helpers/scene.js'
import { databaseOf, type ProductClient, startProduct } from '../helpers/service.js'

const server = await startPostgres()
t.teardown(() => server.stop())
const product = await startProduct(server.url())
t.teardown(() => product.stop(0))
const shop = await server.createDatabase()
{
  const client = await connect(shop)
  await writeShop(client, { seed: 43, now: new Date('2026-03-05T13:07:00Z'), users: 300 })
  await client.end()
}
const url = product.url(databaseOf(shop))

const OPTIONS = "AS OF '2026-03-01' WITH (mode = fast, context_size = 1500)"
const EACH = `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.user_id ${OPTIONS}`
const THREE = `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (1, 2, 3) ${OPTIONS}`
const ANY = `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id = ANY ($1) ${OPTIONS}`

const client = await product.connect(databaseOf(shop))
t.teardown(() => client.end())
const three = (await client.query({ text: THREE, rowMode: 'array' })).rows as unknown[][]
const [{ n: all }] = (await client.query(`SELECT count(*)::int AS n FROM (${EACH}) p`)).rows

const values = valuesOf(client)

const psql = (() => {
  try {
    return execFileSync('which', ['psql'], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
})()

t.test('COPY (PREDICT …) TO STDOUT gives the same rows in every format', async t => {
  const copied = await text(client.query(to(`COPY (${THREE}) TO STDOUT`)))
  t.same(
    copied
      .trim()
      .split('\n')
      .map(line => line.split('\t'))
      .map(([id, , prediction, probability]) => [id, prediction === 't', Number(probability)]),
    three.map(([id, , prediction, probability]) => [id, prediction, probability]),
  )
  const csv = await text(
    client.query(
      to(`COPY (SELECT u.email, round(p.probability::numeric, 3) AS churn FROM (${EACH} ) p JOIN users u USING (user_id)
          ORDER BY 2 DESC, 1 LIMIT 4) TO STDOUT (FORMAT csv, HEADER)`),
    ),
  )
  t.equal(csv.trim().split('\n').length, 5)
  t.match(csv, /^email,churn\n/)
  const binary: Buffer[] = []
  for await (const chunk of client.query(to(`COPY (SELECT user_id FROM (${THREE}) p) TO STDOUT (FORMAT binary)`)))
    binary.push(chunk)
  t.match(Buffer.concat(binary).toString('latin1'), /^PGCOPY\n/)
  await t.rejects(text(client.query(to(`COPY (SELECT p.nothing FROM (${THREE}) p) TO STDOUT`))), {
    code: '42703',
    position: String('COPY (SELECT p'.length),
  })
  const js = postgresJs(url, { max: 1, onnotice() {} })
  const stream = await js.unsafe(`COPY (${THREE}) TO STDOUT`).readable()
  t.equal(await text(stream), copied, 'the extended protocol')
  await js.end()
})

t.test('psql: \\copy, PREPARE, cursors', { skip: psql ? false : 'psql is not installed' }, async t => {
  const folder = t.testdir({
    'anywhere.sql': `\\copy (${THREE}) TO 'out.csv' CSV
PREPARE q (bigint[]) AS ${ANY};
EXECUTE q ('{1,2,3}');
BEGIN;
DECLARE c SCROLL CURSOR FOR ${EACH} ORDER BY 1;
FETCH 2 FROM c;
FETCH PRIOR FROM c;
COMMIT;
DEALLOCATE q;
EXECUTE q ('{1}');
`,
  })
  const { stdout, stderr } = await promisify(execFile)(psql!, ['-X', '-q', '-At', '-d', url, '-f', 'anywhere.sql'], {
    cwd: folder,
  })
  const ids = stdout.trim().split('\n')
  t.same(
    ids.map(line => line.split('|')[0]),
    ['1', '2', '3', '1', '2', '1'],
  )
  t.match(stderr, /prepared statement "q" does not exist/)
})

t.test('PREPARE and EXECUTE live as long as the server says', async t => {
  const own = await product.connect(databaseOf(shop))
  t.teardown(() => own.end())
  await own.query(`PREPARE q AS ${ANY}`)
  t.same(await values(`EXECUTE q ('{1,2,3}')`, [], own), three)
  t.equal((await own.query(`EXECUTE q ('{1,2,3}')`)).command, 'SELECT')
  t.same(await values('EXECUTE q (ARRAY(SELECT generate_series(1, 3)))', [], own), three)
  await own.query({ name: 'named', text: `EXECUTE q ('{2}')` })
  t.equal(
    (await own.query({ name: 'named', text: `EXECUTE q ('{2}')` })).rowCount,
    1,
    'prepared by the driver once more',
  )
  await own.query('BEGIN')
  await t.rejects(own.query('EXECUTE q (1/0)'), { code: /^(22012|42846)$/ })
  await t.rejects(own.query(`EXECUTE q ('{1}')`), { code: '25P02' })
  await own.query('ROLLBACK')
  t.same(await values(`EXECUTE q ('{1,2,3}')`, [], own), three, 'after a rollback')
  const two = await own.query(`PREPARE r AS ${THREE} LIMIT 2; EXECUTE r; EXECUTE q ('{3}')`)
  t.same(
    (two as unknown as { rowCount: number; command: string }[]).map(({ command, rowCount }) => [command, rowCount]),
    [
      ['PREPARE', null],
      ['SELECT', 2],
      ['SELECT', 1],
    ],
  )
  await own.query('DISCARD ALL')
  await t.rejects(own.query(`EXECUTE q ('{1}')`), { code: '26000' })
  await own.query('PREPARE q AS SELECT 7 AS seven')
  t.same(await values('EXECUTE q', [], own), [[7]])
})

t.test('rows go into tables, and what a statement does it does once', async t => {
  await client.query(`CREATE TEMP TABLE scores (user_id bigint PRIMARY KEY, p float8, n int); CREATE TEMP SEQUENCE s`)
  t.equal(
    (await client.query(`INSERT INTO scores SELECT user_id, probability, nextval('s') FROM (${EACH}) p`)).rowCount,
    all,
  )
  t.same(await values('SELECT last_value::int, count(*)::int FROM s, scores GROUP BY 1'), [[all, all]])
  t.equal(
    (await client.query(`UPDATE scores SET p = -1 FROM (${THREE}) x WHERE x.user_id = scores.user_id`)).rowCount,
    3,
  )
  const merged = await client.query(
    `MERGE INTO scores s USING (${EACH}) x ON x.user_id = s.user_id
     WHEN MATCHED AND s.p < 0 THEN UPDATE SET p = x.probability WHEN MATCHED THEN DELETE`,
  )
  t.equal(merged.rowCount, all)
  t.same(
    await values('SELECT user_id, p FROM scores ORDER BY 1'),
    three.map(row => [row[0], row[3]]),
  )
  await client.query(
    `INSERT INTO scores SELECT user_id, 0 FROM (${THREE}) x ON CONFLICT (user_id) DO UPDATE SET p = excluded.p`,
  )
  t.same(await values('SELECT sum(p) FROM scores'), [[0]])
  t.equal((await client.query(`DELETE FROM scores USING (${THREE}) x WHERE x.user_id = scores.user_id`)).rowCount, 3)
  const both = await values(
    `WITH gone AS (INSERT INTO scores SELECT user_id, probability, nextval('s') FROM (${THREE}) a RETURNING user_id),
       more AS (SELECT user_id FROM (${THREE}) b)
     SELECT count(*)::int, (SELECT count(*)::int FROM more) FROM gone`,
  )
  t.same(both, [[3, 3]])
  t.same(await values('SELECT last_value::int FROM s'), [[all + 3]])
  await client.query(
    `CREATE TEMP TABLE fired (user_id bigint);
     CREATE FUNCTION pg_temp.fire() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO fired VALUES (OLD.user_id); RETURN OLD; END';
     CREATE TRIGGER t BEFORE DELETE ON scores FOR EACH ROW EXECUTE FUNCTION pg_temp.fire()`,
  )
  const gone = `WITH gone AS (DELETE FROM scores WHERE user_id = (SELECT min(user_id) FROM scores) RETURNING user_id, nextval('s'))`
  for (const [i, sql] of [
    `${gone} SELECT p.user_id FROM gone JOIN (${EACH}) p USING (user_id)`,
    `${gone} SELECT p.user_id FROM (${EACH}) p WHERE user_id IN (SELECT user_id FROM gone)`,
    `${gone} SELECT user_id, PREDICT(COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id = gone.user_id ${OPTIONS}) FROM gone`,
  ].entries()) {
    t.equal((await client.query(sql)).rowCount, 1, sql)
    t.same(await values('SELECT count(*)::int, (SELECT last_value::int FROM s) FROM fired'), [[i + 1, all + 4 + i]])
  }
  await client.query(`CREATE TEMP TABLE kept AS ${THREE} ORDER BY probability DESC WITH DATA`)
  await client.query(`CREATE TEMP TABLE none AS ${THREE} WITH NO DATA`)
  t.same(await values('SELECT (SELECT count(*)::int FROM kept), (SELECT count(*)::int FROM none)'), [[3, 0]])
  await client.query(`SELECT p.* INTO TEMP chosen FROM (${THREE}) p`)
  t.same(await values('SELECT count(*)::int FROM chosen'), [[3]])
})

t.test('equal questions are answered once, and none without need', async t => {
  // told with every answer: that WHERE leaves few examples
  const notice = async (sql: string) => {
    client.notices.length = 0
    await client.query(sql)
    return client.notices.filter(({ code }) => code === '01PQ1').length
  }
  const few = `${EACH} WHERE users.user_id <= 20`
  const once = await notice(few)
  t.ok(once > 0, 'an answer comes with a notice here')
  t.equal(await notice(`SELECT 1 FROM (${few}) a, (${few.replace('PREDICT', 'predict')}) b LIMIT 1`), once)
  t.equal(await notice(`SELECT 1 FROM (${few}) a, (${few.replace('30', '60')}) b LIMIT 1`), 2 * once)
  for (const sql of [`EXPLAIN SELECT * FROM (${few}) p`, `EXPLAIN (VERBOSE) ${few}`, `${few} LIMIT 0`])
    t.equal(await notice(sql), 0, sql)
  t.equal(await notice(`EXPLAIN ANALYZE ${few}`), once)
})

const inside = async (t: Test, what: string, work: (own: ProductClient) => Promise<void>) => {
  const own = await product.connect(databaseOf(shop))
  await own.query('BEGIN')
  await work(own)
  await own.query('ROLLBACK')
  t.same(await values('SELECT 1', [], own), [[1]], what)
  await own.end()
}

t.test('sub-queries, LATERAL and set operations', async t => {
  const count = (from: string) => values(`SELECT count(*)::int FROM ${from}`)
  t.same(await count(`users u WHERE user_id IN (SELECT user_id FROM (${THREE}) p)`), [[3]])
  t.same(await count(`users u WHERE EXISTS (SELECT FROM (${THREE}) p WHERE p.user_id = u.user_id)`), [[3]])
  t.same(await count(`users u, LATERAL (SELECT * FROM (${THREE}) p WHERE p.user_id = u.user_id) q`), [[3]])
  t.same(await count(`((${THREE}) UNION ALL (${THREE})) x`), [[6]])
  t.same(await count(`(SELECT user_id FROM users EXCEPT SELECT user_id FROM (${EACH}) p) x`), [[300 - all]])
  t.same(await values(`SELECT (SELECT max(probability) FROM (${THREE}) p)`), [
    [Math.max(...three.map(row => Number(row[3])))],
  ])
  t.same(
    await values(
      `WITH p AS MATERIALIZED (${THREE}), q AS (SELECT * FROM p) SELECT count(*)::int FROM p JOIN q USING (user_id)`,
    ),
    [[3]],
  )
})

t.test('a statement that fails leaves the transaction failed, one that does not leaves it open', async t => {
  await inside(t, 'COPY', async own => {
    t.match(await text(own.query(to(`COPY (${THREE}) TO STDOUT`))), /^1\t/)
    await t.rejects(text(own.query(to(`COPY (SELECT 1/(user_id - user_id) FROM (${THREE}) p) TO STDOUT`))), {
      code: '22012',
    })
    await t.rejects(own.query(THREE), { code: '25P02' })
  })
  await inside(t, 'PREPARE', async own => {
    await t.rejects(own.query('PREPARE q AS PREDICT COUNT(nothing.*, 0, 30, days) > 0 FOR EACH users.user_id'), {
      code: '42P01',
      position: String('PREPARE q AS PREDICT COUNT('.length + 1),
    })
    await t.rejects(own.query('EXECUTE q'), { code: '25P02' })
  })
})

t.test('PREDICT as a value is what the rows say, for whichever rows it is asked', async t => {
  const value = (facet: string, target: string, key: string) => `${facet}(${target} FOR ${key} ${OPTIONS})`
  const churn = 'COUNT(orders.*, 0, 30, days) = 0'
  const spend = 'SUM(orders.total, 0, 30, days)'
  const one = (key: string) => value('PREDICT_PROBABILITY', churn, key)
  client.notices.length = 0
  t.same(
    await values(
      `SELECT u.user_id, a.p IS NOT DISTINCT FROM p.probability, a.v IS NOT DISTINCT FROM p.prediction
       FROM (SELECT user_id, ${one('u.user_id')} AS p, ${value('PREDICT', churn, 'u.user_id')} AS v FROM users u) a
       JOIN users u USING (user_id) LEFT JOIN (PREDICT ${churn} FOR users.user_id IN (SELECT user_id FROM users) ${OPTIONS}) p USING (user_id)
       WHERE (a.p IS DISTINCT FROM p.probability) OR a.v IS DISTINCT FROM p.prediction OR p.probability IS NULL`,
    ),
    [],
  )
  t.equal(
    (await values(`SELECT ${one('u.user_id')} FROM users u WHERE user_id <= 3 ORDER BY user_id`)).flat().toString(),
    three.map(row => row[3]).toString(),
  )
  t.same(
    await values(`SELECT ${one('u.user_id')} FROM users u WHERE user_id = $1 AND email LIKE $2`, [2, 'user%']),
    [[three[1]![3]]],
    'narrowed by a parameter',
  )
  t.same(await values(`SELECT ${one('users.user_id = $1')}, $2::text`, [3, 'x']), [[three[2]![3], 'x']])
  t.same(
    await values(`SELECT DISTINCT ${one('o.user_id')} FROM orders o WHERE o.user_id = 1`),
    [[three[0]![3]]],
    'by a foreign key',
  )
  t.same(await values(`SELECT ${one('users.user_id = x.id')} FROM (VALUES (1), (-7), (NULL)) x (id)`), [
    [three[0]![3]],
    [null],
    [null],
  ])
  const [[inside]] = await values(
    `SELECT bool_and(lower(i) <= v AND upper(i) >= v) FROM (SELECT ${value('PREDICT', spend, 'u.user_id')}::numeric AS v,
       ${value('PREDICT_INTERVAL', spend, 'u.user_id')} AS i FROM users u WHERE user_id < 50) s`,
  )
  t.equal(inside, true)
  t.same(
    await values(`SELECT c.user_id, p.probability FROM users c CROSS JOIN LATERAL (PREDICT ${churn} FOR users.user_id = c.user_id ${OPTIONS}) p
      WHERE c.user_id IN (1, 2, 3) AND p.probability >= 0 ORDER BY 1`),
    three.map(row => [row[0], row[3]]),
  )
  const status = 'LAST(orders.status, 0, 90, days)'
  t.same(
    await values(
      `SELECT count(*)::int, bool_and(a.v = p.prediction AND a.p = p.probability AND a.d = (p.probabilities ->> 'delivered')::float8)
       FROM (SELECT user_id, ${value('PREDICT', status, 'u.user_id')} AS v, ${value('PREDICT_PROBABILITY', status, 'u.user_id')} AS p,
               ${value('PREDICT_PROBABILITY', `${status}, 'delivered'`, 'u.user_id')} AS d FROM users u WHERE user_id < 20) a
       JOIN (PREDICT ${status} FOR users.user_id IN (SELECT user_id FROM users) ${OPTIONS}) p USING (user_id)`,
    ),
    [[19, true]],
    'a value of several, and the probability of one of them',
  )
  const device = 'LAST(sessions.device, 0, 90, days)'
  const ofDevice = (name: string, key = 'u.user_id') => value('PREDICT_PROBABILITY', `${device}, ${name}`, key)
  t.same(
    await values(
      `SELECT ${ofDevice(`'tablt'`)}, ${ofDevice('NULL')}, ${ofDevice(`'mobile'`, 'users.user_id = -u.user_id')} FROM users u WHERE user_id = 1`,
    ),
    [[0, null, null]],
    'a value that nothing has had is not expected; there is none of NULL, and of no row',
  )
  const unknown = `SELECT ${value('PREDICT_PROBABILITY', `${status}, 'delivred'`, 'u.user_id')} FROM users u WHERE user_id < 3`
  await t.rejects(client.query(unknown), {
    code: '22P02',
    message: 'invalid input value for enum order_status: "delivred"',
    position: String(unknown.indexOf("'delivred'") + 1),
  })
  const fields = (
    await client.query(
      `SELECT ${one('u.user_id')}, ${value('PREDICT_INTERVAL', spend, 'u.user_id')} FROM users u LIMIT 1`,
    )
  ).fields
  t.same(
    fields.map(({ name, dataTypeID }) => [name, dataTypeID]),
    [
      ['predict_probability', 701],
      ['predict_interval', 3906],
    ],
  )
  await client.query(`CREATE TEMP TABLE marked AS SELECT user_id, NULL::float8 AS p FROM users WHERE user_id <= 3`)
  await client.query(`UPDATE marked SET p = ${one('users.user_id = marked.user_id')}`)
  t.same(
    await values('SELECT p FROM marked ORDER BY user_id'),
    three.map(row => [row[3]]),
  )
  t.equal((await client.query(`DELETE FROM marked WHERE ${one('users.user_id = marked.user_id')} > 2`)).rowCount, 0)
})
