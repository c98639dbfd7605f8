// What an answer says besides its rows: true, once, and with hints that can be typed as they stand.

import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, type ProductClient, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const shop = await postgres.createDatabase()
const owner = await connect(shop)
t.teardown(() => owner.end())
await writeShop(owner, { seed: 5, now: new Date(), users: 600 })
await owner.query('ALTER TABLE users RENAME COLUMN status TO "Status"')
await owner.query('ANALYZE')

const FAST = 'WITH (mode = fast)'
const silent = (rest: string, end = FAST) => `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR ${rest} ${end}`

async function client(t: Test, database = shop): Promise<ProductClient> {
  const opened = await product.connect(databaseOf(database))
  t.teardown(() => opened.end())
  return opened
}

/** The rows of a statement, and the notices that came with them. */
async function ask(session: ProductClient, sql: string) {
  session.notices.length = 0
  const { rows } = await session.query(sql)
  return { rows, notices: [...session.notices] }
}

const errorOf = (session: ProductClient, sql: string) =>
  session.query(sql).then(
    () => t.fail(`not refused: ${sql}`),
    error => error,
  )

t.test('a WHERE that leaves few to learn from says so, with the FOR that learns from all', async t => {
  const session = await client(t)
  const { rows, notices } = await ask(session, silent('EACH users.user_id WHERE users.user_id <= 10'))
  t.equal(rows.length, 10)
  const few = notices.find(({ message }) => /WHERE also chooses whom to learn from/.test(message!))!
  t.match(few, { code: '01PQ1', detail: /10 rows of users match, and \d+ examples/ })
  const all = await ask(session, silent(/learn from all: FOR (.*)$/.exec(few.hint!)![1]!))
  t.same(
    all.rows.map(row => row.user_id),
    rows.map(row => row.user_id),
  )
  const whole = await session.query(`SELECT * FROM (${silent('EACH users.user_id')}) p WHERE user_id <= 10 ORDER BY 1`)
  for (const [i, row] of whole.rows.entries()) t.ok(Math.abs(row.probability - all.rows[i].probability) < 1e-5)
  t.notMatch(all.notices, [{ message: /WHERE/ }])
  const most = await ask(session, silent('EACH users.user_id WHERE users.user_id > 10'))
  t.notOk(most.notices.some(({ message }) => /WHERE/.test(message!)))
})

t.test('that a large table is read whole for its newest row is said once, with the index that spares it', async t => {
  const database = await postgres.createDatabase()
  const direct = await connect(database)
  t.teardown(() => direct.end())
  await direct.query(`CREATE TABLE users (user_id int PRIMARY KEY);
    CREATE TABLE orders (order_id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, at timestamptz NOT NULL);
    INSERT INTO users SELECT i FROM generate_series(1, 200) i;
    INSERT INTO orders SELECT i, 1 + i % 200, now() - i * interval '1 hour' FROM generate_series(1, 3000) i;
    CREATE INDEX ON orders (user_id)`)
  const grow = () => direct.query(`UPDATE pg_class SET reltuples = 3e6 WHERE oid = 'orders'::regclass`)
  await grow()
  const session = await client(t, database)
  const told = async () =>
    (await ask(session, silent('users.user_id = 1'))).notices.filter(n => /newest row/.test(n.message!))
  const [notice] = await told()
  t.match(notice, { code: '01PQ8', detail: /3000000 rows/, hint: 'CREATE INDEX CONCURRENTLY ON orders (at);' })
  t.same(await told(), [])
  await direct.query(notice!.hint!)
  await grow()
  const another = await client(t, database)
  const { notices } = await ask(another, silent('users.user_id = 1'))
  t.notMatch(notices, [{ code: '01PQ8' }])
})

t.test('a WHERE that nothing matches is told from a lack of examples', async t => {
  const session = await client(t)
  const { rows, notices } = await ask(session, silent("EACH users.user_id WHERE users.country = 'XX'"))
  t.equal(rows.length, 0)
  t.same(
    notices.filter(({ code }) => code !== '01PQ3').map(({ message }) => message),
    ['no row of users matches WHERE'],
  )
  const named = await ask(session, silent("users.user_id = 3 WHERE users.country = 'XX'"))
  t.equal(named.rows.length, 1)
  t.ok(named.notices.some(({ message }) => message === 'no past row of users matches WHERE'))
  t.notOk(named.notices.some(({ detail }) => /labelled/.test(detail ?? '')))
})

t.test('an anchor far beyond the end of the data is answered, with a word', async t => {
  const session = await client(t)
  const far = await ask(session, silent('users.user_id = 1', `AS OF '2035-01-01' ${FAST}`))
  t.equal(far.rows.length, 1)
  t.match(
    far.notices.find(({ code }) => code === '01PQ4'),
    { message: /^the data ends at 20\d\d-.*, long before the anchor$/, detail: /AS OF is 2035-01-01 00:00:00\+00/ },
  )
  const near = await ask(session, silent('users.user_id = 1', `AS OF now() ${FAST}`))
  t.notOk(near.notices.some(({ code }) => code === '01PQ4'))
})

t.test('columns left out are named once a session, as they must be typed', async t => {
  const session = await client(t)
  const sql = silent('EACH users.user_id')
  const leftOut = async (from: ProductClient, text: string) =>
    (await ask(from, text)).notices.filter(({ code }) => code === '01PQ3')
  const [told, ...more] = await leftOut(session, sql)
  t.same(more, [])
  t.match(told!.message, 'users."Status"')
  t.same(await leftOut(session, sql), [], 'not again')
  t.equal((await leftOut(await client(t), sql)).length, 1, 'but in another session')
  await session.query('DISCARD ALL')
  t.equal((await leftOut(session, sql)).length, 1, "and to a pooler's next client")
  const include = /WITH \((include = '.*')\)/.exec(told!.hint!)![1]
  t.same(await leftOut(await client(t), silent('EACH users.user_id', `WITH (mode = fast, ${include})`)), [])
  const quiet = await client(t)
  await quiet.query('SET client_min_messages = warning')
  t.same(await leftOut(quiet, sql), [])
  await quiet.query('SET client_min_messages = notice')
  t.equal((await leftOut(quiet, sql)).length, 1, 'what was not shown has not been said')
})

t.test(
  'a slip in a @predict comment is told to whoever asks about the table, also where the answer is an error',
  async t => {
    const session = await client(t)
    await owner.query(`COMMENT ON TABLE orders IS '@predict lnik(user_id -> users.user_id)'`)
    await owner.query(`COMMENT ON TABLE reviews IS '@predict link(user_id -> nowhere.id)'`)
    t.teardown(() => owner.query('COMMENT ON TABLE orders IS NULL; COMMENT ON TABLE reviews IS NULL'))
    const warned = ({ notices }: { notices: ProductClient['notices'] }) =>
      notices.filter(({ code }) => code === '01PQ6').map(({ message }) => message)
    t.same(warned(await ask(session, silent('users.user_id = 1'))), [
      `ignoring part of the comment on table public.orders: "@predict" is followed by "lnik(user_id -> users.user_id)"`,
    ])
    t.same(warned(await ask(session, silent('users.user_id = 2'))), [], 'once a session')
    session.notices.length = 0
    t.match(await errorOf(session, 'PREDICT COUNT(reviews.*, 0, 30, days) FOR EACH orders.order_id'), { code: 'PQ002' })
    t.match(warned(session), [/^ignoring part of the comment on table public\.reviews: link: /])
  },
)

t.test('data of one instant, or of too short a time, is said to be just that', async t => {
  const url = await postgres.createDatabase()
  const other = await connect(url)
  t.teardown(() => other.end())
  await other.query(`
    CREATE TABLE a (id int PRIMARY KEY);
    CREATE TABLE once (id int PRIMARY KEY, a int NOT NULL REFERENCES a, at timestamptz NOT NULL, happened date);
    CREATE TABLE brief (id int PRIMARY KEY, a int NOT NULL REFERENCES a, at timestamptz NOT NULL);
    INSERT INTO a SELECT generate_series(1, 50);
    INSERT INTO once SELECT i, i, '2026-01-01 00:00+00' FROM generate_series(1, 50) i;
    INSERT INTO brief SELECT i, 1 + i % 50, timestamptz '2026-01-01 00:00+00' + i * interval '1 hour' FROM generate_series(1, 480) i`)
  const session = await client(t, url)
  const instant = await errorOf(session, 'PREDICT COUNT(once.*, 0, 30, days) FOR EACH a.id')
  t.match(instant, {
    code: 'PQ004',
    detail: /All rows are of one instant, 2026-01-01 00:00:00\+00/,
    hint: "COMMENT ON COLUMN public.once.happened IS '@predict time'",
  })
  for (const anchor of ['', `AS OF '2027-01-01'`]) {
    const short = await errorOf(session, `PREDICT COUNT(brief.*, 0, 30, days) FOR EACH a.id ${anchor}`)
    t.match(short, { code: 'PQ004', hint: /ends within 6 days/ }, anchor)
    t.equal((await session.query(`PREDICT COUNT(brief.*, 0, 6, days) FOR EACH a.id ${anchor}`)).rows.length, 50)
  }
  const early = await errorOf(session, `PREDICT COUNT(brief.*, 0, 2, days) FOR EACH a.id AS OF '2025-01-01'`)
  const [, later] = /(AS OF '.*')$/.exec(early.hint)!
  t.equal((await session.query(`PREDICT COUNT(brief.*, 0, 2, days) FOR EACH a.id ${later}`)).rows.length, 50)
  const both = await errorOf(session, `PREDICT COUNT(brief.*, 0, 30, days) FOR EACH a.id AS OF '2025-01-01'`)
  t.match(both, {
    code: 'PQ004',
    hint: /a later time and a shorter window: AS OF '2026-01-2\d .*', ending within 6 days/,
  })
})
