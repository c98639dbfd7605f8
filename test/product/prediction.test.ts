// CREATE PREDICTION: a question with a name, a view to Postgres, asked again about other rows, times and options by PREDICT name.

import t, { type Test } from 'tap'
import { startShop, tagsOf, valuesOf } from '../helpers/scene.js'
import { databaseOf } from '../helpers/service.js'

const { client, direct, product, url: shop } = await startShop(t, { seed: 53, users: 120 })

const TARGET = 'COUNT(orders.*, 0, 30, days) = 0'
const WHERE = 'WHERE COUNT(orders.*, -200, 0, days) > 0'
const AT = "AS OF '2026-03-01'"
const OPTIONS = 'mode = fast, context_size = 600'
const EACH = `PREDICT ${TARGET} FOR EACH users.user_id ${WHERE} ${AT} WITH (${OPTIONS})`

const values = valuesOf(client)

const tagOf = tagsOf(client)

const refused = async (t: Test, sql: string, code: string, at: string, more: object = {}) =>
  t.rejects(client.query(sql), { code, position: String(sql.lastIndexOf(at) + 1), ...more }, sql)

t.test('a prediction is a view with true columns, and PREDICT asks it by its name', async t => {
  t.equal(await tagOf(`CREATE PREDICTION churn AS ${EACH}`), 'CREATE PREDICTION')
  t.same(
    await values(
      `SELECT table_type, string_agg(column_name || ' ' || data_type, ', ' ORDER BY ordinal_position)
         FROM information_schema.tables JOIN information_schema.columns USING (table_name) WHERE table_name = 'churn' GROUP BY 1`,
      [],
      direct,
    ),
    [
      [
        'VIEW',
        'user_id bigint, anchor_time timestamp with time zone, prediction boolean, probability double precision',
      ],
    ],
  )
  await t.rejects(direct.query('SELECT * FROM churn'), { message: /through pgpredict, connect to its port: PREDICT/ })
  const all = await values(`${EACH} ORDER BY user_id`)
  t.same(await values('SELECT * FROM churn ORDER BY user_id'), all)
  const other = await product.connect(databaseOf(shop))
  t.teardown(() => other.end())
  await other.query('SET search_path = pg_catalog')
  for (const [sql, ...params] of [
    ['PREDICT public.churn ORDER BY user_id;'],
    ['SELECT * FROM (PREDICT public.churn) p ORDER BY 1'],
    [`PREDICT public."churn" FOR EACH public.users.user_id ORDER BY user_id`],
  ])
    t.same(await values(sql, params, other), all, sql)

  const rewritten = async (named: string, written: string, params: unknown[] = []) =>
    t.same(await values(named, params), await values(written, params), named)
  const about = (rows: string, at = AT, options = OPTIONS) =>
    `PREDICT ${TARGET} FOR users.user_id ${rows} ${WHERE} ${at} WITH (${options})`
  await rewritten('PREDICT churn FOR users.user_id = 42', about('= 42'))
  await rewritten('PREDICT churn FOR users.user_id = $1', about('= $1'), [7])
  await rewritten(
    `PREDICT churn FOR users.user_id IN (3, 1) AS OF '2026-01-01'`,
    about('IN (3, 1)', `AS OF '2026-01-01'`),
  )
  await rewritten(
    'SELECT * FROM (PREDICT churn AS gone FOR users.user_id IN (3, 1) WITH (context_size = 500, seed = 7)) p',
    about('IN (3, 1)', AT, 'mode = fast, context_size = 500, seed = 7').replace(' FOR', ' AS gone FOR'),
  )
  await rewritten(
    'SELECT u.user_id, PREDICT_PROBABILITY(churn FOR u.user_id) FROM users u WHERE user_id < 9 ORDER BY 1',
    `SELECT u.user_id, PREDICT_PROBABILITY(${TARGET} FOR u.user_id ${WHERE} ${AT} WITH (${OPTIONS})) FROM users u WHERE user_id < 9 ORDER BY 1`,
  )
  await other.query('PREPARE q (bigint) AS PREDICT public.churn FOR public.users.user_id = $1')
  t.same(await values('EXECUTE q (5)', [], other), await values(about('= 5')))
  // in the function form, whichever way its text is quoted
  await rewritten('SELECT * FROM predict($$churn FOR users.user_id = 42$$)', about('= 42'))
  await rewritten(
    "SELECT * FROM predict_rows('PREDICT churn FOR users.user_id = $1 AS OF ''2026-01-01''') p",
    about('= $1', `AS OF '2026-01-01'`),
    [7],
  )
  await rewritten(
    'SELECT * FROM predict($$PREDICT public.churn FOR EACH users.user_id WITH (seed = 7)$$, context_size => 500)',
    EACH.replace(OPTIONS, 'mode = fast, context_size = 500, seed = 7'),
  )
  const typo = "SELECT * FROM predict($$churn FOR users.user_id = 'x'$$)"
  await refused(t, typo, '22P02', "'x'")
  await refused(t, "SELECT * FROM predict_rows('churn FOR users.user_id = ''x''')", '22P02', "''x''")
  await t.rejects(client.query("SELECT * FROM predict(E'churn FOR users.user_id = ''x''')"), { code: '22P02' })
  await client.query(`CREATE FUNCTION predict(text) RETURNS text LANGUAGE sql AS 'SELECT ''mine: '' || $1'`)
  t.same(await values('SELECT * FROM predict($$churn FOR 42$$)'), [['mine: churn FOR 42']], "a user's own function")
  await client.query('DROP FUNCTION predict(text)')
  // what was kept of another prediction is written out
  await client.query(`CREATE PREDICTION sooner AS PREDICT churn FOR users.user_id IN (1, 2)`)
  await client.query('DROP PREDICTION churn')
  t.same(await values('PREDICT sooner ORDER BY 1'), await values(`${about('IN (1, 2)')} ORDER BY 1`))
  await client.query('DROP VIEW sooner')
})

t.test('it is made, replaced, renamed, commented and dropped as the thing it is', async t => {
  await client.query(`CREATE PREDICTION churn AS ${EACH}`)
  await refused(t, `CREATE PREDICTION x AS SELECT * FROM (${EACH}) p`, '42601', 'SELECT')
  await refused(t, `CREATE PREDICTION x AS ${EACH} LIMIT 3`, '42601', 'LIMIT', { hint: 'SELECT * FROM x LIMIT 3' })
  await refused(
    t,
    `CREATE PREDICTION x AS PREDICT COUNT(nothing.*, 0, 3, days) > 0 FOR EACH users.user_id`,
    '42P01',
    'nothing',
  )
  await refused(t, `CREATE MATERIALIZED PREDICTION x AS ${EACH}`, '42601', 'MATERIALIZED', {
    hint: `CREATE MATERIALIZED VIEW x AS ${EACH}`,
  })
  await refused(t, `PREDICT churn FOR users.user_id = 1 WHERE users.user_id < 3`, '42601', 'WHERE')
  await refused(t, `PREDICT churn FOR users.nothing = 1`, '42703', 'nothing')
  await t.rejects(client.query(`CREATE PREDICTION churn AS ${EACH}`), { code: '42P07' })
  client.notices.length = 0
  t.equal(await tagOf(`CREATE PREDICTION IF NOT EXISTS churn AS ${EACH}`, true), 'CREATE PREDICTION')
  t.match(client.notices[0], { code: '42P07', message: /churn.*skipping/ })
  t.equal(await tagOf(`COMMENT ON PREDICTION churn IS 'who falls silent'`, true), 'COMMENT')
  t.equal(await tagOf(`CREATE OR REPLACE PREDICTION churn AS ${EACH.replace('30', '60')}`, true), 'CREATE PREDICTION')
  t.match(
    (await values(`SELECT obj_description('churn'::regclass)`))[0][0],
    /^who falls silent\n@predict view: .* 60, days/,
  )
  t.equal(await tagOf('ALTER PREDICTION churn RENAME TO silent', true), 'ALTER PREDICTION')
  t.equal((await values('PREDICT silent FOR users.user_id = 1')).length, 1)
  await client.query('CREATE VIEW plain AS SELECT 1 AS one')
  await refused(t, 'DROP PREDICTION plain', '42809', 'plain', { hint: 'Use DROP VIEW to remove a view.' })
  const replace = `CREATE OR REPLACE PREDICTION plain AS ${EACH}`
  await refused(t, replace, '42809', 'plain', { hint: replace.replace('PREDICTION', 'VIEW') })
  await refused(t, 'DROP PREDICTION users', '42809', 'users', { hint: 'Use DROP TABLE to remove a table.' })
  await refused(t, 'DROP PREDICTION nothing', '42P01', 'nothing')
  t.equal(await tagOf('DROP PREDICTION IF EXISTS nothing, public.silent CASCADE', true), 'DROP PREDICTION')
  await refused(t, 'PREDICT silent FOR users.user_id = 1', '42703', 'silent')
})

t.test('REFRESH learns ahead of the first question, and scores nobody', async t => {
  await client.query(`CREATE PREDICTION churn AS ${EACH.replace(OPTIONS, `${OPTIONS}, max_entities = 1`)}`)
  await t.rejects(client.query('PREDICT churn'), { code: '53400' })
  t.equal(await tagOf('REFRESH PREDICTION churn'), 'REFRESH PREDICTION')
  t.equal(await tagOf('REFRESH PREDICTION public.churn;', true), 'REFRESH PREDICTION')
  await client.query(`CREATE OR REPLACE PREDICTION churn AS ${EACH.replace('2026-03-01', '1999-01-01')}`)
  await t.rejects(client.query('REFRESH PREDICTION churn'), { code: 'PQ004' }, 'it does learn')
  await client.query(`CREATE MATERIALIZED VIEW kept AS ${EACH}`)
  await refused(t, 'REFRESH PREDICTION kept', '42809', 'kept', { hint: 'REFRESH MATERIALIZED VIEW kept' })
  await refused(t, 'REFRESH PREDICTION nothing', '42P01', 'nothing')
  await client.query('DROP PREDICTION churn; DROP MATERIALIZED VIEW kept')
})

t.test('who may not read a prediction may not ask it by its name either', async t => {
  await client.query(`CREATE PREDICTION churn AS ${EACH}`)
  const role = `reader_${process.pid}_${Math.trunc(performance.now())}`
  await direct.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT ON users, orders TO ${role}`)
  t.teardown(async () => {
    await direct.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  })
  const reader = await product.connect(databaseOf(shop), role)
  t.teardown(() => reader.end())
  const asked = 'PREDICT churn FOR users.user_id = 1'
  await t.rejects(reader.query(asked), { code: '42501', position: '9' })
  await t.rejects(reader.query('REFRESH PREDICTION churn'), { code: '42501' })
  await direct.query(`GRANT SELECT ON churn TO ${role}`)
  t.equal((await reader.query(asked)).rowCount, 1)
  await t.rejects(reader.query('DROP PREDICTION churn'), { code: '42501', message: /must be owner of view churn/ })
  await client.query('DROP PREDICTION churn')
})
