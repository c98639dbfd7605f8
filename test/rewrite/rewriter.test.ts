import t from 'tap'
import { type TypedParam, textParam } from '../../src/rewrite/plan.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { createRig, type Rig, schema } from './helpers.js'

const Q = 'PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH users.user_id'
const COLUMNS = [
  'user_id bigint',
  'anchor_time timestamp with time zone',
  'prediction boolean',
  'probability double precision',
]

const postgres = await startPostgres()
const url = await postgres.createDatabase()
const client = await connect(url)
await client.query(schema)
const rig: Rig = await createRig(url)
const { upstream, asked } = rig
t.beforeEach(() => {
  asked.length = 0
  upstream.notices.length = 0
})
t.teardown(async () => {
  upstream.close()
  await client.end()
  await postgres.stop()
})

/** Names and types of a table's columns. */
const columnsOf = async (table: string) =>
  (
    await client.query(
      'SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum',
      [table],
    )
  ).rows.map(row => `${row.attname} ${row.type}`)

const names = (list: string, from: string, rest = '') => `SELECT ${list} FROM ${from} ${rest}`

t.test('the statement form answers with its frozen columns, sorted and cut by its tail', async t => {
  await rig.rows(`CREATE TABLE whole AS ${Q}`)
  t.same(await columnsOf('whole'), COLUMNS)
  await rig.rows(
    'CREATE TABLE sorted AS PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH users.user_id ORDER BY probability DESC LIMIT 2',
  )
  t.same((await client.query('SELECT user_id, prediction, probability FROM sorted')).rows, [
    { user_id: '1', prediction: true, probability: 0.9 },
    { user_id: '3', prediction: true, probability: 0.6 },
  ])
  t.equal((await rig.rows(`${Q} ORDER BY 1 OFFSET 1;`)).length, 2)
  t.same(
    asked.map(({ outputs }) => outputs.length),
    [4, 4, 4],
  )
})

t.test('the table expression joins, filters and sorts like any other', async t => {
  const label = "p.user_id::text || ':' || p.probability::text"
  t.same(
    await rig.rows(
      names(
        "u.name || ' ' || p.prediction::text",
        `users u JOIN (${Q}) AS p USING (user_id)`,
        'ORDER BY p.probability',
      ),
    ),
    [['bob false'], ['cy true'], ['ann true']],
  )
  t.same(
    await rig.rows(
      names('u.name, p.user_id::text', `users u LEFT JOIN (${Q}) p USING (user_id)`, 'ORDER BY 1 DESC LIMIT 2'),
    ),
    [
      ['di', null],
      ['cy', '3'],
    ],
  )
  t.same(await rig.rows(`WITH p AS (${Q}) SELECT ${label} FROM p WHERE p.probability > 0.5 ORDER BY 1`), [
    ['1:0.9'],
    ['3:0.6'],
  ])
  t.same(
    await rig.rows(`SELECT name FROM users WHERE user_id IN (SELECT user_id FROM (${Q}) q WHERE NOT prediction)`),
    [['bob']],
  )
  t.same(
    await rig.rows(
      `SELECT name FROM users u WHERE EXISTS (SELECT FROM (${Q}) q WHERE q.user_id = u.user_id) ORDER BY 1`,
    ),
    [['ann'], ['bob'], ['cy']],
  )
  t.same(await rig.rows(`SELECT count(*)::text FROM (SELECT * FROM (${Q}) a UNION ALL (${Q})) x`), [['6']])
})

t.test('equal questions in one statement are answered once, different ones each', async t => {
  const other = Q.replace('30', '60')
  const sql = `SELECT count(*)::text FROM (${Q}) a JOIN (${Q.toLowerCase().replace(' for', '\n/* x */ FOR')}) b USING (user_id) JOIN (${other}) c USING (user_id)`
  t.same(await rig.rows(sql), [['3']])
  t.equal(asked.length, 2)
  const plan = await rig.plan(sql)
  t.equal(plan?.hidden, 8)
  asked.length = 0
  await rig.rows(
    `SELECT 1::text FROM (${Q.replace('EACH users.user_id', 'users.user_id = 1')}) a, (${Q.replace('EACH users.user_id', 'users.user_id = 2')}) b`,
  )
  t.equal(asked.length, 2, 'ids are part of the question')
})

t.test('a parameter may stand inside a PREDICT, outside, or both', async t => {
  const inside = 'PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id = $1'
  const outside = `SELECT p.user_id::text FROM (${inside}) p WHERE p.probability > $2 ORDER BY 1`
  const plan = await rig.plan(outside)
  t.same(plan?.paramTypes, [20, 0, 0, 0, 0, 0], 'typed by the language; the rest is for the server to infer')
  t.equal(plan?.hidden, 4)
  t.same((await rig.plan(outside, [23]))?.paramTypes.slice(0, 2), [23, 0], 'the type that the client declared stands')
  t.same((await rig.plan(outside, [705, 701]))?.paramTypes.slice(0, 2), [20, 701])
  t.same(await rig.rows(outside, textParam(0, '1'), textParam(701, '0.5')), [['1'], ['3']])
  t.same(
    asked[0].params.map(param => param.value?.toString()),
    ['1', '0.5'],
  )
  t.same(await rig.rows(`SELECT p.user_id::text FROM (${inside}) p WHERE p.user_id = $1`, textParam(0, '2')), [['2']])
  t.same(
    await rig.rows(
      `SELECT user_id::text FROM predict($$COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id = $3$$) LIMIT $2`,
      textParam(25, 'x'),
      textParam(20, '1'),
      textParam(0, '1'),
    ),
    [['1']],
  )
  t.same(
    await rig
      .rows(`${inside} ORDER BY user_id LIMIT $2`, textParam(0, '1'), textParam(0, '1'))
      .then(rows => rows.length),
    1,
  )
})

t.test('rows go where a query may put them', async t => {
  await client.query('CREATE TABLE scores (user_id bigint, score float8)')
  await rig.rows(
    `INSERT INTO scores SELECT user_id, probability FROM (${Q}) AS p WHERE user_id < $1`,
    textParam(20, '3'),
  )
  t.same((await client.query('SELECT * FROM scores ORDER BY 1')).rows, [
    { user_id: '1', score: 0.9 },
    { user_id: '2', score: 0.2 },
  ])
  t.same(
    await rig.rows(
      `UPDATE scores s SET score = 0 FROM (${Q}) p WHERE p.user_id = s.user_id AND p.prediction RETURNING s.user_id::text`,
    ),
    [['1']],
  )
  t.same(
    await rig
      .rows(`DELETE FROM scores USING (${Q}) p WHERE p.user_id = scores.user_id RETURNING scores.user_id::text`)
      .then(rows => rows.flat().toSorted()),
    ['1', '2'],
  )
  await rig.rows(
    `MERGE INTO scores s USING (${Q}) AS p ON s.user_id = p.user_id WHEN NOT MATCHED THEN INSERT VALUES (p.user_id, p.probability)`,
  )
  t.equal((await client.query('SELECT * FROM scores')).rowCount, 3)
  await rig.rows(
    'CREATE TABLE named AS SELECT * FROM (PREDICT COUNT(orders.*, 0, 30, days) > 0 AS "Buys ""again""" FOR EACH users.user_id) AS p',
  )
  t.same(await columnsOf('named'), [
    'user_id bigint',
    'anchor_time timestamp with time zone',
    'Buys "again" boolean',
    'Buys "again"_probability double precision',
  ])
  await upstream.run('BEGIN')
  await rig.rows(
    `DECLARE c CURSOR FOR SELECT user_id::text FROM (${Q}) p WHERE user_id > $1 ORDER BY 1`,
    textParam(20, '1'),
  )
  await rig.rows(`DECLARE d CURSOR WITH HOLD FOR ${Q}`)
  const fetched = async (sql: string) => (await upstream.query(sql)).map(row => row[0]?.toString())
  t.same(await fetched('FETCH 1 FROM c'), ['2'])
  t.same(await fetched('FETCH ALL FROM c'), ['3'])
  await upstream.run('COMMIT')
  t.equal((await fetched('FETCH ALL FROM d')).length, 3)
})

t.test('predict() in FROM answers, unless the user has a function of that name', async t => {
  const sql =
    "SELECT p.user_id::text FROM predict($$PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH users.user_id$$, mode => 'best') AS p (user_id) ORDER BY 1"
  t.same(await rig.rows(sql), [['1'], ['2'], ['3']])
  t.equal(asked[0].task.options.mode, 'best')
  t.same(
    await rig.rows(
      `SELECT predict.user_id::text FROM predict('COUNT(orders.*, 0, 30, days) > 0 FOR EACH users.user_id') LIMIT 1`,
    ),
    [['1']],
  )
  await t.rejects(rig.plan(sql.replace('mode =>', 'mod =>')), { code: '22023', position: sql.indexOf('mode') })
  await client.query(
    'CREATE FUNCTION predict(text, mode text) RETURNS TABLE (user_id int) LANGUAGE sql AS $$ SELECT 7 $$',
  )
  t.equal(await rig.plan(sql), null)
  t.ok(await rig.plan(`SELECT * FROM (${Q}) p, predict('x', 'y')`), 'beside a PREDICT of ours as well')
  t.same(
    await rig.rows(sql.replace('FROM predict', 'FROM PREDICT_ROWS')),
    [['1'], ['2'], ['3']],
    'which is another name',
  )
  await client.query('DROP FUNCTION predict(text, text)')
  t.ok(await rig.plan(sql), 'and ours is back when it is gone')
})

t.test('nothing is computed that nobody would see', async t => {
  for (const sql of [
    `EXPLAIN SELECT * FROM (${Q}) p`,
    `EXPLAIN (COSTS off) ${Q}`,
    `EXPLAIN (ANALYZE false, VERBOSE) ${Q}`,
    `${Q} LIMIT 0`,
    `${Q} FETCH FIRST 0 ROWS ONLY`,
    `SELECT * FROM (SELECT * FROM (${Q}) p) AS "source" WHERE 1 = 0`,
    `SELECT * FROM (SELECT * FROM (${Q}) p LIMIT 0) AS x`,
    `SELECT * FROM users u JOIN (${Q}) p USING (user_id) WHERE false AND u.name = 'x'`,
    `CREATE TABLE none1 AS SELECT * FROM (${Q}) p WITH NO DATA`,
    `CREATE TABLE none2 AS SELECT * FROM (SELECT * FROM (${Q}) p WHERE false) q`,
  ]) {
    await rig.rows(sql)
    t.equal(asked.length, 0, sql)
  }
  t.same(await columnsOf('none1'), COLUMNS)
  t.same(await columnsOf('none2'), COLUMNS)
  await client.query('CREATE TABLE kept (n bigint)')
  for (const sql of [
    `EXPLAIN ANALYZE ${Q}`,
    `EXPLAIN (ANALYZE, COSTS off) SELECT * FROM (${Q}) p`,
    `${Q} LIMIT 1`,
    `SELECT * FROM (${Q}) p WHERE 1 = 1`,
    `SELECT count(*), (SELECT max(probability) FROM (${Q}) p) FROM users WHERE false`,
    `WITH x AS (INSERT INTO kept SELECT user_id FROM (${Q}) p) SELECT 1 LIMIT 0`,
    `SELECT * FROM (SELECT * FROM (${Q}) p LIMIT 0) a, (${Q}) b`,
  ]) {
    asked.length = 0
    await rig.rows(sql)
    t.equal(asked.length, 1, sql)
  }
  t.equal((await client.query('SELECT * FROM kept')).rowCount, 3)
})

t.test('an ordinary statement is none of ours', async t => {
  for (const sql of [
    'SELECT predicted_at FROM t',
    'SELECT predict FROM t',
    "SELECT * FROM t WHERE note = '(PREDICT x FOR y.z)'",
    'SELECT (predict), f(predict, 1) FROM t',
    'SELECT predict(1), s.predict(2) FROM t',
    'CREATE TABLE t (predict boolean)',
    'SELEC (predict) FROM t',
    'BEGIN',
    '',
  ])
    t.equal(await rig.plan(sql), null, sql)
})

t.test('errors point into the text that the client wrote', async t => {
  const where = async (sql: string, code: string, at: string, params: readonly number[] = []) =>
    t.rejects(rig.plan(sql, params), { code, position: sql.lastIndexOf(at) }, sql)
  await where(
    "SELECT 'é𝒳', * FROM (PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH users.nobody) p",
    '42703',
    'nobody',
  )
  await where(
    "SELECT 'é𝒳', * FROM (PREDICT COUNT(nowhere.*, 0, 30, days) > 0 FOR EACH users.user_id) p",
    '42P01',
    'nowhere',
  )
  await where(
    "SELECT * FROM predict('COUNT(orders.* WHERE orders.status = ''paid'', 0, 30, days) > 0 FOR EACH users.nobody')",
    '42703',
    'nobody',
  )
  await where(`SELECT 'é𝒳' FROM (${Q}) p WHERE WHERE`, '42601', 'WHERE')
  await t.rejects(rig.plan(`INSERT INTO scores SELECT abs(${Q})`), { message: 'syntax error at or near "PREDICT"' })
  await where(`SELECT * FROM (${Q}) p GROUP user_id`, '42601', 'user_id')
  await where(`/* é𝒳 */ ${Q} ORDER BY probability LIMIT FETCH`, '42601', 'FETCH')
  await where(`SELECT * FROM (${Q.replace('0, 30', '30, 0')}) p`, '22023', '30, 0')
  await t.rejects(rig.plan('/* how good? */ EVALUATE COUNT(orders.*, 0, 30, days) FOR EACH users.user_id'), {
    code: '42601',
    position: 25,
    hint: 'Write: EVALUATE PREDICT COUNT(orders.*, 0, 30, days) FOR EACH users.user_id',
  })
  await t.rejects(rig.plan('PREDICT 1'), { code: '42601', position: 8 })
  const unclosed = `/* é𝒳 */ ${Q} ORDER BY (probability`
  await t.rejects(rig.plan(unclosed), { code: '42601', position: unclosed.length })
  await t.rejects(rig.plan(`${Q}; SELECT 1`), { code: '42601', message: /multiple commands/ })
  await t.rejects(rig.plan(`SELECT ${'1+'.repeat(50_000)}1 FROM (${Q}) p`), { code: '54001' })
})

t.test("a server's error is carried back to the client's text", async t => {
  const wrong = `SELECT 'é𝒳', p.probability FROM (${Q}) AS p JOIN users USING (user_id) WHERE p.nothing > 1`
  const plan = await rig.plan(wrong)
  const error = await client.query(plan!.sql, [null, null, null, null]).catch(e => e)
  t.equal(error.code, '42703')
  t.equal(plan!.mapPosition(Number(error.position)), [...wrong.slice(0, wrong.indexOf('p.nothing'))].length + 1)
  t.equal(plan!.mapPosition(plan!.sql.indexOf('pg_catalog')), null, 'in text of ours')
})

t.test('where the server keeps a query in ways of its own a PREDICT is refused with a way round', async t => {
  for (const [sql, what] of [
    [`CREATE RULE r AS ON DELETE TO users DO ALSO SELECT * FROM (${Q}) p`, 'CREATE RULE'],
    [`CREATE FUNCTION f() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM (${Q}) p)`, 'CREATE FUNCTION'],
  ])
    await t.rejects(
      rig.plan(sql),
      {
        code: '0A000',
        message: `PREDICT in ${what} is not supported yet`,
        hint: /./,
        position: sql.indexOf('PREDICT'),
      },
      sql,
    )
})

t.test('COPY takes no parameters, so the rows are written into it, each value exactly', async t => {
  await upstream.run(`SET extra_float_digits = -3; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata'`)
  const plan = await rig.plan(`COPY (SELECT * FROM (${Q}) p WHERE p.probability > 0.5) TO STDOUT`)
  t.equal(plan?.hidden, 0)
  t.same(plan?.paramTypes, [])
  const bound = await plan!.run([], upstream)
  if (!('sql' in bound)) return t.fail('a text')
  t.match(bound.sql, /^COPY \(SELECT \* FROM \(SELECT .*'\{0\.9,0\.2,0\.6\}'::double precision\[\]/)
  t.match(bound.sql, "'{1,2,3}'::bigint[]")
  t.match(bound.sql, '2000-01-01 05:30:00+05:30')
  const at = bound.sql.indexOf('p.probability')
  t.equal(bound.mapPosition(at + 1), plan!.mapPosition(plan!.sql.indexOf('p.probability') + 1))
  t.equal(bound.mapPosition(bound.sql.indexOf('{1')), null)
  const [[digits, style]] = await upstream.query(
    `SELECT current_setting('extra_float_digits'), current_setting('DateStyle')`,
  )
  t.same([digits?.toString(), style?.toString()], ['-3', 'SQL, DMY'], 'the settings are as they were')
  await upstream.run('RESET ALL')
  const tail = await rig.plan(`COPY (${Q} ORDER BY probability LIMIT 2) TO STDOUT`)
  t.match(tail?.sql, /ORDER BY probability LIMIT 2\) TO STDOUT$/)
  const none = await rig.plan(`COPY (${Q} LIMIT 0) TO STDOUT`)
  asked.length = 0
  await none!.run([], upstream)
  t.equal(asked.length, 0)
  const idle = 'COPY users FROM STDIN; -- predict (x)'
  t.equal(await rig.plan(idle), null)
})

t.test('PREPARE keeps the rewritten statement on the server, EXECUTE answers it', async t => {
  const one = 'PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id = $1'
  t.equal(rig.mayConcern('EXECUTE q(1)'), false, 'nothing prepared yet')
  t.same(await rig.rows(`PREPARE q AS SELECT p.user_id::text FROM (${one}) p WHERE p.probability > $2 ORDER BY 1`), [])
  t.equal(asked.length, 0, 'no inference')
  t.equal(rig.mayConcern('/* x */ execute q(1)'), true)
  const listed = await upstream.query(`SELECT name::text, parameter_types::text FROM pg_prepared_statements`)
  t.same(
    listed.map(row => row.map(value => value?.toString())),
    [['q', '{bigint,"double precision",bigint[],"timestamp with time zone[]",boolean[],"double precision[]"}']],
  )
  t.same(await rig.rows('EXECUTE q(7, 0.5)'), [['1'], ['3']])
  t.equal(asked[0].params[0].value?.readBigInt64BE(), 7n)
  t.same(await rig.rows('execute "q" ( (SELECT 7), 0.2 + 0.5 -- why not\n)'), [['1']])
  t.same((await rig.plan('EXECUTE q(1, 2)'))?.paramTypes.length, (await rig.plan('EXECUTE q(1, 2)'))?.hidden)

  await client.query('CREATE SEQUENCE once')
  await rig.rows(`EXECUTE q((SELECT nextval('public.once')), 0)`)
  t.equal((await client.query('SELECT last_value FROM once')).rows[0].last_value, '1', 'arguments are evaluated once')
  asked.length = 0
  await rig.rows('EXPLAIN EXECUTE q(1, 0)')
  t.equal(asked.length, 0)
  await rig.rows('EXPLAIN (ANALYZE, COSTS off) EXECUTE q(1, 0)')
  t.equal(asked.length, 1)
  await rig.rows('CREATE TABLE executed AS EXECUTE q(1, 0.5)')
  t.same((await client.query('SELECT * FROM executed ORDER BY 1')).rows, [{ user_id: '1' }, { user_id: '3' }])

  await t.rejects(rig.plan('EXECUTE q(1)'), { code: '42601', detail: 'Expected 2 parameters but got 1.' })
  const wrong = `PREPARE w AS ${Q.replace('users.user_id', 'users.nobody')}`
  await t.rejects(rig.plan(wrong), { code: '42703', position: wrong.indexOf('nobody') })
  const late = await rig.plan(`PREPARE w (int) AS SELECT p.nothing FROM (${Q}) p WHERE $1 = 1`)
  const error = await client.query(late!.sql).catch(e => e)
  t.equal(late!.mapPosition(Number(error.position)), 'PREPARE w (int) AS SELECT p'.length)

  await t.rejects(rig.rows(`PREPARE q AS SELECT 1 FROM (${Q}) p`), { code: '42P05' })
  t.same(await rig.rows('EXECUTE q(7, 0.5)'), [['1'], ['3']], 'a PREPARE that failed changes nothing')
  await upstream.run('DEALLOCATE q')
  t.equal(await rig.plan('EXECUTE q(1, 0)'), null, 'the server says that there is none')
  await upstream.run('PREPARE q AS SELECT 1')
  t.equal(await rig.plan('EXECUTE q'), null, 'another statement by now')
  t.equal(await rig.plan('PREPARE ordinary AS SELECT predict FROM users'), null)
})

const V = 'COUNT(orders.*, 0, 30, days) > 0'

t.test('PREDICT is a value wherever SQL has an expression', async t => {
  t.same(
    await rig.rows(
      `SELECT name, PREDICT(${V} FOR u.user_id)::text, PREDICT_PROBABILITY(${V} FOR u.user_id)::text FROM users u ORDER BY 1`,
    ),
    [
      ['ann', 'true', '0.9'],
      ['bob', 'false', '0.2'],
      ['cy', 'true', '0.6'],
      ['di', null, null],
    ],
  )
  t.equal(asked.length, 1, 'one question, asked once for all rows')
  t.equal(asked[0].task.each, false)
  const named = async (sql: string) => (await client.query((await rig.plan(sql))!.sql, NOTHING)).fields.map(f => f.name)
  const NOTHING = [null, null, null, null]
  t.same(
    await named(
      `SELECT PREDICT(${V} FOR u.user_id), predict_probability(${V} FOR u.user_id) AS p, -predict_probability(${V} FOR u.user_id) FROM users u`,
    ),
    ['predict', 'p', '?column?'],
  )
  for (const [sql, expected] of [
    [`SELECT name FROM users WHERE PREDICT_PROBABILITY(${V} FOR users.user_id) > 0.5 ORDER BY 1`, [['ann'], ['cy']]],
    [`SELECT name FROM users u ORDER BY PREDICT_PROBABILITY(${V} FOR u.user_id) DESC NULLS LAST LIMIT 1`, [['ann']]],
    [
      `SELECT round(avg(PREDICT_PROBABILITY(${V} FOR u.user_id))::numeric, 4)::text FROM users u HAVING max(PREDICT_PROBABILITY(${V} FOR u.user_id)) > 0.5`,
      [['0.5667']],
    ],
    [`SELECT (PREDICT(${V} FOR users.user_id = 2))::text`, [['false']]],
    [
      `SELECT PREDICT_PROBABILITY(${V} FOR users.user_id = o.user_id)::text FROM orders o WHERE order_id = 4`,
      [['0.9']],
    ],
    [`SELECT PREDICT_PROBABILITY(${V} FOR o.user_id)::text FROM orders o WHERE order_id = 5`, [['0.2']]],
    [
      `SELECT count(*)::text FROM orders o WHERE NOT PREDICT(${V} FOR users.user_id = coalesce(o.user_id, 0))`,
      [['50']],
    ],
    [
      `SELECT CASE WHEN PREDICT(${V} FOR u.user_id) THEN 'yes' ELSE 'no' END FROM users u ORDER BY u.user_id`,
      [['yes'], ['no'], ['yes'], ['no']],
    ],
    [`SELECT (SELECT max(PREDICT_PROBABILITY(${V} FOR u.user_id)) FROM users u)::text`, [['0.9']]],
    [`SELECT PREDICT(${V} FOR users.user_id = 1.5)::text`, [[null]]],
    [
      `SELECT round((1 - PREDICT_PROBABILITY(${V}, u.name = 'ann' FOR u.user_id))::numeric, 3)::text FROM users u ORDER BY user_id`,
      [['0.100'], ['0.200'], ['0.600'], [null]],
    ],
    [
      `SELECT rank() OVER (ORDER BY PREDICT_PROBABILITY(${V} FOR u.user_id))::text FROM users u WHERE user_id < 3 ORDER BY user_id`,
      [['2'], ['1']],
    ],
  ] as const)
    t.same(await rig.rows(sql), expected, sql)
  await client.query('CREATE TABLE valued (user_id bigint, p float8)')
  await rig.rows(`INSERT INTO valued SELECT user_id, PREDICT_PROBABILITY(${V} FOR u.user_id) FROM users u`)
  await rig.rows(
    `UPDATE valued SET p = 1 - PREDICT_PROBABILITY(${V} FOR users.user_id = valued.user_id) WHERE user_id < 3`,
  )
  t.same(
    (await client.query('SELECT p FROM valued ORDER BY user_id')).rows.map(({ p }) => p?.toFixed(1)),
    ['0.1', '0.8', '0.6', undefined],
  )
  t.same(
    await rig.rows(
      `SELECT PREDICT(${V} FOR users.user_id = $1)::text, $2::text`,
      textParam(20, '3'),
      textParam(25, 'x'),
    ),
    [['true', 'x']],
  )
})

t.test('a table expression may be about the row beside it', async t => {
  t.same(
    await rig.rows(
      `SELECT c.name, p.probability::text FROM users c CROSS JOIN LATERAL (PREDICT ${V} FOR users.user_id = c.user_id) p ORDER BY 1`,
    ),
    [
      ['ann', '0.9'],
      ['bob', '0.2'],
      ['cy', '0.6'],
    ],
  )
  t.equal(asked.length, 1)
  t.same(
    await rig.rows(
      `SELECT name, (SELECT probability FROM (PREDICT ${V} FOR users.user_id = user_id) p)::text FROM users ORDER BY 1`,
    ),
    [
      ['ann', '0.9'],
      ['bob', '0.2'],
      ['cy', '0.6'],
      ['di', null],
    ],
    'a column without its table is that of the query around',
  )
  const sql = `SELECT 1 FROM users c, LATERAL (PREDICT ${V} FOR users.user_id = c.nothing) p`
  const plan = await rig.plan(sql)
  const error = await client.query(plan!.sql, [null, null, null, null]).catch(e => e)
  t.equal(plan!.mapPosition(Number(error.position)), sql.indexOf('c.nothing') + 1)
})

t.test('a million entities may go into a table or a file, and fewer to somebody who waits', async t => {
  const most = async (sql: string) => {
    asked.length = 0
    await (await rig.plan(sql))!.run([], upstream)
    return asked[0].task.options.maxEntities
  }
  t.equal(await most(Q), undefined)
  for (const sql of [
    `CREATE TABLE bulk1 AS ${Q}`,
    `INSERT INTO scores SELECT user_id, probability FROM (${Q}) p`,
    `COPY (${Q}) TO STDOUT`,
  ])
    t.equal(await most(sql), 1_000_000, sql)
  t.equal(await most(`CREATE TABLE bulk2 AS ${Q} WITH (max_entities = 5)`), 5)
})

t.test('only rows that the query can ask for are scored', async t => {
  const v = `PREDICT(${V} FOR u.user_id)`
  const idsOf = async (sql: string, ...types: number[]) => {
    asked.length = 0
    const plan = await rig.plan(sql, types)
    t.ok(plan, sql)
    await plan!.run(types.length > 0 || /\$1 /.test(sql) ? [{ format: 0, value: Buffer.from('7') }] : [], upstream)
    const { ids } = asked[0].task
    if (ids.kind !== 'query') return ids.kind
    const parts = typeof ids.sql === 'string' ? [ids.sql] : ids.sql
    const text = parts.map(part => (typeof part === 'string' ? part : '$?')).join('')
    // it must run where it stands
    await client.query(text.replaceAll('$?', 'NULL'))
    return text.replace(/^SELECT \* FROM \(SELECT (.*)\) AS k WHERE k1 IS NOT NULL$/s, '$1')
  }
  const all = 'SELECT "user_id" FROM "public"."users"'
  const users = '"public"."users" u'
  const key = `(u.user_id)::pg_catalog.int8 AS k1 FROM ${users}`
  for (const [sql, expected] of [
    [`SELECT ${v} FROM users u`, key],
    [
      `SELECT ${v} FROM users u WHERE user_id = 2 AND name LIKE 'b%'`,
      `${key} WHERE (user_id = 2) AND (name LIKE 'b%')`,
    ],
    [
      `SELECT 1 FROM users u WHERE user_id BETWEEN 1 AND 2 AND ${v} AND name IS NOT NULL GROUP BY 1 ORDER BY ${v}`,
      `${key} WHERE (user_id BETWEEN 1 AND 2) AND (name IS NOT NULL)`,
    ],
    [`SELECT 1 FROM users u WHERE user_id = 1 OR ${v}`, key],
    [`SELECT avg(${v}::int) FROM users u WHERE random() < 0.5 AND user_id > 1`, `${key} WHERE (user_id > 1)`],
    [
      `SELECT ${v} FROM users u JOIN orders o USING (user_id) WHERE o.status = 'paid'`,
      `${key} JOIN "public"."orders" o USING (user_id) WHERE (o.status = 'paid')`,
    ],
    [`SELECT ${v} FROM orders o LEFT JOIN users u ON u.user_id = o.user_id AND random() > 0`, all],
    [`SELECT PREDICT(${V} FOR users.user_id = u.user_id) FROM (SELECT * FROM users) u`, all],
    [`WITH users AS (SELECT 5 AS user_id) SELECT PREDICT(${V} FOR public.users.user_id = u.user_id) FROM users u`, all],
    [`WITH x AS (SELECT 5) SELECT ${v} FROM users u WHERE user_id = 1`, `${key} WHERE (user_id = 1)`],
    [`SELECT ${v} FROM users u WHERE user_id = 1 FOR UPDATE`, all],
    [`SELECT (SELECT ${v} FROM orders o WHERE o.user_id = u.user_id LIMIT 1) FROM users u WHERE u.user_id = 3`, all],
    [
      `SELECT (SELECT max(PREDICT(${V} FOR o.user_id)::int) FROM orders o WHERE o.user_id = u.user_id AND o.status = 'paid' AND signed IS NULL) FROM users u`,
      `(o.user_id)::pg_catalog.int8 AS k1 FROM "public"."orders" o WHERE (o.status = 'paid')`,
    ],
    [
      `INSERT INTO valued SELECT user_id, ${v}::int FROM users u WHERE user_id IN (1, 2) ON CONFLICT DO NOTHING`,
      `${key} WHERE (user_id IN (1, 2))`,
    ],
    [`UPDATE valued SET p = PREDICT_PROBABILITY(${V} FOR users.user_id = valued.user_id) WHERE user_id = 1`, all],
    [
      `SELECT 1 FROM users u CROSS JOIN LATERAL (PREDICT ${V} FOR users.user_id = u.user_id) p WHERE u.name = 'bob' AND p.probability > 0.1`,
      `${key} WHERE (u.name = 'bob')`,
    ],
    [
      `SELECT 1 FROM orders o, users u, LATERAL (PREDICT ${V} FOR users.user_id = u.user_id) p`,
      `(u.user_id)::pg_catalog.int8 AS k1 FROM "public"."orders" o, ${users}`,
    ],
    [`SELECT 1 FROM users u RIGHT JOIN LATERAL (PREDICT ${V} FOR users.user_id = abs(1)) p ON true`, all],
  ])
    t.equal(await idsOf(sql), expected, sql)
  t.equal(
    await idsOf(`SELECT ${v} FROM users u WHERE user_id = $1 AND name = '$1'`),
    `${key} WHERE (user_id = $?) AND (name = '$1')`,
  )
})

t.test(
  'conditions on the key narrow whom FOR EACH scores, wherever they are written, as far as Postgres takes them',
  async t => {
    const narrowed = async (sql: string, ...params: TypedParam[]) => {
      asked.length = 0
      await rig.rows(sql, ...params)
      return asked.map(
        ({ task }) =>
          task.narrowed
            ?.map(part => (typeof part === 'string' ? part : 'constant' in part ? '$?' : part.name))
            .join('') ?? null,
      )
    }
    const p = `(${Q}) p`
    const beside = (value: string, table: string, alias: string, where?: string) =>
      `(user_id) IN (SELECT * FROM (SELECT ${value} AS k1 FROM "public"."${table}" ${alias}${where ? ` WHERE ${where}` : ''}) AS k WHERE k1 IS NOT NULL)`
    for (const [sql, expected] of [
      [`SELECT 1 FROM ${p} WHERE user_id = 2`, '(user_id = 2)'],
      [
        `SELECT 1 FROM ${p} WHERE p.user_id IN (1, 2) AND probability > 0.5 AND prediction`,
        "((user_id = ANY ('{1,2}'::bigint[])))",
      ],
      [`SELECT 1 FROM ${p} WHERE probability > 0.5`, null],
      [`SELECT 1 FROM ${p} WHERE user_id = 1 OR prediction`, null],
      [
        `SELECT 1 FROM users u JOIN ${p} USING (user_id) WHERE u.user_id = 3 AND u.name = 'x' AND probability > 0`,
        `(${beside('("user_id")', 'users', 'u', "(u.user_id = 3) AND (u.name = 'x')")}) AND (((user_id = 3)))`,
      ],
      [
        `SELECT 1 FROM users u LEFT JOIN ${p} ON p.user_id = u.user_id AND p.user_id > 1`,
        `(${beside('(u.user_id)', 'users', 'u')}) AND ((user_id > 1))`,
      ],
      [
        `SELECT 1 FROM orders, users u JOIN ${p} ON u.user_id = p.user_id AND name < 'x' WHERE u.name = 'x' AND orders.status = 'paid'`,
        beside('(u.user_id)', 'users', 'u', "(u.name = 'x')"),
      ],
      [
        `SELECT 1 FROM orders, ${p} WHERE p.user_id = orders.user_id`,
        beside('(orders.user_id)', 'orders', 'AS "orders"'),
      ],
      [
        `SELECT 1 FROM users u JOIN predict($$${Q}$$) ON predict.user_id = u.user_id`,
        beside('(u.user_id)', 'users', 'u'),
      ],
      [
        `SELECT 1 FROM users u JOIN ${p} USING (user_id) RIGHT JOIN orders o USING (user_id) WHERE u.name IS NULL`,
        beside('("user_id")', 'users', 'u'),
      ],
      [`SELECT 1 FROM users u JOIN ${p} ON p.user_id = u.user_id OR u.name = 'x'`, null],
      [`SELECT 1 FROM users u JOIN ${p} ON p.user_id >= u.user_id`, null],
      [`SELECT 1 FROM users u JOIN ${p} ON p.user_id = u.user_id + 1`, null],
      [`SELECT 1 FROM users u RIGHT JOIN ${p} USING (user_id)`, null],
      [`SELECT 1 FROM users u FULL JOIN ${p} USING (user_id)`, null],
      [`SELECT 1 FROM (SELECT * FROM users) u JOIN ${p} USING (user_id)`, null],
      [`SELECT 1 FROM generate_series(1, 2) u (user_id) JOIN ${p} USING (user_id)`, null],
      [`SELECT 1 FROM users u JOIN (${Q}) a USING (user_id) JOIN (${Q}) b USING (user_id)`, null],
      [`SELECT 1 FROM users u JOIN ${p} USING (user_id) FOR UPDATE OF u`, null],
      [`SELECT 1 FROM ${p} LEFT JOIN users u ON p.user_id = u.user_id AND p.user_id > 1`, null],
      [`SELECT 1 FROM ${p} FULL JOIN users u USING (user_id) WHERE p.user_id = 1`, '(user_id = 1)'],
      [
        `SELECT * FROM (SELECT x.user_id AS k, max(probability) FROM (SELECT * FROM (${Q}) q WHERE prediction) x GROUP BY 1) y WHERE k BETWEEN 1 AND 2`,
        '((user_id >= 1) AND (user_id <= 2))',
      ],
      [`WITH x AS (${Q}) SELECT 1 FROM x WHERE user_id = 1`, '(user_id = 1)'],
      [`WITH x AS MATERIALIZED (${Q}) SELECT 1 FROM x WHERE user_id = 1`, null],
      [`SELECT 1 FROM (SELECT *, rank() OVER (ORDER BY probability) FROM ${p}) x WHERE user_id = 1`, null],
      [
        `SELECT 1 FROM (SELECT *, rank() OVER (PARTITION BY user_id ORDER BY probability) FROM ${p}) x WHERE user_id = 1`,
        '(user_id = 1)',
      ],
      [`SELECT 1 FROM (SELECT * FROM ${p} LIMIT 5) x WHERE user_id = 1`, null],
      [`SELECT 1 FROM ${p} WHERE user_id > random() * 3`, null],
      [`SELECT 1 FROM ${p} WHERE user_id = (SELECT max(user_id) FROM users)`, null],
      [`SELECT 1 FROM (${Q}) a, (${Q}) b WHERE a.user_id = 1 AND b.user_id = 2`, '(user_id = 1) OR (user_id = 2)'],
      [`SELECT 1 FROM (${Q}) a, (${Q}) b WHERE a.user_id = 1`, null],
      [`SELECT 1 FROM predict($$${Q}$$) WHERE user_id = 2`, '(user_id = 2)'],
      [`EXPLAIN (ANALYZE, COSTS off) SELECT 1 FROM ${p} WHERE user_id = 2`, '(user_id = 2)'],
      [`CREATE TABLE narrow1 AS SELECT * FROM ${p} WHERE user_id < 3`, '(user_id < 3)'],
      [`UPDATE users SET name = name FROM ${p} WHERE p.user_id = users.user_id AND users.user_id = 2`, '(user_id = 2)'],
    ] as const)
      t.same(await narrowed(sql), [expected], sql)
    t.same(await narrowed(`SELECT 1 FROM ${p} WHERE user_id = $1`, textParam(0, '2')), ["(user_id = '2'::bigint)"])
    upstream.notices.length = 0
    t.same(await narrowed(`EXPLAIN SELECT 1 FROM ${p} WHERE user_id = 2`), [])
    t.match(upstream.notices[0], 'only rows of users are scored for which (user_id = 2)')
    const wrong = `SELECT 'é𝒳' FROM ${p} WHERE user_id = 1 AND p.nothing > 1`
    const plan = await rig.plan(wrong)
    await t.rejects(plan!.run([], upstream), { code: '42703', position: wrong.indexOf('p.nothing') })
    t.equal(asked.length, 0, 'a statement that cannot run asks nothing')
  },
)

t.test('a value that cannot be is refused where it stands', async t => {
  for (const [inner, code, at] of [
    [`PREDICT(${V} FOR EACH u.user_id)`, '42601', 'EACH'],
    [`PREDICT(${V} FOR u.user_id IN (1, 2))`, '42601', 'IN ('],
    [`PREDICT(${V} FOR users.user_id = ANY ($1))`, '42601', 'ANY'],
    [`PREDICT(${V} FOR u.name)`, '42P10', 'u.name'],
    [`PREDICT(COUNT(nothing.*, 0, 30, days) > 0 FOR u.user_id)`, '42P01', 'nothing'],
    [`PREDICT_INTERVAL(${V} FOR u.user_id)`, '42809', 'PREDICT_INTERVAL'],
    [`PREDICT_INTERVAL(${V} FOR u.user_id, 0.5)`, '0A000', '0.5'],
    [`PREDICT_PROBABILITY(COUNT(orders.*, 0, 30, days) FOR u.user_id)`, '42809', 'PREDICT_PROB'],
    [`PREDICT(${V}, true FOR u.user_id)`, '0A000', ', true'],
    [`PREDICT_PROBABILITY(${V}, FOR u.user_id)`, '0A000', ', FOR'],
  ]) {
    const sql = `SELECT ${inner} FROM users u`
    await t.rejects(rig.plan(sql), { code, position: sql.lastIndexOf(at) }, inner)
  }
})

t.test('the facet that a target has is named in the place of the one it has not', async t => {
  for (const [wrong, right, target] of [
    ['PREDICT_PROBABILITY', 'PREDICT_INTERVAL', 'COUNT(orders.*, 0, 30, days)'],
    ['PREDICT_INTERVAL', 'PREDICT_PROBABILITY', 'COUNT(orders.*, 0, 30, days) > 0'],
  ]) {
    const sql = `SELECT name, ${wrong}(${target} FOR u.user_id) FROM users u`
    await t.rejects(rig.plan(sql), { code: '42809', hint: `Write: ${right}`, position: sql.indexOf(wrong) })
    t.ok(await rig.plan(sql.replace(wrong, right)))
  }
})

t.test("a client's parameter in verbatim SQL of a PREDICT has the type that the server finds for it there", async t => {
  const start = 'SELECT 1 FROM (PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR'
  const typesOf = async (rest: string, types: number[] = []) => {
    const plan = await rig.plan(`${start} ${rest}) p`, types)
    return plan!.paramTypes.slice(0, plan!.paramTypes.length - plan!.hidden)
  }
  const [BIGINT, TEXT, INTERVAL, TIMESTAMPTZ, VARCHAR] = [20, 25, 1186, 1184, 1043]
  const named = (condition: string) => `users.user_id IN (SELECT user_id FROM users WHERE ${condition})`
  t.same(await typesOf(named(`name <> '$2' AND user_id > $1`)), [BIGINT])
  t.same(await typesOf(named('name = $1 AND user_id > $2')), [TEXT, BIGINT])
  t.same(await typesOf(named('name = $1'), [VARCHAR]), [VARCHAR], 'as declared')
  t.same(await typesOf('EACH users.user_id AS OF now() - $1::interval'), [INTERVAL])
  t.same(await typesOf('EACH users.user_id AS OF $1'), [TIMESTAMPTZ])
  await t.rejects(rig.plan(`${start} ${named('name = $1 + 1')}) p`), { code: /42/ })
})

t.test('notices come with the answer, not with its description', async t => {
  const sql = 'PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id = 1 WHERE COUNT(orders.*, -30, 0, days) > 0'
  const plan = await rig.plan(sql)
  t.same(upstream.notices, [])
  await plan!.run([], upstream)
  t.equal(upstream.notices.length, 1)
  await plan!.run([], upstream)
  t.equal(upstream.notices.length, 2)
})

t.test("FOR takes the outer query's alias of a table", async t => {
  const sql =
    'SELECT u.name FROM users u JOIN (PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH u.user_id) p USING (user_id) ORDER BY 1'
  t.same(await rig.rows(sql), [['ann'], ['bob'], ['cy']])
  t.equal(asked[0].task.entity.table.name, 'users')
  await t.rejects(rig.plan('SELECT 1 FROM (PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH u.user_id) p'), {
    code: '42P01',
  })
})

t.test("the client's search_path cannot lead astray what is ours", async t => {
  await client.query(
    `CREATE SCHEMA trap; CREATE FUNCTION trap.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE sql AS $$ SELECT NULL $$`,
  )
  await upstream.run('SET search_path = trap, public, pg_catalog')
  t.same(await rig.rows(`SELECT user_id::pg_catalog.text FROM (${Q}) p ORDER BY 1`), [['1'], ['2'], ['3']])
  await upstream.run('RESET search_path')
})
