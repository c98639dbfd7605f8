// Views of predictions: stored upstream as ordinary views that never answer by themselves, answered through the proxy from any session.

import t, { type Test } from 'tap'
import { startShop, valuesOf } from '../helpers/scene.js'
import { databaseOf } from '../helpers/service.js'

const { client, direct, product, url: shop } = await startShop(t, { seed: 53, users: 120 })

const CHURN = 'COUNT(orders.* WHERE orders.total > 0, 0, 30, days) = 0'
const OPTIONS = "AS OF '2026-03-01' WITH (mode = fast, context_size = 600)"
const EACH = `PREDICT ${CHURN} FOR EACH users.user_id ${OPTIONS}`

const values = valuesOf(client)

const expected = await values(`${EACH} ORDER BY user_id`)
const users = expected.length

t.test('a view is stored with its columns and types, errs without the proxy, answers through it', async t => {
  const made = await client.query(`CREATE VIEW churn AS ${EACH}`)
  t.equal(made.command, 'CREATE')
  t.same(await values('SELECT * FROM churn ORDER BY user_id'), expected)
  t.same(
    await values(
      `SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'churn' ORDER BY ordinal_position`,
      [],
      direct,
    ),
    [
      ['user_id', 'bigint'],
      ['anchor_time', 'timestamp with time zone'],
      ['prediction', 'boolean'],
      ['probability', 'double precision'],
    ],
  )
  const [[comment]] = await values(`SELECT obj_description('churn'::regclass)`, [], direct)
  t.match(comment, /^@predict view: PREDICT COUNT\("public"\."orders"\.\* WHERE "public"\."orders"\.total > 0/)
  for (const sql of [
    'SELECT * FROM churn',
    'SELECT count(*) FROM churn WHERE false',
    'SELECT 1 WHERE EXISTS (SELECT FROM churn)',
    'SELECT * FROM churn LIMIT 0',
  ])
    await t.rejects(
      direct.query(sql),
      { message: /this view is answered through pgpredict, connect to its port: PREDICT COUNT/ },
      sql,
    )
  t.same(await values('SELECT count(*)::int FROM churn LIMIT 0'), [])
})

t.test('other sessions, drivers and spellings read it', async t => {
  const other = await product.connect(databaseOf(shop))
  t.teardown(() => other.end())
  t.same(await values('SELECT * FROM churn c ORDER BY 1', [], other), expected)
  for (const [sql, wanted] of [
    ['SELECT count(*)::int FROM public.churn', [[users]]],
    [
      'SELECT "public"."churn"."user_id" FROM "public"."churn" WHERE public.churn.user_id < 3 ORDER BY "public"."churn"."user_id"',
      [['1'], ['2']],
    ],
    ['SELECT churn.user_id FROM Churn WHERE "churn".user_id < 3 ORDER BY 1', [['1'], ['2']]],
    ['TABLE churn ORDER BY 1 LIMIT 1', [expected[0]]],
    ['SELECT a, b IS NULL FROM churn AS x (a, b) ORDER BY 1 LIMIT 1', [['1', false]]],
    ['WITH churn AS (SELECT 7 AS seven) SELECT * FROM churn', [[7]]],
    ['WITH churn AS (SELECT * FROM churn WHERE user_id = 1) SELECT * FROM churn', [expected[0]]],
    ['WITH users AS (SELECT 1) SELECT count(*)::int FROM churn', [[users]]],
    [
      'SELECT count(*)::int FROM users u JOIN churn USING (user_id) WHERE EXISTS (SELECT FROM churn c WHERE c.user_id = u.user_id)',
      [[users]],
    ],
    [
      `SELECT count(*)::int FROM churn JOIN (${EACH}) p USING (user_id) WHERE p.probability = churn.probability`,
      [[users]],
    ],
    [`SELECT 'churn', count(*)::int FROM users /* churn */`, [['churn', 120]]],
  ] as const)
    t.same(await values(sql, [], other), wanted, sql)
  t.same(await values('SELECT * FROM churn WHERE user_id = $1', [2], other), [expected[1]])
  const named = { name: 'n', text: 'SELECT user_id FROM churn WHERE user_id = $1', values: [3] }
  for (let i = 0; i < 3; i++) t.same((await other.query(named)).rows, [{ user_id: '3' }])
  await other.query('PREPARE q (bigint) AS SELECT * FROM churn WHERE user_id = $1')
  t.same(await values('EXECUTE q (3)', [], other), [expected[2]])
  await other.query('CREATE TEMP TABLE copied AS SELECT * FROM churn')
  await other.query('INSERT INTO copied SELECT * FROM churn')
  t.same(await values('SELECT count(*)::int FROM copied', [], other), [[2 * users]])
  const wrong = 'SELECT c.nothing FROM churn c'
  await t.rejects(other.query(wrong), { code: '42703', position: String(wrong.indexOf('c.nothing') + 1) })
  other.notices.length = 0
  await other.query('EXPLAIN SELECT * FROM churn')
  t.same(other.notices, [], 'no inference')
  await other.query('EXPLAIN SELECT * FROM (SELECT * FROM churn) x WHERE user_id IN (1, 2)')
  t.match(other.notices[0]?.message, /only rows of users are scored for which .*user_id = ANY/)
  other.notices.length = 0
  const few = 'SELECT * FROM (SELECT c.*, u.country FROM users u JOIN churn c USING (user_id)) x LIMIT 3'
  await other.query(`EXPLAIN ${few}`)
  t.match(other.notices[0]?.message, /only the first 3 rows of users are scored/)
  t.same(
    await values(few.replace('SELECT *', 'SELECT user_id, probability'), [], other),
    (await values('SELECT user_id, probability FROM churn')).slice(0, 3),
  )
})

t.test('its columns have the types of the table, lengths among them', async t => {
  await direct.query(`CREATE TABLE lands (code char(2) PRIMARY KEY, name varchar(20), size numeric(8, 2));
    INSERT INTO lands SELECT chr(65 + i / 26) || chr(65 + i % 26), 'n' || i % 3, i FROM generate_series(0, 199) i`)
  await client.query('CREATE VIEW named AS PREDICT lands.name FOR EACH lands.code WITH (mode = fast)')
  await client.query(
    'CREATE VIEW one AS SELECT code, PREDICT(lands.name FOR l.code WITH (mode = fast)) AS n FROM lands l',
  )
  for (const [view, of] of [
    ['named', '{code,prediction}'],
    ['one', '{code,n}'],
  ])
    t.same(
      await values(
        `SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = $1::regclass AND attname = ANY ($2) ORDER BY attnum`,
        [view, of],
        direct,
      ),
      [['character(2)'], ['character varying(20)']],
      view,
    )
  t.equal((await values(`SELECT code FROM named WHERE code IN ('AB', 'AC')`)).length, 2)
  await client.query('DROP VIEW named, one')
  await direct.query('DROP TABLE lands')
})

t.test('views over it, joins within it, another schema, renamed tables', async t => {
  await client.query('CREATE SCHEMA reports')
  await client.query(
    `CREATE VIEW reports.risk (country, risk) AS SELECT u.country, avg(p.probability::numeric) FROM users u JOIN (${EACH}) p USING (user_id) GROUP BY 1`,
  )
  await client.query('CREATE VIEW reports.top AS SELECT * FROM reports.risk WHERE risk > 0')
  await direct.query(
    'CREATE VIEW reports.counted AS SELECT count(*)::int AS n FROM reports.top t JOIN public.churn ON true',
  )
  const other = await product.connect(databaseOf(shop))
  t.teardown(() => other.end())
  const top = await values('SELECT * FROM reports.top ORDER BY 1', [], other)
  t.same(
    top,
    await values(
      `SELECT u.country, avg(p.probability::numeric) FROM users u JOIN churn p USING (user_id) GROUP BY 1 HAVING avg(p.probability) > 0 ORDER BY 1`,
    ),
  )
  await other.query('SET search_path = reports')
  t.same(await values('SELECT * FROM top ORDER BY 1', [], other), top, 'whatever the search_path')
  await t.rejects(direct.query('SELECT * FROM reports.top'), { message: /through pgpredict/ })
  await direct.query('ALTER TABLE users RENAME COLUMN country TO land')
  t.same(await values('SELECT * FROM top ORDER BY 1', [], other), top, 'a column renamed')
  await direct.query('ALTER TABLE users RENAME COLUMN land TO country')
  // made behind our back: known to every session that begins later than a moment ago
  await new Promise(resolve => setTimeout(resolve, 2_100))
  const late = await product.connect(databaseOf(shop))
  t.teardown(() => late.end())
  t.same(await values('SELECT n FROM reports.counted', [], late), [[top.length * users]])
  await client.query('DROP VIEW reports.counted, reports.top, reports.risk')
  await t.rejects(late.query('SELECT * FROM reports.top'), { code: '42P01' })
})

const refused = async (t: Test, sql: string, code: string, at: string) =>
  t.rejects(client.query(sql), { code, position: String(sql.indexOf(at) + 1) }, sql)

t.test('replaced, renamed, dropped, in transactions, and refused', async t => {
  await client.query(`COMMENT ON VIEW churn IS 'who falls silent'`)
  await client.query(`CREATE OR REPLACE VIEW churn AS ${EACH} ORDER BY probability DESC LIMIT 3`)
  t.equal((await client.query('SELECT * FROM churn')).rowCount, 3)
  t.match((await values(`SELECT obj_description('churn'::regclass)`))[0][0], /^who falls silent\n@predict view:/)
  await t.rejects(client.query(`CREATE VIEW churn AS ${EACH}`), { code: '42P07' })
  await client.query('ALTER VIEW churn RENAME TO silent')
  t.equal((await client.query('SELECT * FROM silent')).rowCount, 3)
  const other = await product.connect(databaseOf(shop))
  t.teardown(() => other.end())
  await client.query('BEGIN')
  await client.query(`CREATE VIEW mine AS (${EACH})`)
  t.equal((await client.query('SELECT * FROM mine')).rowCount, users)
  await t.rejects(other.query('SELECT * FROM mine'), { code: '42P01' })
  await client.query('ROLLBACK')
  await t.rejects(client.query('SELECT * FROM mine'), { code: '42P01' })
  await client.query('BEGIN')
  await client.query(`CREATE VIEW mine AS SELECT * FROM predict($$ ${EACH} $$)`)
  await client.query('COMMIT')
  t.equal((await other.query('SELECT * FROM mine')).rowCount, users)
  await client.query('DROP VIEW silent, mine')
  await t.rejects(client.query('SELECT * FROM silent'), { code: '42P01' })

  await refused(
    t,
    `CREATE VIEW v AS PREDICT COUNT(nothing.*, 0, 30, days) > 0 FOR EACH users.user_id`,
    '42P01',
    'nothing',
  )
  await refused(t, `CREATE VIEW v AS SELECT * FROM (PREDICT ${CHURN} FOR users.user_id = $1) p`, '42P02', '$1')
  await refused(t, `CREATE RULE r AS ON DELETE TO users DO ALSO SELECT * FROM (${EACH}) p`, '0A000', 'PREDICT')
})

t.test('a name of a view in a statement that ends a transaction stops nothing', async t => {
  await client.query(`CREATE VIEW churn AS ${EACH}`)
  await client.query('BEGIN')
  await client.query('SAVEPOINT churn')
  await t.rejects(client.query('SELECT 1/0'), { code: '22012' })
  await t.rejects(client.query('SELECT * FROM churn'), { code: '25P02' })
  await client.query('ROLLBACK TO SAVEPOINT churn')
  await t.rejects(client.query('SELECT 1/0'), { code: '22012' })
  await client.query({ text: '/* churn */ ROLLBACK TO churn', values: [] })
  t.equal((await client.query('SELECT * FROM churn')).rowCount, users)
  await client.query('ROLLBACK -- churn')
  const fresh = await product.connect(databaseOf(shop))
  t.teardown(() => fresh.end())
  await fresh.query('BEGIN ISOLATION LEVEL SERIALIZABLE')
  await fresh.query({ text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ', values: [] })
  t.equal((await fresh.query('SHOW transaction_isolation')).rows[0].transaction_isolation, 'repeatable read')
  await fresh.query('COMMIT')
  await client.query('DROP VIEW churn')
})

t.test('a reader needs rights on the view and on what it reads', async t => {
  const role = `reader_${process.pid}_${Math.trunc(performance.now())}`
  await direct.query(`CREATE ROLE ${role} LOGIN`)
  t.teardown(async () => {
    await direct.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  })
  await client.query(`CREATE VIEW churn AS ${EACH}`)
  const reader = await product.connect(databaseOf(shop), role)
  t.teardown(() => reader.end())
  await direct.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}; REVOKE ALL ON churn FROM ${role}`)
  await t.rejects(reader.query('SELECT * FROM churn'), { code: '42501', message: 'permission denied for view churn' })
  await direct.query(`GRANT SELECT ON churn TO ${role}`)
  t.equal((await reader.query('SELECT * FROM churn')).rowCount, users)
  await direct.query(`REVOKE ALL ON orders FROM ${role}`)
  await t.rejects(reader.query('SELECT * FROM churn'), { code: '42501', message: /orders/ })
  await client.query('DROP VIEW churn')
})

t.test('a PREDICT about the row beside it is kept, whatever becomes of the names around', async t => {
  const at = OPTIONS
  for (const [what, query] of [
    [
      'values',
      `SELECT u.user_id, u.country, PREDICT(${CHURN} FOR u.user_id ${at}), PREDICT_PROBABILITY(${CHURN} FOR u.user_id ${at}) AS p FROM users u`,
    ],
    [
      'through a foreign key',
      `SELECT o.order_id, round(PREDICT_PROBABILITY(${CHURN} FOR o.user_id ${at})::numeric, 3) AS p FROM orders o WHERE order_id < 40`,
    ],
    [
      'intervals',
      `SELECT user_id, PREDICT_INTERVAL(SUM(orders.total, 0, 30, days) FOR users.user_id = u.user_id + 1 ${at}) AS i FROM users u WHERE user_id < 9`,
    ],
    [
      'aggregated',
      `SELECT country, avg(PREDICT_PROBABILITY(${CHURN} FOR u.user_id ${at})::numeric) AS p FROM users u GROUP BY country`,
    ],
    [
      'of a value',
      `SELECT user_id, PREDICT_PROBABILITY(LAST(sessions.device, 0, 90, days), 'mobile' FOR u.user_id ${at}) AS p FROM users u WHERE user_id < 9`,
    ],
    [
      'whole rows',
      `SELECT o.order_id, p.* FROM orders o, LATERAL (PREDICT ${CHURN} FOR users.user_id = o.user_id ${at}) p WHERE order_id < 40`,
    ],
  ]) {
    await client.query(`CREATE VIEW kept AS ${query}`)
    await t.rejects(direct.query('SELECT * FROM kept'), { message: /connect to its port: PREDICT/ })
    const wanted = await values(`SELECT * FROM (${query}) q ORDER BY 1`)
    t.same(await values('SELECT * FROM kept ORDER BY 1'), wanted, what)
    t.ok(wanted.length > 3)
    if (what === 'values') {
      await direct.query('ALTER TABLE users RENAME COLUMN country TO land')
      t.same(await values('SELECT * FROM kept ORDER BY 1'), wanted, 'a column renamed')
      await direct.query('ALTER TABLE users RENAME COLUMN land TO country')
    }
    await client.query('DROP VIEW kept')
    if (what === 'whole rows') {
      await client.query(`CREATE MATERIALIZED VIEW kept AS ${query}`)
      t.same(await values('SELECT * FROM kept ORDER BY 1', [], direct), wanted, 'stored')
      await client.query('DROP MATERIALIZED VIEW kept')
    }
  }
  await client.query(`CREATE VIEW kept AS SELECT u.user_id, PREDICT(${CHURN} FOR u.user_id) FROM users u`)
  t.same(
    await values(
      `SELECT string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = 'kept'`,
    ),
    [['user_id bigint, predict boolean']],
  )
  t.match(
    (await values(`SELECT obj_description('kept'::regclass)`))[0][0],
    /^@predict view: PREDICT\(.* FOR "public"."users"."user_id" = \(u.user_id\)\)$/,
  )
  await client.query('DROP VIEW kept')
})

t.test('options of predict() are kept', async t => {
  const asked = `PREDICT ${CHURN} FOR EACH users.user_id AS OF '2026-03-01'`
  for (const [pql, options] of [
    [asked, `mode => 'fast', context_size => 600`],
    [`${asked} WITH (mode = fast)`, 'context_size => 600'],
  ]) {
    await client.query(`CREATE VIEW kept AS SELECT * FROM predict($$ ${pql} $$, ${options})`)
    t.same(await values('SELECT * FROM kept ORDER BY user_id'), expected)
    await client.query('DROP VIEW kept')
  }
})

t.test('a view whose tables have changed since says so', async t => {
  await client.query(`CREATE VIEW churn AS ${EACH}; CREATE MATERIALIZED VIEW kept AS ${EACH} WITH NO DATA`)
  await direct.query('ALTER TABLE users RENAME TO people')
  for (const sql of ['SELECT * FROM churn', 'REFRESH MATERIALIZED VIEW kept'])
    await t.rejects(
      client.query(sql),
      {
        code: '42P01',
        message: 'relation "public.users" does not exist',
        hint: /make the view anew/,
        position: undefined,
      },
      sql,
    )
  t.equal((await client.query('PREDICT churn FOR people.user_id = 1')).rowCount, 1, 'its rows are named anew')
  await direct.query('ALTER TABLE people RENAME TO users; DROP VIEW churn; DROP TABLE kept')
})

t.test('a probe of a view asks nothing', async t => {
  // whoever asks it fails
  const never = EACH.replace('2026-03-01', '1999-01-01')
  await client.query(`CREATE VIEW never AS ${never}; CREATE VIEW over AS SELECT * FROM never WHERE probability > 0.5`)
  for (const name of ['never', 'over']) {
    await t.rejects(client.query(`SELECT * FROM ${name}`), { code: 'PQ004' })
    await t.rejects(client.query(`SELECT * FROM ${name} LIMIT 1`), { code: 'PQ004' })
    for (const sql of [
      `SELECT * FROM ${name} LIMIT 0`,
      `SELECT * FROM ${name} WHERE false`,
      `SELECT * FROM (SELECT * FROM ${name}) AS "source" WHERE 1 = 0`,
      `SELECT * FROM ${name} p JOIN users u USING (user_id) LIMIT 0`,
      `CREATE TEMP TABLE probe_${name} AS SELECT * FROM ${name} WITH NO DATA`,
    ]) {
      t.equal((await client.query(sql)).rows.length, 0, sql)
      t.equal((await client.query({ text: sql.replace('TABLE ', 'TABLE more_'), values: [] })).rows.length, 0, sql)
    }
    await client.query(`EXPLAIN SELECT * FROM ${name}`)
    // Parse and Describe, as drivers ask for the columns before they ask for rows
    await client.query(`PREPARE p_${name} AS SELECT * FROM ${name}`)
    await t.rejects(client.query(`EXECUTE p_${name}`), { code: 'PQ004' })
  }
  await client.query('DROP VIEW never CASCADE')
})
