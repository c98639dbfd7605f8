// Statements that cannot be answered, refused in words of the client's own: no names of ours, and what to type instead.

import t, { type Test } from 'tap'
import { keyWarning, loadGraph, proposeSchema, repeatedKeys } from '../../src/graph/catalog/index.js'
import { directUpstream } from '../helpers/direct-upstream.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, type ProductClient, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const database = await postgres.createDatabase()
const owner = await connect(database)
t.teardown(() => owner.end())
await owner.query(`
  CREATE TABLE agents (id int PRIMARY KEY, team text NOT NULL, badge text NOT NULL);
  CREATE TABLE calls (id int PRIMARY KEY, team text NOT NULL, badge text NOT NULL, agent int NOT NULL REFERENCES agents, at timestamptz NOT NULL);
  INSERT INTO agents SELECT i, 'team ' || i % 5, 'badge ' || i FROM generate_series(1, 40) i;
  INSERT INTO calls SELECT i, 'team ' || i % 5, 'badge ' || 1 + i % 40, 1 + i % 40, timestamptz '2026-01-01' + i * interval '1 hour'
    FROM generate_series(1, 3000) i;
  CREATE TABLE events (id int, at date NOT NULL, agent int NOT NULL REFERENCES agents, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE "events of 2025" PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (id);
  CREATE TABLE events_2025_1 PARTITION OF "events of 2025" DEFAULT;
  INSERT INTO events SELECT i, date '2025-01-01' + i % 300, 1 + i % 40 FROM generate_series(1, 2000) i`)

async function client(t: Test): Promise<ProductClient> {
  const opened = await product.connect(databaseOf(database))
  t.teardown(() => opened.end())
  return opened
}

const errorOf = (session: ProductClient, sql: string, values?: unknown[]) =>
  session.query(sql, values).then(
    () => t.fail(`not refused: ${sql}`),
    error => error,
  )

t.test('a declared key that repeats is refused where rows share it, and said at start-up', async t => {
  const session = await client(t)
  const declare = (key: string) =>
    owner.query(`COMMENT ON TABLE agents IS '@predict key(${key})';
      COMMENT ON TABLE calls IS '@predict link(${key} -> agents.${key})'`)
  t.teardown(() => owner.query('COMMENT ON TABLE agents IS NULL; COMMENT ON TABLE calls IS NULL'))
  await declare('team')
  const repeats = {
    code: 'PQ001',
    message: 'key (team) of table "agents" repeats, so its rows cannot be told apart',
    detail: /40 rows have 5 keys/,
    hint: 'SELECT team, count(*) FROM public.agents GROUP BY team HAVING count(*) > 1',
  }
  t.match(await errorOf(session, 'PREDICT COUNT(calls.* VIA team, 0, 3, days) FOR EACH agents.team'), repeats)
  const one = await errorOf(session, "PREDICT COUNT(calls.* VIA team, 0, 3, days) FOR agents.team = 'team 1'")
  t.match(one, { ...repeats, detail: /8 rows have 1 keys/ })
  const upstream = await directUpstream(database)
  t.teardown(() => upstream.close())
  const graph = () => loadGraph(upstream, { declared: { tables: [] } })
  const warnings = async () => (await repeatedKeys(upstream, (await graph()).tables)).map(keyWarning)
  t.match(await warnings(), [{ severity: 'WARNING', message: /key \(team\) of table agents repeats/ }])
  await owner.query('COMMENT ON TABLE calls IS NULL')
  const proposed = (await proposeSchema(upstream, await graph())).flatMap(({ links }) => links)
  t.notOk(
    proposed.some(({ to }) => to.name === 'agents'),
    'no link to what is no key is proposed',
  )

  await declare('badge')
  const { rows } = await session.query('PREDICT COUNT(calls.* VIA badge, 0, 3, days) FOR EACH agents.badge')
  t.equal(rows.length, 40, 'a key that is one is taken at the word')
  t.same(await warnings(), [])
})

t.test('values that are no key are refused without a name of ours', async t => {
  const session = await client(t)
  const asked = 'PREDICT COUNT(calls.*, 0, 3, days) FOR agents.id = '
  const bound = await errorOf(session, `${asked}$1`, ['abc'])
  t.match(bound, { code: '22P02', message: 'invalid input syntax for type integer: "abc"' })
  t.match(await errorOf(session, `${asked}1.5`), { code: '22P02', position: String(asked.length + 1) })
  const large = await errorOf(session, `${asked}99999999999999999999`)
  t.match(large, { code: '22003', position: String(asked.length + 1) })
  for (const error of [bound, large]) t.notMatch(String(error.where), /pgpredict|portal/)
  await owner.query(`CREATE FUNCTION wrong() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$`)
  const theirs = await errorOf(session, 'PREDICT COUNT(calls.*, 0, 3, days) FOR agents.id IN (SELECT wrong())')
  t.match(theirs.where, /PL\/pgSQL function wrong\(\)/, 'where their own code failed is still said')
  t.notMatch(theirs.where, /pgpredict/)
})

t.test('a cursor without HOLD needs a transaction, as Postgres says', async t => {
  const session = await client(t)
  const query = 'PREDICT COUNT(calls.*, 0, 3, days) FOR agents.id IN (1, 2, 3)'
  const plain = await errorOf(session, 'DECLARE c CURSOR FOR SELECT 1')
  for (const values of [undefined, []])
    for (const sql of [`DECLARE c CURSOR FOR ${query}`, `DECLARE c CURSOR FOR SELECT * FROM (${query}) p`]) {
      const error = await errorOf(session, sql, values)
      t.same([error.code, error.message], [plain.code, plain.message])
      t.equal(error.code, '25P01')
    }
  await session.query(`DECLARE kept CURSOR WITH HOLD FOR ${query}`)
  t.equal((await session.query('FETCH ALL FROM kept')).rows.length, 3)
  await session.query('BEGIN')
  await session.query(`DECLARE c CURSOR FOR ${query}`)
  t.equal((await session.query('FETCH 2 FROM c')).rows.length, 2)
  await session.query('COMMIT')
  const [, fetched] = (await session.query(`DECLARE c CURSOR FOR ${query}; FETCH 2 FROM c`)) as unknown as {
    rows: unknown[]
  }[]
  t.equal(fetched!.rows.length, 2, 'several statements in a string are a transaction')
})

t.test('a partition is answered for by the table that it is part of', async t => {
  const session = await client(t)
  const target = (table: string) => `PREDICT COUNT(${table}.*, 0, 30, days) FOR EACH agents.id`
  for (const part of ['events_2025_1', '"events of 2025"']) {
    const error = await errorOf(session, target(part))
    t.match(error, { code: '42P01', message: /is part of "events"/, hint: 'Write: events' })
    t.equal(error.position, String(target('').indexOf('(') + 2))
  }
  const entity = await errorOf(session, 'PREDICT COUNT(calls.*, 0, 3, days) FOR EACH events_2025_1.id')
  t.match(entity, { code: '42P01', hint: 'Write: events' })
  t.equal((await session.query(target('events'))).rows.length, 40)
})
