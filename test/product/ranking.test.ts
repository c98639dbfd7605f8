// RANK and CLASSIFY over the wire: lists of k in the item's own type, learned from the past, the same whoever else is asked about.

import t from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { startProduct } from '../helpers/service.js'

// loaded machines start processes slowly
t.setTimeout(180_000)

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const at = '2026-01-10 08:00:00+00'

/** Readers who come back to books of their own shelf of five (of forty), now and then to others; every key of another kind. */
const library = await postgres.createDatabase()
const owner = await connect(library)
t.teardown(() => owner.end())
await owner.query(`
  CREATE TABLE books (isbn text PRIMARY KEY, title text NOT NULL);
  INSERT INTO books SELECT 'B-' || lpad(i::text, 2, '0'), 'book ' || i FROM generate_series(0, 39) i;
  CREATE TABLE readers (branch int, card uuid, PRIMARY KEY (branch, card));
  INSERT INTO readers SELECT i % 3, ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid FROM generate_series(1, 90) i;
  CREATE TYPE how AS ENUM ('shelf', 'desk', 'post');
  CREATE TABLE loans (loan_id bigint PRIMARY KEY, branch int NOT NULL, card uuid NOT NULL, isbn text NOT NULL REFERENCES books,
    how how NOT NULL, days int NOT NULL, lent_at timestamptz NOT NULL, FOREIGN KEY (branch, card) REFERENCES readers);
  INSERT INTO loans SELECT r * 1000 + n, r % 3, ('00000000-0000-4000-8000-' || lpad(r::text, 12, '0'))::uuid,
      'B-' || lpad((CASE WHEN n % 5 = 0 THEN (r * 7 + n * 3) % 30 ELSE (r % 6) * 5 + (r + n) % 5 END)::text, 2, '0'),
      (CASE WHEN r % 6 < 3 THEN 'shelf' WHEN n % 2 = 0 THEN 'desk' ELSE 'post' END)::how, 1 + (r + n) % 28,
      timestamptz '2025-01-01' + (r % 9) * interval '1 day' + n * interval '9 days'
    FROM generate_series(1, 85) r, generate_series(0, 45) n
    WHERE (r * 31 + n * 17) % 4 <> 0;
  CREATE INDEX ON loans (branch, card);
  CREATE INDEX ON loans (isbn);
  ANALYZE`)

const reader = (r: number) => `(${r % 3}, '00000000-0000-4000-8000-${String(r).padStart(12, '0')}')`
const loans = (task: string, scope: string) =>
  `PREDICT LIST_DISTINCT(loans.isbn, 0, 30, days) ${task} ${scope} AS OF '${at}'`
const three = `FOR readers.(branch, card) IN (${[4, 10, 33].map(reader).join(', ')})`
const each = 'FOR EACH readers.(branch, card)'

interface Row {
  branch: number
  card: string
  anchor_time: Date
  rank: number
  isbn: string
  score: number
}

const client = await product.connect(new URL(library).pathname.slice(1))
t.teardown(() => client.end())
// one model differs from another in size alone
await client.query('SET predict.mode = fast')
const rowsOf = async <T = Row>(sql: string, values?: unknown[]): Promise<T[]> =>
  (await client.query(sql, values)).rows as T[]

/** An entity's list as text; floats to seven places. */
const listOf = (rows: readonly Row[], card: string): string =>
  rows
    .filter(row => row.card === card)
    .map(row => `${row.rank} ${row.isbn} ${row.score.toFixed(7)}`)
    .join('; ')

t.test('a list of k for each entity, best first, of items it is likely to meet', async t => {
  const rows = await rowsOf(loans('RANK TOP 5', three))
  t.strictSame(Object.keys(rows[0]), ['branch', 'card', 'anchor_time', 'rank', 'isbn', 'score'])
  t.equal(rows.length, 15)
  for (const r of [4, 10, 33]) {
    const own = rows.filter(row => row.card.endsWith(String(r).padStart(12, '0')))
    t.strictSame(
      own.map(row => row.rank),
      [1, 2, 3, 4, 5],
    )
    t.ok(own.every((row, i) => row.score > 0 && row.score < 1 && (i === 0 || row.score <= own[i - 1].score)))
    t.equal(new Set(own.map(row => row.isbn)).size, 5, 'no item twice')
    const shelf = own.filter(row => Math.floor(Number(row.isbn.slice(2)) / 5) === r % 6)
    t.ok(shelf.length >= 3, `reader ${r} is offered ${shelf.length} of their own shelf`)
  }
})

t.test('the same list alone, among others, for everybody, and asked again', async t => {
  const all = await rowsOf(loans('RANK TOP 5', `${each}`))
  const some = await rowsOf(loans('RANK TOP 5', three))
  const client2 = await product.connect(new URL(library).pathname.slice(1))
  await client2.query('SET predict.mode = fast')
  t.teardown(() => client2.end())
  await client2.query('BEGIN')
  await client2.query('CREATE TEMP TABLE written (x int)')
  for (const r of [4, 10, 33]) {
    const sql = loans('RANK TOP 5', `FOR readers.(branch, card) IN (${reader(r)})`)
    const warm = await rowsOf(sql)
    const { rows: cold } = await client2.query(sql)
    const { card } = warm[0]
    t.ok(listOf(warm, card).length > 0)
    for (const [what, rows] of Object.entries({ all, some, cold }))
      t.equal(listOf(rows, card), listOf(warm, card), `reader ${r}: ${what}`)
  }
  await client2.query('ROLLBACK')
})

t.test('more than there is: every item once, and those without a past get a list too', async t => {
  const rows = await rowsOf(loans('RANK TOP 1000', `FOR readers.(branch, card) IN (${reader(4)}, ${reader(88)})`))
  t.equal(rows.length, 80)
  for (const card of new Set(rows.map(row => row.card))) {
    const own = rows.filter(row => row.card === card)
    t.equal(new Set(own.map(row => row.isbn)).size, 40)
    t.ok(
      own.every((row, i) => i === 0 || row.score <= own[i - 1].score),
      'scores fall',
    )
  }
  const short = await rowsOf(loans('RANK TOP 3', `FOR readers.(branch, card) IN (${reader(88)})`))
  t.strictSame(
    short.map(row => row.isbn),
    rows
      .filter(row => row.card === short[0].card)
      .slice(0, 3)
      .map(row => row.isbn),
    'a shorter list is the start of a longer one',
  )
})

t.test('rows like any others: joined, counted, ordered, cut off, cast, prepared', async t => {
  const joined = await rowsOf<{ title: string; n: string }>(
    `SELECT b.title, count(*) AS n FROM (${loans('RANK TOP 2', three)}) p JOIN books b USING (isbn) GROUP BY 1 ORDER BY 2 DESC, 1`,
  )
  t.equal(
    joined.reduce((sum, row) => sum + Number(row.n), 0),
    6,
  )
  const cut = await rowsOf(`${loans('RANK TOP 4', three)} ORDER BY score DESC, isbn LIMIT 3`)
  t.equal(cut.length, 3)
  t.ok(cut[0].score >= cut[2].score)
  const [bound] = await rowsOf<Row>(
    `SELECT * FROM (PREDICT LIST_DISTINCT(loans.isbn, 0, 30, days) RANK TOP 1 FOR readers.(branch, card) IN (($1, $2)) AS OF '${at}') p`,
    [1, '00000000-0000-4000-8000-000000000004'],
  )
  t.match(bound, { branch: 1, rank: 1 })
  const [{ type }] = await rowsOf<{ type: string }>(
    `SELECT pg_typeof(isbn) AS type FROM (${loans('RANK TOP 1', three)}) p LIMIT 1`,
  )
  t.equal(type, 'text')
  const [named] = await rowsOf<Record<string, unknown>>(
    `PREDICT LIST_DISTINCT(loans.isbn, 0, 30, days) AS next RANK TOP 1 ${three} AS OF '${at}' WITH (timing = on)`,
  )
  t.strictSame(Object.keys(named), ['branch', 'card', 'anchor_time', 'rank', 'isbn', 'next_score', 'time_to_predict'])
  t.equal((await rowsOf(loans('RANK TOP 3', `${each} WHERE COUNT(loans.*, -10, 0, days) > 100`))).length, 0)
})

t.test('the other way round: who will meet an item; and filters choose which meetings count', async t => {
  const readers = await rowsOf<{ isbn: string; card: string; rank: number }>(
    `PREDICT LIST_DISTINCT(loans.card, 0, 30, days) RANK TOP 4 FOR EACH books.isbn AS OF '${at}'`,
  )
  t.ok(readers.length >= 4 * 30 && readers.every(row => /^[0-9a-f-]{36}$/.test(row.card)))
  const long = await rowsOf(
    `PREDICT LIST_DISTINCT(loans.isbn WHERE loans.days > 14, 0, 30, days) RANK TOP 5 ${three} AS OF '${at}'`,
  )
  t.equal(long.length, 15)
  const supposed = await rowsOf(
    `PREDICT LIST_DISTINCT(loans.isbn, 0, 1, months) RANK TOP 2 ${each} WHERE COUNT(loans.*, -90, 0, days) > 3
      ASSUMING COUNT(loans.* WHERE loans.how <> 'post', 0, 20, days) > 0 AS OF '${at}'`,
  )
  t.ok(supposed.length > 100, `${supposed.length} rows with WHERE and ASSUMING`)
})

t.test('CLASSIFY: a row for each value, with a probability that means what it says', async t => {
  const rows = await rowsOf<{ card: string; how: string; probability: number; prediction: boolean }>(
    `PREDICT LIST_DISTINCT(loans.how, 0, 30, days) CLASSIFY ${each} AS OF '${at}'`,
  )
  t.strictSame(Object.keys(rows[0]), ['branch', 'card', 'anchor_time', 'how', 'probability', 'prediction'])
  const cards = new Set(rows.map(row => row.card))
  t.equal(rows.length, 3 * cards.size)
  t.ok(rows.every(row => row.prediction === row.probability > 0.5))
  const truth = await owner.query(
    `SELECT DISTINCT card, how FROM loans WHERE lent_at > '${at}' AND lent_at <= timestamptz '${at}' + interval '30 days'`,
  )
  const met = new Set(truth.rows.map(row => `${row.card} ${row.how}`))
  const right = rows.filter(row => met.has(`${row.card} ${row.how}`) === row.prediction).length
  t.ok(right / rows.length > 0.85, `${right} of ${rows.length} are right`)
  const mean = rows.reduce((sum, row) => sum + row.probability, 0) / rows.length
  t.ok(Math.abs(mean - met.size / rows.length) < 0.1, `${mean} is predicted of ${met.size / rows.length}`)
})

t.test('nothing later than the anchor is read', async t => {
  const questions = [loans('RANK TOP 8', each), loans('CLASSIFY', three)]
  const before = []
  for (const sql of questions) before.push(JSON.stringify(await rowsOf(sql)))
  await owner.query('BEGIN')
  const session = await product.connect(new URL(library).pathname.slice(1))
  await session.query('SET predict.mode = fast')
  t.teardown(() => session.end())
  await owner.query(`
    DELETE FROM loans WHERE lent_at > '${at}' AND loan_id % 3 = 0;
    UPDATE loans SET isbn = 'B-39', how = 'post', days = 99 WHERE lent_at > '${at}';
    INSERT INTO loans SELECT 900000 + i, 0, '00000000-0000-4000-8000-000000000003', 'B-38', 'desk', 1, timestamptz '${at}' + interval '1 second' FROM generate_series(1, 500) i;
    COMMIT`)
  for (const [i, sql] of questions.entries()) {
    await session.query('BEGIN; CREATE TEMP TABLE IF NOT EXISTS fresh (x int)')
    t.equal(JSON.stringify((await session.query(sql)).rows), before[i], sql)
    await session.query('COMMIT')
  }
})

t.test('an item that the role cannot see is offered to nobody', async t => {
  const role = `clerk_${process.pid}`
  await owner.query(`
    CREATE ROLE ${role} LOGIN;
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
    ALTER TABLE books ENABLE ROW LEVEL SECURITY;
    CREATE POLICY even ON books FOR SELECT TO ${role} USING (right(isbn, 1) IN ('0', '2', '4', '6', '8'))`)
  const clerk = await product.connect(new URL(library).pathname.slice(1), role)
  await clerk.query('SET predict.mode = fast')
  t.teardown(async () => {
    await clerk.end()
    await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}; ALTER TABLE books DISABLE ROW LEVEL SECURITY`)
  })
  const { rows } = await clerk.query(loans('RANK TOP 100', three))
  t.equal(rows.length, 60)
  t.ok(rows.every(row => Number(row.isbn.slice(2)) % 2 === 0))
})

t.test('items of every type come back in it', async t => {
  const types: Record<string, string> = {
    b: 'n % 2 = 0',
    n: '(n % 7)::numeric(8,3) / 4',
    f: '(n % 5)::float8 / 3',
    d: "date '2020-01-01' + n % 6",
    c: "('c' || n % 4)::char(5)",
    v: "('v' || n % 4)::varchar(9)",
    k: "('k' || n % 4)::label",
    u: "('00000000-0000-4000-8000-00000000000' || n % 8)::uuid",
    i: 'n::int8 % 3 + 9007199254740993',
  }
  await owner.query(`
    CREATE DOMAIN label AS text CHECK (value ~ '^k');
    CREATE TABLE people (person int PRIMARY KEY);
    INSERT INTO people SELECT generate_series(1, 30);
    CREATE TABLE acts (act int PRIMARY KEY, person int NOT NULL REFERENCES people, at timestamp NOT NULL,
      ${Object.entries(types)
        .map(([name, of]) => `${name} ${name === 'b' ? 'boolean' : (/::(\w+(\(.*?\))?)/.exec(of)?.[1] ?? 'date')}`)
        .join(', ')});
    INSERT INTO acts SELECT n, 1 + n % 30, timestamp '2025-06-01' + n * interval '2 hours', ${Object.values(types).join(', ')}
      FROM generate_series(1, 1500) n`)
  for (const name of Object.keys(types)) {
    const sql = `SELECT p.*, pg_typeof(p.${name})::text AS type FROM (PREDICT LIST_DISTINCT(acts.${name}, 0, 7, days) RANK TOP 2 FOR people.person IN (3, 4)) p`
    const rows = await rowsOf<{ type: string }>(sql)
    const [{ type, n }] = await rowsOf<{ type: string; n: string }>(
      `SELECT pg_typeof(${name})::text AS type, count(*) AS n FROM (PREDICT LIST_DISTINCT(acts.${name}, 0, 7, days) RANK TOP 2 FOR people.person IN (3, 4)) p JOIN acts USING (${name}) GROUP BY 1`,
    )
    t.equal(rows.length, 4, name)
    t.ok(rows[0].type === type && Number(n) > 0, `${name}: ${type}`)
  }
})

t.test('values that are equal are one item, however they are written', async t => {
  await owner.query(`
    CREATE TABLE weighers (person int PRIMARY KEY);
    INSERT INTO weighers SELECT generate_series(1, 30);
    CREATE TABLE weighings (id int PRIMARY KEY, person int NOT NULL REFERENCES weighers, at timestamp NOT NULL, n numeric, f float8, a numeric[]);
    INSERT INTO weighings SELECT n, 1 + n % 30, timestamp '2025-06-01' + n * interval '2 hours', ('{1.0,1.00,2}'::numeric[])[1 + n % 3],
      ('{0,-0,3}'::float8[])[1 + n % 3], ('{1.0,1.00,2}'::numeric[]) FROM generate_series(1, 1500) n`)
  for (const name of ['n', 'f', 'a'])
    for (const kind of ['RANK TOP 5', 'CLASSIFY']) {
      const rows = await rowsOf(
        `PREDICT LIST_DISTINCT(weighings.${name}, 0, 7, days) ${kind} FOR weighers.person IN (3, 4)`,
      )
      t.equal(rows.length, 4, `${name} ${kind}: ${JSON.stringify(rows)}`)
    }
})

t.test('what is refused says so', async t => {
  await t.rejects(rowsOf(`PREDICT LIST_DISTINCT(loans.loan_id, 0, 30, days) RANK TOP 3 ${three}`), { code: '22023' })
  await owner.query(`
    CREATE TABLE visits (visit_id int PRIMARY KEY, branch int NOT NULL, card uuid NOT NULL, page int NOT NULL, seen_at timestamptz NOT NULL,
      FOREIGN KEY (branch, card) REFERENCES readers);
    INSERT INTO visits SELECT l.loan_id * 10 + i, branch, card, row_number() OVER (ORDER BY loan_id, i) % 1500, lent_at FROM loans l, generate_series(0, 3) i
      WHERE lent_at <= '${at}'`)
  await t.rejects(rowsOf(`PREDICT LIST_DISTINCT(visits.page, 0, 30, days) CLASSIFY ${three} AS OF '${at}'`), {
    code: '22023',
    message: 'CLASSIFY is for at most 1000 values',
  })
  t.equal((await rowsOf(`PREDICT LIST_DISTINCT(visits.page, 0, 30, days) RANK TOP 3 ${three} AS OF '${at}'`)).length, 9)
})

t.test('the shop: what will they buy next, through a table between', async t => {
  const shop = await postgres.createDatabase()
  const admin = await connect(shop)
  await writeShop(admin, { seed: 5, now: new Date('2026-03-05T13:07:00Z'), users: 300 })
  await admin.end()
  const buyer = await product.connect(new URL(shop).pathname.slice(1))
  await buyer.query('SET predict.mode = fast')
  t.teardown(() => buyer.end())
  const { rows } = await buyer.query(
    'SELECT p.*, x.category FROM (PREDICT LIST_DISTINCT(order_items.product_id, 0, 30, days) RANK TOP 10 FOR EACH users.user_id) p JOIN products x USING (product_id)',
  )
  t.equal(rows.length, 3000)
})
