// CREATE MATERIALIZED VIEW … AS PREDICT: predictions stored as an ordinary table, under the commands that Postgres has for it.

import t from 'tap'
import { startShop, tagsOf, valuesOf } from '../helpers/scene.js'
import { databaseOf } from '../helpers/service.js'

const { client, direct, product, url: shop } = await startShop(t, { seed: 53, users: 120 })

const CHURN = 'COUNT(orders.*, 0, 30, days) = 0'
const EACH = `PREDICT ${CHURN} FOR EACH users.user_id AS OF '2026-03-01' WITH (mode = fast, context_size = 600)`
/** Of a time before all data: whatever asks it fails. */
const UNANSWERABLE = `PREDICT ${CHURN} FOR EACH users.user_id AS OF '1999-01-01'`

const values = valuesOf(client)

const tagOf = tagsOf(client)

const expected = await values(`${EACH} ORDER BY user_id`)
const users = expected.length

t.test('stored predictions are a table with a key and a foreign key, made anew in one step', async t => {
  t.equal(await tagOf(`CREATE MATERIALIZED VIEW kept AS ${EACH}`), `SELECT ${users}`)
  t.same(await values('SELECT * FROM kept ORDER BY user_id', [], direct), expected, 'readable without the proxy')
  t.same(
    await values(
      `SELECT contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'kept'::regclass AND contype <> 'n' ORDER BY 1`,
      [],
      direct,
    ),
    [
      ['f', 'FOREIGN KEY (user_id) REFERENCES users(user_id) ON DELETE CASCADE'],
      ['p', 'PRIMARY KEY (user_id)'],
    ],
  )
  t.same(await values(`${EACH} ORDER BY user_id`), expected, 'they are no input of later predictions')

  await direct.query('UPDATE kept SET probability = -1')
  await client.query('BEGIN')
  t.equal(await tagOf('REFRESH MATERIALIZED VIEW kept'), 'REFRESH MATERIALIZED VIEW')
  t.same(
    await values('SELECT count(*)::int FROM kept WHERE probability < 0', [], direct),
    [[users]],
    'others see the old rows meanwhile',
  )
  await client.query('COMMIT')
  t.same(await values('SELECT * FROM kept ORDER BY user_id', [], direct), expected)

  await direct.query('ALTER TABLE kept ADD CHECK (probability < 0) NOT VALID')
  await t.rejects(client.query('REFRESH MATERIALIZED VIEW CONCURRENTLY public.kept'), { code: '23514' })
  t.same(await values('SELECT count(*)::int FROM kept', [], direct), [[users]], 'one that fails keeps the old rows')
  await direct.query('ALTER TABLE kept DROP CONSTRAINT kept_probability_check')

  const other = await product.connect(databaseOf(shop))
  t.teardown(() => other.end())
  await other.query('SET search_path = pg_catalog')
  await other.query('REFRESH MATERIALIZED VIEW CONCURRENTLY public.kept')
  t.same(
    await values('SELECT count(*)::int FROM public.kept', [], other),
    [[users]],
    'by another session, under another search_path',
  )
  t.equal(
    await tagOf('ALTER MATERIALIZED VIEW IF EXISTS public.kept RENAME TO stored', true),
    'ALTER MATERIALIZED VIEW',
  )
  t.equal(await tagOf('REFRESH MATERIALIZED VIEW public.stored', true), 'REFRESH MATERIALIZED VIEW')
  t.equal(await tagOf('DROP MATERIALIZED VIEW public.stored', true), 'DROP MATERIALIZED VIEW')
  await t.rejects(direct.query('SELECT * FROM kept'), { code: '42P01' })
})

t.test('any query around PREDICT is stored, and real materialized views stay what they are', async t => {
  await client.query('CREATE SCHEMA reports')
  const by = `SELECT u.country, count(*) FROM users u JOIN (${EACH}) p USING (user_id) GROUP BY 1`
  t.equal(
    await tagOf(`CREATE MATERIALIZED VIEW reports.by_country (country, n) AS ${by} WITH DATA`, true),
    `SELECT ${(await values('SELECT count(DISTINCT country)::int FROM users'))[0][0]}`,
  )
  await client.query('REFRESH MATERIALIZED VIEW reports.by_country')
  t.same(await values('SELECT sum(n)::int FROM reports.by_country'), [[users]])
  t.equal(await tagOf('CREATE MATERIALIZED VIEW plain AS SELECT 1 AS one', true), 'SELECT 1')
  t.equal(await tagOf('REFRESH MATERIALIZED VIEW plain', true), 'REFRESH MATERIALIZED VIEW')
  t.equal(await tagOf('DROP MATERIALIZED VIEW plain'), 'DROP MATERIALIZED VIEW')
  await t.rejects(client.query('DROP MATERIALIZED VIEW nothing'), { code: '42P01' })
  await t.rejects(client.query('REFRESH MATERIALIZED VIEW users'), { code: '0A000' })
  await client.query(`CREATE VIEW reports.live AS ${EACH}`)
  t.equal(
    await tagOf('CREATE MATERIALIZED VIEW reports.of_view AS SELECT * FROM reports.live', true),
    `SELECT ${users}`,
  )
  t.equal(await tagOf('REFRESH MATERIALIZED VIEW reports.of_view'), 'REFRESH MATERIALIZED VIEW')
  t.same(await values('SELECT * FROM reports.of_view ORDER BY user_id', [], direct), expected)
  await client.query('DROP SCHEMA reports CASCADE')
})

t.test('what cannot be made is told before anything is fitted', async t => {
  const made = (name: string, query = UNANSWERABLE) => client.query(`CREATE MATERIALIZED VIEW ${name} AS ${query}`)
  await t.rejects(made('fresh'), { code: 'PQ004' }, 'fitting fails')
  await t.rejects(made('users'), { code: '42P07', message: 'relation "users" already exists' })
  await t.rejects(made('nowhere.fresh'), { code: '3F000', message: 'schema "nowhere" does not exist' })
  const wrong = `SELECT p.nothing FROM (${UNANSWERABLE}) p`
  await t.rejects(made('fresh', wrong), { code: '42703', position: String(35 + wrong.indexOf('p.nothing')) })
  await t.rejects(made('fresh', `SELECT $1 FROM (${UNANSWERABLE}) p`), { code: '42P02' })
  await t.rejects(client.query(`CREATE UNLOGGED MATERIALIZED VIEW fresh AS ${UNANSWERABLE}`), {
    code: '0A000',
    position: '8',
  })
  await client.query('BEGIN READ ONLY')
  await t.rejects(made('fresh'), { code: '25006' })
  await client.query('ROLLBACK')
  await t.rejects(client.query(`EXPLAIN CREATE MATERIALIZED VIEW fresh AS ${EACH}`), { code: '0A000' })
  t.same(await values(`SELECT to_regclass('fresh')`), [[null]])

  client.notices.length = 0
  t.equal(
    await tagOf(`CREATE MATERIALIZED VIEW IF NOT EXISTS users AS ${UNANSWERABLE}`, true),
    'CREATE MATERIALIZED VIEW',
  )
  t.same(
    client.notices.map(({ code, message }) => [code, message]),
    [['42P07', 'relation "users" already exists, skipping']],
  )
  t.equal(await tagOf(`CREATE MATERIALIZED VIEW IF NOT EXISTS fresh AS ${EACH}`), `SELECT ${users}`)
  await client.query('DROP MATERIALIZED VIEW IF EXISTS fresh, fresh CASCADE')
})

t.test('WITH NO DATA stores none and cannot be read until it is refreshed', async t => {
  const unfilled = { code: '55000', message: 'materialized view "later" has not been populated' }
  t.equal(
    await tagOf(`CREATE MATERIALIZED VIEW later AS ${UNANSWERABLE} WITH NO DATA`),
    'CREATE MATERIALIZED VIEW',
    'at no cost',
  )
  await t.rejects(client.query('SELECT * FROM later'), unfilled)
  await client.query('DROP MATERIALIZED VIEW later')
  await client.query(`CREATE MATERIALIZED VIEW IF NOT EXISTS later AS ${EACH} WITH NO DATA`)
  await client.query('CREATE VIEW over AS SELECT count(*)::int AS n FROM later')
  await t.rejects(client.query('SELECT n FROM over'), unfilled)
  await client.query('EXPLAIN SELECT * FROM later')
  await t.rejects(client.query('REFRESH MATERIALIZED VIEW CONCURRENTLY later'), { code: '0A000' })
  await client.query('REFRESH MATERIALIZED VIEW later')
  t.same(await values('SELECT n FROM over'), [[users]])
  t.same(await values('SELECT n FROM over', [], direct), [[users]])
  t.equal(await tagOf('REFRESH MATERIALIZED VIEW later WITH NO DATA', true), 'REFRESH MATERIALIZED VIEW')
  await t.rejects(client.query('SELECT n FROM over'), unfilled)
  const other = await product.connect(databaseOf(shop))
  t.teardown(() => other.end())
  await t.rejects(other.query('SELECT * FROM later'), unfilled)
  await t.rejects(client.query('REFRESH MATERIALIZED VIEW CONCURRENTLY later WITH NO DATA'), { code: '42601' })
  await client.query('DROP MATERIALIZED VIEW later CASCADE')
})

t.test('a comment says what it is told to, and predictions stay what they are', async t => {
  await client.query(`CREATE MATERIALIZED VIEW kept AS ${EACH}; CREATE VIEW live AS ${EACH}`)
  for (const [kind, name, told] of [
    ['MATERIALIZED VIEW', 'kept', `'for the board'`],
    ['TABLE', 'kept', 'NULL'],
    ['VIEW', 'live', `'who falls silent'`],
    ['VIEW', 'live', `'who leaves'`],
  ]) {
    t.equal(await tagOf(`COMMENT ON ${kind} public.${name} IS ${told}`), 'COMMENT')
    const [[comment]] = await values(`SELECT obj_description('${name}'::regclass)`)
    const prose = told === 'NULL' ? '' : `${told.slice(1, -1)}\n`
    t.ok(String(comment).startsWith(`${prose}@predict ${name === 'kept' ? 'table' : 'view'}: `), String(comment))
  }
  const other = await product.connect(databaseOf(shop))
  t.teardown(() => other.end())
  await other.query('REFRESH MATERIALIZED VIEW kept')
  t.equal((await other.query('SELECT * FROM live')).rowCount, users)
  await t.rejects(client.query(`COMMENT ON VIEW kept IS 'x'`), { code: '42809' })
  await client.query(`COMMENT ON TABLE users IS 'people'`)
  t.same(await values(`SELECT obj_description('users'::regclass)`), [['people']])
  await client.query('DROP VIEW live; DROP MATERIALIZED VIEW kept')
})

t.test('what an owner has written is not refreshed with rights that the owner has not', async t => {
  const role = `owner_${process.pid}_${Math.trunc(performance.now())}`
  await direct.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`)
  await direct.query(`CREATE SCHEMA ${role} AUTHORIZATION ${role}`)
  t.teardown(async () => {
    await direct.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  })
  const owner = await product.connect(databaseOf(shop), role)
  t.teardown(() => owner.end())
  await owner.query(`CREATE MATERIALIZED VIEW ${role}.theirs AS ${EACH} WITH NO DATA`)
  for (const how of ['', ' WITH NO DATA'])
    await t.rejects(client.query(`REFRESH MATERIALIZED VIEW ${role}.theirs${how}`), {
      code: '42501',
      message: /must be owner of materialized view/,
      hint: `SET ROLE "${role}"`,
    })
  await client.query(`SET ROLE ${role}`)
  await client.query(`REFRESH MATERIALIZED VIEW ${role}.theirs`)
  await client.query('RESET ROLE')
  t.equal((await owner.query(`SELECT FROM ${role}.theirs`)).rowCount, users)
})
