// A PREDICT behaves as a SELECT does: in transactions of every state, when it is cancelled or runs out of time, when what it rests on
// goes away, and when there is nothing to learn from.

import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { directUpstream } from '../helpers/direct-upstream.js'
import { featuresOf } from '../helpers/features.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, inferencePids, type ProductClient, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const now = new Date('2026-03-05T13:07:00Z')
const shop = await postgres.createDatabase()
{
  const client = await connect(shop)
  await writeShop(client, { seed: 31, now, users: 900 })
  await client.end()
}
const here = databaseOf(shop)
const churn = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (1, 2, 3)'
/** Never the same question twice: nothing is answered from a cache. */
let fresh = 0
const cold = (what = 'SUM(order_items.quantity, 0, 60, days)') =>
  `PREDICT ${what} FOR EACH users.user_id WITH (seed = ${++fresh + 1000})`

async function client(t: Test, database = here): Promise<ProductClient> {
  const opened = await product.connect(database)
  t.teardown(() => opened.end().catch(() => {}))
  return opened
}

type Failure = pg.DatabaseError & { code: string }
const failure = (promise: Promise<unknown>): Promise<Failure | null> =>
  promise.then(
    () => null,
    error => error,
  )

/** The session is in no transaction and answers both kinds of statement. */
async function alive(t: Test, session: ProductClient): Promise<void> {
  t.same((await session.query('SELECT 1 AS one')).rows, [{ one: 1 }])
  t.equal((await session.query(churn)).rows.length, 3, 'the next PREDICT answers')
}

t.test('in transactions: explicit, read-only, failed, with savepoints', async t => {
  const session = await client(t)
  for (const mode of [
    '',
    'READ ONLY',
    'ISOLATION LEVEL REPEATABLE READ',
    'ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE',
  ]) {
    await session.query(`BEGIN ${mode}`)
    t.equal((await session.query(churn)).rows.length, 3, mode || 'plain')
    t.equal((await session.query('SELECT 1')).rows.length, 1)
    await session.query('COMMIT')
  }
  await session.query('BEGIN')
  await session.query('CREATE TEMP TABLE made (i int)')
  t.equal((await failure(session.query('PREDICT COUNT(nothing.*, 0, 1, days) FOR EACH users.user_id')))?.code, '42P01')
  t.equal(
    (await failure(session.query(churn)))?.code,
    '25P02',
    'a failed transaction refuses PREDICT as it does SELECT',
  )
  t.equal((await failure(session.query('SELECT 1')))?.code, '25P02')
  t.equal((await session.query('COMMIT')).command, 'ROLLBACK')
  t.equal((await failure(session.query('SELECT * FROM made')))?.code, '42P01')

  await session.query('BEGIN; CREATE TEMP TABLE made (i int); SAVEPOINT s')
  t.equal((await failure(session.query(`${churn} AS OF '1970-01-01'`)))?.code, 'PQ004')
  t.equal((await failure(session.query(churn)))?.code, '25P02')
  await session.query('ROLLBACK TO s')
  t.equal((await session.query(churn)).rows.length, 3, 'after ROLLBACK TO')
  await session.query('RELEASE s; COMMIT')
  t.same((await session.query('SELECT * FROM made')).rows, [], 'what came before the savepoint is there')
  await session.query(`BEGIN; SET LOCAL work_mem = '7MB'; SET LOCAL jit = on`)
  await session.query(churn)
  t.same((await session.query('SHOW work_mem')).rows, [{ work_mem: '7MB' }], 'settings are as they were')
  t.same((await session.query('SHOW jit')).rows, [{ jit: 'on' }])
  await session.query('ROLLBACK')
  t.same((await session.query('SHOW work_mem')).rows, (await (await connect(shop)).query('SHOW work_mem')).rows)
})

t.test('several statements in one string', async t => {
  const session = await client(t)
  const many = (sql: string) => session.query(sql) as unknown as Promise<pg.QueryResult[]>
  const results = await many(
    `SELECT 1 AS a; ${churn}; SELECT 'it''s; PREDICT' AS b; ${churn} ORDER BY user_id DESC LIMIT 1`,
  )
  t.same(
    results.map(({ command, rows }) => [command, rows.length]),
    [
      ['SELECT', 1],
      ['SELECT', 3],
      ['SELECT', 1],
      ['SELECT', 1],
    ],
  )
  t.equal(results[3]!.rows[0].user_id, '3')
  await session.query('CREATE TEMP TABLE noted (p float8)')
  t.equal(
    (
      await failure(
        many(`INSERT INTO noted VALUES (1); PREDICT COUNT(nothing.*, 0, 1, days) FOR EACH users.user_id; SELECT 1`),
      )
    )?.code,
    '42P01',
  )
  t.same((await session.query('SELECT * FROM noted')).rows, [], 'the string is one transaction')
  await many(`INSERT INTO noted SELECT probability FROM (${churn}) p; UPDATE noted SET p = p + 1`)
  t.equal((await session.query('SELECT * FROM noted WHERE p BETWEEN 1 AND 2')).rows.length, 3)
  t.equal(
    (await failure(many(`BEGIN; INSERT INTO noted VALUES (5); COMMIT; ${churn.replace('orders', 'order')}`)))?.code,
    '42P01',
  )
  t.equal((await session.query('SELECT * FROM noted WHERE p = 5')).rows.length, 1, 'what was committed before stays')
  await alive(t, session)
})

t.test('statement_timeout, wherever it strikes', async t => {
  const session = await client(t)
  const before = performance.now()
  await session.query(cold())
  const whole = performance.now() - before
  let timedOut = 0
  for (const share of [0.02, 0.2, 0.5, 0.8]) {
    const limit = Math.max(2, Math.round(whole * share))
    await session.query(`SET statement_timeout = ${limit}`)
    const start = performance.now()
    const error = await failure(session.query(cold()))
    const took = performance.now() - start
    if (error) {
      timedOut++
      t.equal(error.code, '57014', `after ${limit} of ${Math.round(whole)} ms: ${error.message}`)
      t.match(error.message, 'statement timeout')
      t.ok(took < limit + 1500, `told after ${Math.round(took)} ms`)
    }
    await session.query('SET statement_timeout = 0')
    t.same((await session.query('SELECT 1 AS one')).rows, [{ one: 1 }])
  }
  t.ok(timedOut >= 2)
  await alive(t, session)
})

function cancel({ processID, secretKey }: { processID: number; secretKey: number }): Promise<void> {
  const request = Buffer.alloc(16)
  request.writeInt32BE(16, 0)
  request.writeInt32BE(80877102, 4)
  request.writeInt32BE(processID, 8)
  request.writeInt32BE(secretKey, 12)
  return new Promise((resolve, reject) => {
    const socket = net.connect(product.port, product.host, () => socket.end(request))
    socket.once('close', () => resolve()).once('error', reject)
    socket.resume()
  })
}

t.test('a cancel request, wherever it strikes', async t => {
  const session = await client(t)
  let cancelled = 0
  for (const delay of [0, 15, 60, 150, 300, 600, 1000]) {
    const statement = failure(session.query(cold()))
    await sleep(delay)
    const start = performance.now()
    await cancel(session as never)
    const error = await statement
    if (!error) continue
    cancelled++
    t.equal(error.code, '57014', `after ${delay} ms: ${error.message}`)
    t.ok(performance.now() - start < 1500, `it ends ${Math.round(performance.now() - start)} ms later`)
    // a cancel request that arrives late must find nothing to cancel: Postgres has the same gap
    await failure(session.query('SELECT pg_sleep(0.05)'))
  }
  t.ok(cancelled >= 3, `${cancelled} were cancelled`)
  await alive(t, session)
})

t.test(
  'the inference process is killed during a PREDICT: that statement fails, the session lives',
  { skip: process.platform !== 'linux' },
  async t => {
    const [session, bystander, within] = [await client(t), await client(t), await client(t)]
    const before = performance.now()
    await session.query(cold())
    const whole = performance.now() - before
    let failed = 0
    for (const share of [0.1, 0.4, 0.7, 0.9]) {
      await within.query('BEGIN')
      const [one, two, plain] = [
        failure(session.query(cold())),
        failure(within.query(cold())),
        bystander.query('SELECT pg_sleep(0.2)'),
      ]
      await sleep(whole * share)
      const pids = inferencePids()
      for (const pid of pids) process.kill(pid, 'SIGKILL')
      for (const error of [await one, await two]) {
        if (!error) continue
        failed++
        t.equal(error.code, '58000', error.message)
        t.match(error, { hint: /again/ })
      }
      t.equal((await plain).rows.length, 1, 'ordinary statements do not notice')
      const next = await failure(within.query('SELECT 1'))
      t.ok((await two) ? next?.code === '25P02' : next === null, 'a transaction has failed with its PREDICT')
      await within.query('ROLLBACK')
      await alive(t, session)
      await alive(t, within)
      t.not(inferencePids()[0], pids[0], 'another process answers')
    }
    t.ok(failed >= 2, `${failed} statements failed`)
  },
)

t.test('the upstream session is ended during a PREDICT: the client is told, others are served', async t => {
  const session = await client(t)
  const { rows } = await session.query('SELECT pg_backend_pid() AS pid')
  const statement = failure(session.query(cold()))
  await sleep(60)
  await postgres.admin.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
  const error = await statement
  t.ok(error, 'it fails')
  t.match(`${error?.code} ${error?.message}`, /57P01|terminat|closed|ended/i)
  t.ok(await failure(session.query('SELECT 1')), 'the session is gone')
  await alive(t, await client(t))
})

t.test('a server that stops takes its sessions with it and nothing else', async t => {
  const server = await startPostgres({})
  const url = await server.createDatabase()
  const other = await startProduct(url)
  t.teardown(() => other.stop(0))
  const session = await other.connect()
  await session.query('SELECT 1')
  await server.stop()
  t.ok(await failure(session.query('SELECT 1')))
  t.match(await failure(other.connect()), { message: /./ })
})

t.test('options: in WITH, in the session, misspelt, out of range', async t => {
  const session = await client(t)
  const answers = async (sql: string) => (await session.query(sql)).rows.map(row => row.probability)
  const plain = await answers(churn)
  const other = await answers(`${churn} WITH (seed = 7, context_size = 500)`)
  t.not(String(plain), String(other))
  await session.query(`SET predict.seed = 7; SET predict.context_size = 500`)
  t.same(await answers(churn), other, 'SET says what WITH says')
  t.same(await answers(`${churn} WITH (seed = 42, context_size = 10000)`), plain, 'WITH wins over SET')
  await session.query('RESET predict.seed; RESET predict.context_size')
  t.same(await answers(churn), plain)
  await session.query(`SET predict.mode = 'fast'; SET predict.timing = on`)
  const [row] = (await session.query(churn)).rows
  t.ok('time_to_predict' in row)
  await session.query(`SET predict.mode = 'fats'`)
  t.match(await failure(session.query(churn)), { code: '22023', message: /"mode"/, hint: /fast/ })
  await session.query('RESET predict.mode')
  for (const [option, hint] of [
    ['mod = fast', /mode/],
    ['mode = quick', /mode = /],
    ['context_size = 0', /1/],
    ['seed = -1', /0/],
    [`exclude = 'users.contry'`, /country/],
  ] as const) {
    t.match(await failure(session.query(`${churn} WITH (${option})`)), { code: /^22023|42703$/, hint }, option)
  }
  t.match(await failure(session.query(`SET predict.nonsense = 1`)), { code: '22023' }, 'a setting that is none')
  t.match(await failure(session.query(`SET predict.mdoe TO fast`)), { code: '22023', hint: /mode/ })
  await alive(t, session)
})

t.test('AS OF: NULL, the future, before the data, a parameter', async t => {
  const session = await client(t)
  t.match(await failure(session.query(`${churn} AS OF NULL`)), { code: '22004', hint: /AS OF/ })
  t.match(await failure(session.query({ text: `${churn} AS OF $1`, values: [null] })), { code: '22004' })
  t.match(await failure(session.query(`${churn} AS OF '1999-01-01'`)), { code: 'PQ004', hint: /AS OF/ })
  t.match(await failure(session.query(`${churn} AS OF 'yesterdayish'`)), { code: /^22007|22P02$/ })
  for (const at of [`'2031-01-01'`, `now() + interval '3 years'`]) {
    const { rows } = await session.query(`${churn} AS OF ${at}`)
    t.equal(rows.length, 3)
    t.ok(
      rows.every(row => row.anchor_time > new Date('2028-01-01') && row.probability >= 0 && row.probability <= 1),
      at,
    )
  }
  const afterwards = await session.query(`${churn} AS OF '2026-04-10'`)
  t.ok(
    afterwards.rows.some(row => row.probability < 0.99),
    'windows that the data does not reach are no examples of nothing happening',
  )
  const [literal, parameter] = [
    await session.query(`${churn} AS OF '2026-01-01 00:00:00+00'`),
    await session.query({ text: `${churn} AS OF $1`, values: [new Date('2026-01-01T00:00:00Z')] }),
  ]
  t.same(parameter.rows, literal.rows)
  await session.query('BEGIN')
  t.match(await failure(session.query(`${churn} AS OF 'infinity'`)), { code: /^22|^PQ/ })
  await session.query('ROLLBACK')
  await alive(t, session)
})

/** Members, and visits of theirs, `every` apart for `count` of them. */
const small = (members: number, visits: string) => `
  CREATE TABLE members (id int PRIMARY KEY, joined timestamptz NOT NULL);
  CREATE TABLE visits (id int PRIMARY KEY, member int NOT NULL REFERENCES members, at timestamptz NOT NULL, minutes int);
  INSERT INTO members SELECT i, '2025-01-01' FROM generate_series(1, ${members}) i;
  INSERT INTO visits ${visits}`

t.test('too little to learn from is said, or answered as well as can be', async t => {
  const visit = 'PREDICT COUNT(visits.*, 0, 30, days) FOR EACH members.id'
  const came = 'PREDICT COUNT(visits.*, 0, 30, days) > 0 FOR EACH members.id'
  const series = (n: number, step: string, each = 'i % 20 + 1') =>
    `SELECT i, ${each}, '2025-01-02'::timestamptz + i * interval '${step}', 30 FROM generate_series(1, ${n}) i`
  const in_ = async (sql: string) => {
    const url = await postgres.createDatabase()
    const owner = await connect(url)
    await owner.query(sql)
    await owner.end()
    return client(t, databaseOf(url))
  }
  const finite = (rows: Record<string, unknown>[]) =>
    rows.every(row => Object.values(row).every(value => typeof value !== 'number' || Number.isFinite(value)))

  const empty = await in_(small(20, 'SELECT 1, 1, now(), 1 WHERE false'))
  t.match(await failure(empty.query(visit)), { code: 'PQ004', message: /no rows/, hint: /./ })
  const one = await in_(small(20, series(1, '1 day')))
  t.match(await failure(one.query(visit)), { code: 'PQ004', detail: /one instant/ }, 'one row')
  const shortly = await in_(small(20, series(100, '1 hour')))
  t.match(
    await failure(shortly.query(visit)),
    { code: 'PQ004', message: /closed/, detail: /2025-01/ },
    'no closed window',
  )
  const nobody = await in_(small(0, 'SELECT 1, 1, now(), 1 WHERE false'))
  t.match(await failure(nobody.query(visit)), { code: 'PQ004' })

  const two = await in_(small(2, series(400, '1 day', 'i % 2 + 1')))
  const pair = await two.query(visit)
  t.equal(pair.rows.length, 2)
  t.ok(
    finite(pair.rows) && pair.rows.every(row => row.prediction > 5 && row.prediction < 30),
    JSON.stringify(pair.rows),
  )

  const always = await in_(small(20, series(8000, '1 hour')))
  const single = await always.query(came)
  t.equal(single.rows.length, 20)
  t.ok(
    single.rows.every(row => row.prediction === true && row.probability > 0.9),
    'a single class',
  )
  t.ok(
    always.notices.some(({ message }) => /class|every example|all/i.test(message ?? '')),
    `it is said: ${always.notices.map(n => n.message)}`,
  )
  const constant = await always.query('PREDICT MAX(visits.minutes, 0, 30, days) FOR EACH members.id')
  t.ok(
    constant.rows.length === 20 &&
      constant.rows.every(row => Math.abs(row.prediction - 30) < 0.01 && row.lower <= 30 && row.upper >= 30),
    'a constant target',
  )

  const seconds = await in_(small(20, series(3000, '2 seconds')))
  const quick = await seconds.query('PREDICT COUNT(visits.*, 0, 90, seconds) FOR EACH members.id')
  t.ok(
    quick.rows.length === 20 &&
      finite(quick.rows) &&
      quick.rows.every(row => row.prediction > 0.5 && row.prediction < 6),
    'windows of seconds',
  )
  const decades = await in_(
    small(20, series(9000, '1 day'))
      .replace(`'2025-01-01' FROM`, `'1995-01-01' FROM`)
      .replace(`'2025-01-02'`, `'1996-01-02'`),
  )
  const slow = await decades.query('PREDICT COUNT(visits.*, 0, 2, years) FOR EACH members.id')
  t.ok(
    slow.rows.length === 20 && finite(slow.rows) && slow.rows.every(row => row.prediction > 15 && row.prediction < 60),
    'windows of years',
  )
})

t.test('labels are what the same SQL counts, across changes of daylight-saving time', async t => {
  const url = await postgres.createDatabase()
  const owner = await connect(url)
  t.teardown(() => owner.end())
  const zone = 'Europe/Berlin'
  await owner.query(`SET TimeZone = '${zone}';
    CREATE TABLE e (id int PRIMARY KEY, born timestamptz NOT NULL);
    INSERT INTO e SELECT i, '2025-01-01' FROM generate_series(1, 12) i;
    CREATE TABLE at_tz (id int PRIMARY KEY, e int NOT NULL REFERENCES e, at timestamptz NOT NULL, w int NOT NULL);
    CREATE TABLE at_local (id int PRIMARY KEY, e int NOT NULL REFERENCES e, at timestamp NOT NULL, w int NOT NULL);
    CREATE TABLE at_date (id int PRIMARY KEY, e int NOT NULL REFERENCES e, at date NOT NULL, w int NOT NULL);
    INSERT INTO at_tz SELECT i, 1 + (i * i) % 12, '2025-03-20'::timestamptz + i * interval '23 minutes', 1 + i % 97 FROM generate_series(1, 1000) i;
    INSERT INTO at_local SELECT id, e, at::timestamp, w FROM at_tz;
    INSERT INTO at_date SELECT id, e, at::date, w FROM at_tz`)
  const session = await directUpstream(url)
  t.teardown(() => session.close())
  await session.run(`SET TimeZone = '${zone}'`)
  for (const table of ['at_tz', 'at_local', 'at_date']) {
    for (const [amount, unit] of [
      [1, 'days'],
      [2, 'days'],
      [24, 'hours'],
      [7, 'hours'],
    ] as const) {
      if (table === 'at_date' && unit === 'hours') continue
      const { batch, contextAnchors } = await featuresOf(
        session,
        `PREDICT SUM(${table}.w, 0, ${amount}, ${unit}) FOR EACH e.id AS OF '2025-04-05 12:00+02'`,
      )
      const sums = contextAnchors.map(() => 0)
      for (let r = 0; r < batch.rows; r++) sums[batch.anchor[r]!]! += batch.y[r]!
      const column = table === 'at_date' ? 'at::timestamp' : 'at'
      const { rows } = await owner.query({
        text: `SELECT coalesce(sum(w), 0)::int FROM unnest($1::bigint[]) WITH ORDINALITY AS u (us, o)
          CROSS JOIN LATERAL (SELECT '2000-01-01 00:00+00'::timestamptz + us * interval '1 microsecond' AS anchor) a
          LEFT JOIN ${table} ON ${column} > anchor AND ${column} <= anchor + interval '${amount} ${unit}'
          GROUP BY o ORDER BY o`,
        values: [contextAnchors.map(String)],
        rowMode: 'array',
      })
      const differing = rows.flatMap(([sum], i) =>
        sum === sums[i] ? [] : [`${contextAnchors[i]}: ${sums[i]} for ${sum}`],
      )
      t.same(differing.slice(0, 3), [], `${table}, ${amount} ${unit}: ${rows.length} anchors`)
    }
  }
})

t.test('a simple query has no parameters, and is told so before anything is predicted', async t => {
  const one = await client(t)
  const sql = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id = $1'
  t.match(await failure(one.query(sql)), {
    code: '42P02',
    message: 'there is no parameter $1',
    position: String(sql.indexOf('$1') + 1),
  })
})

t.test('rows that are only as old as whom they belong to are not counted ahead', async t => {
  const one = await client(t)
  await one.query('CREATE TABLE badges (id int PRIMARY KEY, user_id bigint NOT NULL REFERENCES users)')
  await one.query('INSERT INTO badges SELECT user_id, user_id FROM users')
  const failed = await failure(one.query('PREDICT COUNT(badges.*, 0, 30, days) FOR EACH users.user_id'))
  t.match(failed, {
    code: 'PQ003',
    message: 'table "badges" has no time column of its own',
    hint: /^ALTER TABLE public\.badges ADD COLUMN/,
  })
  await one.query('DROP TABLE badges')
})
