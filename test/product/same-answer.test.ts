// An entity's answer depends on the data and the question alone: not on who else is asked about, what was asked before, the protocol,
// where rows lie on disk, in which order tables were made, or what anything is called.

import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { from, to } from 'pg-copy-streams'
import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { CONSTRAINTS, IDENTITY, TABLES } from '../../src/demo/shop-schema.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, type Product, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const now = new Date('2026-03-05T13:07:00Z')
const shop = await postgres.createDatabase()
const owner = await connect(shop)
t.teardown(() => owner.end())
await writeShop(owner, { seed: 11, now, users: 500 })
const ids = Array.from({ length: 100 }, (_, i) => 1 + 5 * i)

type Answers = ReadonlyMap<number, readonly number[]>

const churn = (scope: string) => `PREDICT COUNT(orders.*, 0, 30, days) = 0 ${scope}`
// medians are 0 for most; expected values tell everyone apart
const spend = (scope: string) => `PREDICT SUM(order_items.quantity, 0, 60, days) ${scope} WITH (statistic = mean)`
const list = `FOR users.user_id IN (${ids.join(', ')})`

/** Figures by key of a question as it stands; every column that is a float8. */
async function ask(
  database: string,
  sql: string,
  { parameters, through = product }: { parameters?: unknown[]; through?: Product } = {},
): Promise<Answers> {
  const client = await through.connect(database)
  try {
    const { rows } = await client.query({ text: sql, values: parameters, rowMode: 'array' })
    return new Map(rows.map(row => [Number(row[0]), row.filter((value: unknown) => typeof value === 'number')]))
  } finally {
    await client.end()
  }
}

/** The answers of `found` are those of `expected`, to 1e-5 (relative where they exceed 1). */
function same(
  t: Test,
  found: Answers,
  expected: Answers,
  what: string,
  keys: Iterable<number> = expected.keys(),
): void {
  let [worst, missing] = [0, 0]
  for (const key of keys) {
    const [a, b] = [found.get(key), expected.get(key)]
    if (!a || !b || a.length !== b.length || a.length === 0) missing++
    else for (const [i, x] of a.entries()) worst = Math.max(worst, Math.abs(x - b[i]!) / Math.max(1, Math.abs(b[i]!)))
  }
  t.equal(missing, 0, `${what}: everyone is answered`)
  t.ok(worst <= 1e-5, `${what}: figures differ by at most ${worst}`)
}

const here = databaseOf(shop)
const [churnOf, spendOf] = [await ask(here, churn(list)), await ask(here, spend(list))]

t.test('alone, in a list, in a list turned round, in FOR EACH: the same figures', async t => {
  for (const [name, question, expected] of [
    ['churn', churn, churnOf],
    ['spend', spend, spendOf],
  ] as const) {
    t.equal(expected.size, 100)
    t.ok(new Set([...expected.values()].map(String)).size > 50, `${name}: answers differ from one another`)
    const client = await product.connect(here)
    const alone = new Map<number, readonly number[]>()
    for (const id of ids) {
      const { rows } = await client.query({ text: question(`FOR users.user_id = ${id}`), rowMode: 'array' })
      alone.set(
        id,
        rows[0].filter((value: unknown) => typeof value === 'number'),
      )
    }
    await client.end()
    same(t, alone, expected, `${name}, one at a time`)
    same(
      t,
      await ask(here, question(`FOR users.user_id IN (${[...ids].reverse().join(', ')})`)),
      expected,
      `${name}, turned round`,
    )
    const each = await ask(here, question('FOR EACH users.user_id'))
    t.equal(each.size, 500)
    same(t, each, expected, `${name}, FOR EACH`)
    same(
      t,
      await ask(here, question('FOR users.user_id IN (SELECT user_id FROM users WHERE user_id % 5 = 1)')),
      expected,
      `${name}, from a query`,
    )
  }
})

t.test('opposite questions have probabilities that add up to one, and opposite predictions', async t => {
  const client = await product.connect(here)
  const about = (test: string) => `(PREDICT COUNT(orders.*, 0, 30, days) ${test} FOR EACH users.user_id)`
  const { rows } = await client.query(
    `SELECT count(*)::int AS n, max(abs(a.probability + b.probability - 1)) AS off, bool_and(a.prediction <> b.prediction) AS opposite
     FROM ${about('= 0')} a JOIN ${about('>= 1')} b USING (user_id)`,
  )
  await client.end()
  t.equal(rows[0].n, 500)
  t.ok(rows[0].off < 1e-9, `off by ${rows[0].off}`)
  t.ok(rows[0].opposite)
})

t.test("a user's own tables keep their names, whatever ours are called inside", async t => {
  const client = await product.connect(here)
  for (const name of ['a', 'cand', 'kept', 'wanted', 'scored', 'n0']) {
    await client.query(`CREATE TABLE ${name} AS SELECT user_id FROM users WHERE user_id IN (6, 11)`)
    const { rows } = await client.query(
      `SELECT user_id::int AS id FROM (PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (SELECT user_id FROM ${name})) p`,
    )
    t.same(rows.map(row => row.id).sort(), [11, 6], name)
    await client.query(`DROP TABLE ${name}`)
  }
  await client.end()
})

t.test('a fresh proxy, asked about one alone first, gives the same figures', async t => {
  const fresh = await startProduct(postgres.url())
  t.teardown(() => fresh.stop(0))
  same(t, await ask(here, churn('FOR users.user_id = 6'), { through: fresh }), churnOf, 'cold and alone', [6])
  same(t, await ask(here, churn(list), { through: fresh }), churnOf, 'warm')
  same(t, await ask(here, spend('FOR EACH users.user_id'), { through: fresh }), spendOf, 'cold FOR EACH', ids)
})

t.test('parameters, prepared statements and cursors give the same figures', async t => {
  same(t, await ask(here, churn('FOR users.user_id = ANY ($1)'), { parameters: [ids] }), churnOf, '= ANY ($1)')
  const client = await product.connect(here)
  t.teardown(() => client.end())
  const prepared = new Map<number, readonly number[]>()
  for (const id of ids) {
    const query = { name: 'one', text: churn('FOR users.user_id = $1'), values: [id], rowMode: 'array' as const }
    prepared.set(
      id,
      (await client.query(query)).rows[0].filter((value: unknown) => typeof value === 'number'),
    )
  }
  same(t, prepared, churnOf, '= $1, prepared')
  await client.query(`BEGIN; DECLARE c CURSOR FOR ${churn(list)}`)
  const { rows } = await client.query({ text: 'FETCH ALL FROM c', rowMode: 'array' })
  await client.query('COMMIT')
  same(
    t,
    new Map(rows.map(row => [Number(row[0]), row.filter((v: unknown) => typeof v === 'number')])),
    churnOf,
    'cursor',
  )
  await client.query(
    `SET predict.mode = 'normal'; SET work_mem = '1MB'; SET enable_hashjoin = off; SET enable_hashagg = off; SET max_parallel_workers_per_gather = 0; SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = 0`,
  )
  const turned = await client.query({ text: spend(list.replace('(', '(0, ')), rowMode: 'array' })
  same(
    t,
    new Map(turned.rows.map(row => [Number(row[0]), row.filter((v: unknown) => typeof v === 'number')])),
    spendOf,
    'other plans and styles',
  )
})

t.test('VACUUM FULL, CLUSTER, ANALYZE and an update of every row change nothing', async t => {
  const url = await copyOfShop()
  const client = await connect(url)
  await client.query(
    `UPDATE orders SET total = total; UPDATE users SET country = country; UPDATE sessions SET pages = pages WHERE session_id % 2 = 0`,
  )
  await client.query('VACUUM FULL')
  await client.query(
    `CLUSTER reviews USING reviews_product_id_idx; CLUSTER orders USING orders_session_id_idx; ANALYZE`,
  )
  await client.end()
  await unchanged(t, url)
})

t.test('a dump restored in another order of tables, rows and columns changes nothing', async t => {
  const url = await postgres.createDatabase()
  const client = await connect(url)
  t.teardown(() => client.end())
  await client.query(shuffled(TABLES))
  const tables = Object.keys(IDENTITY).reverse()
  for (const table of tables) {
    const columns = await columnsOf(table)
    await pipeline(
      owner.query(to(`COPY (SELECT ${columns} FROM ${table} ORDER BY md5(${table}::text)) TO STDOUT`)),
      client.query(from(`COPY ${table} (${columns}) FROM STDIN`)),
    )
  }
  await client.query(reversed(CONSTRAINTS))
  await client.query('ANALYZE')
  await unchanged(t, url)
})

t.test('tables, columns and constraints of other names, and tables that concern nobody, change nothing', async t => {
  const url = await copyOfShop()
  const client = await connect(url)
  t.teardown(() => client.end())
  await client.query(`CREATE TABLE weather (day date PRIMARY KEY, degrees real); INSERT INTO weather SELECT now()::date - i, i FROM generate_series(1, 500) i;
    CREATE TABLE aaa (a int PRIMARY KEY, b int REFERENCES aaa)`)
  await unchanged(t, url)
  await client.query(`ALTER TABLE users RENAME TO zz_members; ALTER TABLE zz_members RENAME user_id TO "Member No";
    ALTER TABLE zz_members RENAME country TO a1; ALTER TABLE zz_members RENAME created_at TO birth_date_2;
    ALTER TABLE orders RENAME TO "Aa Purchases"; ALTER TABLE "Aa Purchases" RENAME user_id TO "who?";
    ALTER TABLE "Aa Purchases" RENAME created_at TO "when"; ALTER TABLE "Aa Purchases" RENAME total TO discount_2;
    ALTER TABLE order_items RENAME TO lines; ALTER TABLE lines RENAME quantity TO "select";
    ALTER TABLE sessions RENAME TO a; ALTER TABLE products RENAME TO "Ünïcode"`)
  const named = list.replace('users.user_id', 'zz_members."Member No"')
  same(t, await ask(databaseOf(url), `PREDICT COUNT("Aa Purchases".*, 0, 30, days) = 0 ${named}`), churnOf, 'churn')
  same(
    t,
    await ask(databaseOf(url), `PREDICT SUM(lines."select", 0, 60, days) ${named} WITH (statistic = mean)`),
    spendOf,
    'spend',
  )
  await client.query(
    'CREATE SCHEMA "My Schema"; ALTER TABLE zz_members SET SCHEMA "My Schema"; ALTER TABLE lines SET SCHEMA "My Schema"',
  )
  const moved = named.replace('zz_members', '"My Schema".zz_members')
  same(
    t,
    await ask(databaseOf(url), `PREDICT SUM("My Schema".lines."select", 0, 60, days) ${moved} WITH (statistic = mean)`),
    spendOf,
    'spend in another schema',
  )
})

async function unchanged(t: Test, url: string): Promise<void> {
  same(t, await ask(databaseOf(url), churn(list)), churnOf, 'churn')
  same(t, await ask(databaseOf(url), spend(list)), spendOf, 'spend')
}

/** A shop of its own with the same rows. */
async function copyOfShop(): Promise<string> {
  const fresh = await postgres.createDatabase()
  const client = await connect(fresh)
  await client.query(TABLES)
  for (const table of Object.keys(IDENTITY)) {
    await pipeline(owner.query(to(`COPY ${table} TO STDOUT`)), client.query(from(`COPY ${table} FROM STDIN`)))
  }
  await client.query(CONSTRAINTS)
  await client.query('ANALYZE')
  await client.end()
  return fresh
}

async function columnsOf(table: string): Promise<string> {
  const { rows } = await owner.query(
    `SELECT string_agg(attname, ', ' ORDER BY md5(attname)) AS list FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`,
    [table],
  )
  return rows[0].list
}

/** The tables in reverse order, their columns in another one. */
function shuffled(sql: string): string {
  const types = sql.match(/^CREATE TYPE .*;$/gm)!
  const created = [...sql.matchAll(/^CREATE TABLE (\w+) \(\n([\s\S]*?)\n\);$/gm)].map(([, name, body]) => {
    const columns = body!.split(/,\n/).sort((a, b) => (scattered(a) < scattered(b) ? -1 : 1))
    return `CREATE TABLE ${name} (${columns.join(', ')});`
  })
  return [...types, ...created.reverse()].join('\n')
}

const scattered = (text: string): string => createHash('md5').update(text.trim()).digest('hex')

/** Keys, foreign keys and indexes, each kind in reverse order. */
function reversed(sql: string): string {
  const clauses = [...sql.matchAll(/^ALTER TABLE (\w+) ([\s\S]*?);$/gm)].flatMap(([, table, list]) =>
    list!.split(/,\s+(?=ADD )/).map(clause => `ALTER TABLE ${table} ${clause}`),
  )
  const isForeign = (clause: string) => clause.includes('FOREIGN KEY')
  const keys = clauses.filter(clause => !isForeign(clause))
  const indexes = sql.match(/^CREATE INDEX .*(?=;$)/gm)!
  return [...keys.reverse(), ...clauses.filter(isForeign).reverse(), ...indexes.reverse()].join(';\n')
}
