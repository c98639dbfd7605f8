// The optional schema `predict`: made and taken away by the command line, of use without the proxy, needed by nothing.

import t from 'tap'
import { init, uninstall } from '../../src/cli/schema.js'
import { version } from '../../src/cli/version.js'
import { parseUpstream } from '../../src/config/upstream.js'
import { optionNames } from '../../src/graph/catalog/facts.js'
import { runCli } from '../helpers/cli.js'
import { connect } from '../helpers/postgres.js'
import { startShop } from '../helpers/scene.js'
import { databaseOf, type ProductClient } from '../helpers/service.js'

const { client, direct, product, server, url: shop } = await startShop(t, { seed: 53, users: 120 })

const FEW = `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (1, 2) AS OF '2026-03-01' WITH (mode = fast, context_size = 600)`

const values = async (sql: string, on: Pick<ProductClient, 'query'> = direct) =>
  (await on.query({ text: sql, rowMode: 'array' })).rows as unknown[][]

const command = async (run: typeof init, url = shop) => {
  const lines = { out: [] as string[], err: [] as string[] }
  const status = await run(parseUpstream(url, 'url', {}), {
    out: text => lines.out.push(text),
    err: text => lines.err.push(text),
  })
  return { status, out: lines.out.join('\n'), err: lines.err.join('\n') }
}

/** Everything in the database that has a name of ours, or none of the database's own. */
const traces = () =>
  values(
    `SELECT 'schema', nspname FROM pg_namespace WHERE nspname ~ 'predict'
     UNION ALL SELECT 'relation', relname FROM pg_class WHERE relname ~ 'predict'
     UNION ALL SELECT 'function', proname FROM pg_proc WHERE proname ~ 'predict'
     UNION ALL SELECT 'comment', description FROM pg_description WHERE description ~ 'predict'
     UNION ALL SELECT 'setting', setconfig::text FROM pg_db_role_setting WHERE setconfig::text ~ 'predict'`,
  )

t.test('init twice and uninstall twice are content, and leave no trace', async t => {
  t.match(await command(init), { status: 0, out: `The schema predict is in place, of pgpredict ${version}` })
  t.match(await command(init), { status: 0, out: 'The schema predict is up to date' })
  t.same(await values('SELECT * FROM predict.version'), [[version]])
  t.match(await command(uninstall), { status: 0, out: 'The schema predict is gone' })
  t.match(await command(uninstall), { status: 0, out: 'There is no schema predict.' })
  t.same(await traces(), [])
})

t.test('through the proxy, on the command line, with settings from elsewhere', async t => {
  const made = runCli(['init', '--url', product.url(databaseOf(shop))])
  t.equal(await made.exit, 0, made.stderr())
  const gone = runCli(['uninstall'], { env: { PGPREDICT_UPSTREAM: shop } })
  t.equal(await gone.exit, 0, gone.stderr())
  t.match(gone.stdout(), 'is gone')
  const nowhere = runCli(['init', '--url', 'postgres://127.0.0.1'])
  t.equal(await nowhere.exit, 2)
  t.match(nowhere.stderr(), /names no user or no database/)
  t.match(await command(init, 'postgres://postgres@127.0.0.1:1/shop'), { status: 2, err: /^could not connect: / })
})

t.test('what is not ours stays: another schema of that name, and what is built on ours', async t => {
  await direct.query('CREATE SCHEMA predict')
  t.match(await command(init), { status: 1, err: /schema "predict" exists, and pgpredict did not make it/ })
  t.match(await command(uninstall), { status: 1, err: /left alone/ })
  await direct.query('DROP SCHEMA predict')
  await command(init)
  await direct.query('CREATE VIEW mine AS SELECT * FROM predict.predictions; CREATE TABLE predict.notes (n int)')
  t.match(await command(uninstall), { status: 1, err: /view (public\.)?mine depends on view predict\.predictions/ })
  await direct.query('DROP VIEW mine')
  t.match(await command(uninstall), { status: 1, err: /table predict\.notes depends on schema predict/ })
  await direct.query('DROP TABLE predict.notes')
  await client.query(`CREATE VIEW kept AS ${FEW}`)
  t.match(await command(uninstall), { status: 0 }, 'predictions do not rest on it')
  t.equal((await client.query('SELECT * FROM kept')).rowCount, 2)
  await client.query('DROP VIEW kept')
})

t.test('a schema made ready by a role with fewer rights is not taken for ours', async t => {
  const role = `squatter_${process.pid}_${Math.trunc(performance.now())}`
  await direct.query(`CREATE ROLE ${role}; CREATE SCHEMA predict AUTHORIZATION ${role}`)
  await direct.query(`COMMENT ON SCHEMA predict IS '@predict schema'`)
  t.match(await command(init), { status: 1, err: /schema "predict" is of a role that has fewer rights than yours/ })
  t.match(await command(uninstall), { status: 0 })
  await direct.query(`DROP ROLE ${role}`)
})

t.test('the catalogue lists predictions, without the proxy and for every role', async t => {
  await command(init)
  await client.query(`CREATE VIEW few AS ${FEW}; COMMENT ON VIEW few IS 'two of them'`)
  await client.query('CREATE VIEW over AS SELECT count(*) FROM few')
  await client.query(`CREATE MATERIALIZED VIEW stored AS ${FEW}; CREATE MATERIALIZED VIEW later AS ${FEW} WITH NO DATA`)
  await direct.query(`COMMENT ON COLUMN orders.discount IS 'in cents; @predict exclude'`)
  const role = `reader_${process.pid}_${Math.trunc(performance.now())}`
  await direct.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT ON few TO ${role}`)
  t.teardown(async () => {
    await direct.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  })
  const reader = await connect(server.url(databaseOf(shop), role))
  t.teardown(() => reader.end())
  const question = 'PREDICT COUNT("public"."orders".*, 0, 30, days) = 0 FOR "public"."users".user_id IN (1, 2)'
  const listed = await values(
    'SELECT name, kind, question, comment, may_read FROM predict.predictions ORDER BY name',
    reader,
  )
  t.same(
    listed.map(([name, kind, , comment, may]) => [name, kind, comment, may]),
    [
      ['few', 'view', 'two of them', true],
      ['later', 'stored, without data', null, false],
      ['over', 'view over predictions', null, false],
      ['stored', 'stored', null, false],
    ],
  )
  t.ok(listed.every(([name, , text]) => (name === 'over' ? text === null : String(text).includes(question))))
  // what is listed can be asked again as it is
  t.equal((await client.query(String(listed[3][2]))).rowCount, 2)
  t.same(await values('SELECT * FROM predict.declarations', reader), [
    ['public', 'orders', 'discount', '@predict exclude'],
  ])
  await reader.query(`SET predict.mode = 'best'`)
  const settings = await values('SELECT name, setting FROM predict.settings', reader)
  t.same(
    settings.map(([name]) => name),
    optionNames,
  )
  t.same(
    settings.filter(([, setting]) => setting !== null),
    [['mode', 'best']],
  )
  await client.query('DROP VIEW few CASCADE; DROP MATERIALIZED VIEW stored, later')
  await direct.query('COMMENT ON COLUMN orders.discount IS NULL')
})

t.test('a function of the user named predict still runs, beside questions of ours', async t => {
  await command(init)
  await direct.query(`CREATE FUNCTION predict(text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)'`)
  for (const [sql, wanted] of [
    [`SELECT predict('mine')`, [['MINE']]],
    [`SELECT * FROM predict($$ ${FEW} $$)`, [[` ${FEW} `.toUpperCase()]]],
    [
      `SELECT p.user_id, predict('x') FROM (${FEW}) p, predict('y') ORDER BY 1`,
      [
        ['1', 'X'],
        ['2', 'X'],
      ],
    ],
  ] as const)
    t.same(await values(sql, client), wanted, sql)
  await direct.query('DROP FUNCTION predict(text)')
  t.equal((await client.query(`SELECT * FROM predict($$ ${FEW} $$)`)).rowCount, 2)
})

t.test(
  'its function answers through the proxy, says why not without it, and whose it is is who may PREDICT',
  async t => {
    const asked = `SELECT user_id FROM predict.predict($$ ${FEW} $$) ORDER BY 1`
    const two = [['1'], ['2']]
    await command(init)
    t.same(await values(asked, client), two)
    const options = ` $$, mode => 'fast', context_size => 600`
    const named = asked.replace(' WITH (mode = fast, context_size = 600) $$', () => options)
    t.same(await values(named, client), two)
    await t.rejects(direct.query(`SELECT * FROM predict.predict($$ ${FEW} $$, mode => 'fast')`), {
      code: '0A000',
      message: /PREDICT is answered through pgpredict, connect to its port: +PREDICT COUNT/,
    })
    await client.query('SET search_path = predict, public')
    t.same(await values(asked.replace('predict.predict', 'predict'), client), two, 'it is no function of the user')
    await client.query('RESET search_path')

    const role = `asker_${process.pid}_${Math.trunc(performance.now())}`
    await direct.query(`CREATE ROLE ${role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`)
    t.teardown(async () => {
      await direct.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    })
    const asker = await product.connect(databaseOf(shop), role)
    t.teardown(() => asker.end())
    t.same(await values(asked, asker), two)
    await direct.query('REVOKE EXECUTE ON FUNCTION predict.predict FROM PUBLIC')
    await t.rejects(asker.query(FEW), { code: '42501', message: 'permission denied to PREDICT' })
    t.equal((await asker.query(`${FEW} LIMIT 0`)).rowCount, 0, 'a probe asks nothing')
    await command(init)
    await t.rejects(asker.query(FEW), { code: '42501' }, 'init again changes no grants')
    await direct.query(`GRANT EXECUTE ON FUNCTION predict.predict TO ${role}`)
    t.equal((await asker.query(FEW)).rowCount, 2)
    await direct.query(`REVOKE EXECUTE ON FUNCTION predict.predict FROM ${role}`)
    await command(uninstall)
    t.same(await values(asked, asker), two, 'and nothing of it is needed')
    await direct.query(`CREATE SCHEMA predict; GRANT USAGE ON SCHEMA predict TO PUBLIC;
    CREATE FUNCTION predict.predict(text) RETURNS text LANGUAGE sql AS 'SELECT upper($1)'`)
    t.same(
      await values('SELECT * FROM predict.predict($$ mine $$)', asker),
      [[' MINE ']],
      'a function of the user wins',
    )
    await direct.query('DROP SCHEMA predict CASCADE')
  },
)
