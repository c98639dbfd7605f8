// A column is predicted like anything else, from rows in which it is known, and never from the cell itself or from what was made of it.

import t, { type Test } from 'tap'
import { startStage } from '../helpers/scene.js'
import { type ProductClient, startProduct } from '../helpers/service.js'

t.setTimeout(300_000)
const { server: postgres, url: shop, direct: owner } = await startStage(t)
const noise = (seed: string) => `((abs(hashtext(${seed})) % 10007) / 10007.0)`
// people: undated. Income follows the job and the spending; age_band and age_copy are made of age.
await owner.query(`CREATE TABLE people (id int PRIMARY KEY, job text NOT NULL, age int, age_copy int, age_band text, income text, member bool);
  CREATE TABLE purchases (purchase_id int PRIMARY KEY, person_id int NOT NULL REFERENCES people, amount numeric NOT NULL, at timestamptz NOT NULL);
  INSERT INTO people SELECT i, 'job ' || i % 6, a, a + 1900, CASE WHEN a < 30 THEN 'young' WHEN a < 55 THEN 'middle' ELSE 'old' END,
      CASE WHEN ${noise(`'n' || i`)} < 0.8 THEN (ARRAY['low', 'middle', 'high'])[1 + i % 6 / 2] ELSE 'odd' END, ${noise(`'m' || i`)} < CASE i % 6 WHEN 0 THEN 0.9 ELSE 0.2 END
    FROM generate_series(1, 600) i, LATERAL (SELECT 18 + (i % 6) * 8 + (${noise(`'a' || i`)} * 12)::int AS a) s;
  INSERT INTO purchases SELECT row_number() OVER (), i, 10 + (i % 6) * 20 + ${noise(`'p' || i || '-' || d`)} * 10, '2025-01-01'::timestamptz + d * '3 days'::interval + (i % 50) * '1 hour'::interval
    FROM generate_series(1, 600) i, generate_series(0, 30) d WHERE ${noise(`'q' || i || '-' || d`)} < 0.3;
  UPDATE people SET income = NULL, age = NULL, age_copy = NULL, age_band = NULL WHERE id % 10 = 7;
  CREATE TABLE tickets (ticket_id int PRIMARY KEY, person_id int NOT NULL REFERENCES people, kind text NOT NULL, minutes float8 NOT NULL, opened_at timestamptz NOT NULL);
  INSERT INTO tickets SELECT n, i, 'kind ' || CASE WHEN ${noise(`'k' || n`)} < 0.85 THEN i % 4 ELSE n % 4 END, 5 + (i % 9) * 10 + ${noise(`'t' || n`)} * 5, '2025-01-01'::timestamptz + n * '2 hours'::interval
    FROM generate_series(1, 2500) n, LATERAL (SELECT 1 + (n * 7919) % 120 AS i) s;
  ANALYZE`)
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))
const database = new URL(shop).pathname.slice(1)

// biome-ignore lint/suspicious/noExplicitAny: rows are what the question makes them
type Row = any

/** A fresh client and a fresh context: what was learnt before an update is not asked. */
async function ask(sql: string, before?: (client: ProductClient) => Promise<unknown>) {
  const client = await product.connect(database)
  try {
    await client.query(`SET predict.mode = 'fast'`)
    if (before) {
      await client.query('BEGIN')
      await before(client)
    }
    const { rows, fields } = await client.query(sql)
    if (before) await client.query('ROLLBACK')
    return { rows, fields, notices: client.notices.map(notice => notice.message ?? '') }
  } finally {
    await client.end()
  }
}

const share = (rows: readonly Row[], right: (row: Row) => boolean): number => rows.filter(right).length / rows.length

t.test('a text column of an undated table, where it is missing and where it is known', async t => {
  const { rows, fields } = await ask('PREDICT people.income FOR EACH people.id')
  t.same(
    fields.map(f => [f.name, f.dataTypeID]),
    [
      ['id', 23],
      ['anchor_time', 1184],
      ['prediction', 25],
      ['probability', 701],
      ['probabilities', 3802],
    ],
  )
  t.equal(rows.length, 600)
  const expected = (id: number) => ['low', 'middle', 'high'][((id % 6) / 2) | 0]
  const right = share(rows, row => row.prediction === expected(row.id))
  t.ok(right > 0.9, `${right} are what their job says`)
  for (const { probabilities } of rows) {
    const sum = (Object.values(probabilities) as number[]).reduce((a, b) => a + b, 0)
    if (Math.abs(sum - 1) > 1e-6) t.fail(`probabilities sum to ${sum}`)
  }
})

t.test('numbers and truth values; copies and functions of what is asked about are not read, and named', async t => {
  const ages = await ask('PREDICT people.age FOR people.id IN (1, 2, 7, 17, 30)')
  t.same(
    ages.fields.map(f => f.name),
    ['id', 'anchor_time', 'prediction', 'lower', 'upper'],
  )
  for (const { id, prediction, lower, upper } of ages.rows) {
    t.ok(lower <= prediction && prediction <= upper)
    t.ok(Math.abs(prediction - (24 + (id % 6) * 8)) < 8, `${id} is ${prediction}`)
  }
  t.match(ages.notices.join('\n'), /follow from what is asked about: people\.age_copy, people\.age_band/)
  const members = await ask('PREDICT people.member FOR EACH people.id')
  const mean = (rows: Row[]) => rows.reduce((sum, row) => sum + row.probability, 0) / rows.length
  t.ok(mean(members.rows.filter(row => row.id % 6 === 0)) > 0.75)
  t.ok(mean(members.rows.filter(row => row.id % 6 !== 0)) < 0.35)
  const over = await ask(`PREDICT people.age > 45 FOR people.id IN (5, 6)`)
  t.ok(over.rows[0].probability > 0.8 && over.rows[1].probability < 0.2)
})

t.test('alone, in a list, in FOR EACH, known or missing: the same answer', async t => {
  for (const column of ['income', 'age', 'member']) {
    const all = new Map((await ask(`PREDICT people.${column} FOR EACH people.id`)).rows.map(row => [row.id, row]))
    for (const scope of ['= 1', '= 7', 'IN (599, 2, 1)']) {
      const { rows } = await ask(`PREDICT people.${column} FOR people.id ${scope}`)
      for (const row of rows) sameRow(t, row, all.get(row.id), `${column} ${scope}`)
    }
  }
})

t.test('the hidden cell of the row asked about changes nothing', async t => {
  const question = 'PREDICT people.income FOR people.id IN (1, 3)'
  const [plain] = (await ask(question)).rows
  for (const value of [`'high'`, 'NULL', `'never seen before'`]) {
    const [row] = (await ask(question, client => client.query(`UPDATE people SET income = ${value} WHERE id = 1`))).rows
    sameRow(t, row, plain, `income = ${value}`)
  }
  const ages = 'PREDICT people.age FOR people.id = 1'
  const [age] = (await ask(ages)).rows
  const [other] = (await ask(ages, client => client.query('UPDATE people SET age = 99, age_copy = 1999 WHERE id = 1')))
    .rows
  sameRow(t, other, age, 'age = 99')
})

t.test('rows at their own time: nothing later is read, and each has its own anchor', async t => {
  const question = (column: string, scope: string) =>
    `PREDICT tickets.${column} FOR tickets.ticket_id ${scope} AS OF ENTITY TIME`
  const ids = Array.from({ length: 60 }, (_, i) => 1500 + i * 7)
  const { rows } = await ask(question('kind', `IN (${ids.join(', ')})`))
  const { rows: known } = await owner.query(
    'SELECT ticket_id, kind, opened_at FROM tickets WHERE ticket_id = ANY ($1)',
    [ids],
  )
  const truth = new Map(known.map(row => [row.ticket_id, row]))
  t.equal(rows.length, ids.length)
  t.ok(rows.every(row => row.anchor_time.getTime() === truth.get(row.ticket_id).opened_at.getTime()))
  t.ok(share(rows, row => row.prediction === truth.get(row.ticket_id).kind) > 0.7)
  const change = (column: string) => async (client: ProductClient) => {
    const later = `opened_at > (SELECT opened_at FROM tickets WHERE ticket_id = 1500)`
    await client.query(`UPDATE tickets SET kind = 'kind 9', minutes = 1e6 WHERE ${later}; DELETE FROM tickets WHERE ticket_id > 2000;
      UPDATE tickets SET ${column === 'kind' ? `kind = 'kind 8'` : 'minutes = 7e6'} WHERE ticket_id = 1500`)
  }
  for (const column of ['kind', 'minutes']) {
    const [before] = (await ask(question(column, '= 1500'))).rows
    const [after] = (await ask(question(column, '= 1500'), change(column))).rows
    sameRow(t, after, before, `${column} after the future and the cell itself have changed`)
    const [among] = (await ask(question(column, 'IN (1500, 1600, 2400)'))).rows
    sameRow(t, among, before, `${column} among others`)
  }
  const minutes = (await ask(question('minutes', `IN (${ids.join(', ')})`))).rows
  const wrong = minutes.map(row => Math.abs(row.prediction - (7.5 + ((1 + ((row.ticket_id * 7919) % 120)) % 9) * 10)))
  t.ok(wrong.reduce((a, b) => a + b, 0) / wrong.length < 8, 'minutes follow the person')
})

t.test('a dated table read at one moment; WHERE selects who is asked about', async t => {
  const { rows } = await ask(
    `PREDICT tickets.minutes FOR EACH tickets.ticket_id WHERE tickets.ticket_id <= 40 AS OF '2025-05-01'`,
  )
  t.equal(rows.length, 40)
  t.ok(rows.every(row => row.anchor_time.toISOString() === new Date('2025-05-01T00:00:00').toISOString()))
})

t.test('what cannot be learnt is said', async t => {
  await t.rejects(ask(`PREDICT people.job FOR people.id = 1 WHERE people.id > 1000`), { code: 'PQ004' })
  await owner.query(
    'CREATE TABLE names (id int PRIMARY KEY, name text); INSERT INTO names SELECT i, md5(i::text) FROM generate_series(1, 50) i',
  )
  await t.rejects(ask('PREDICT names.name FOR names.id = 1'), { code: '22023', detail: /50 values in 50 examples/ })
})

function sameRow(t: Test, found: Row, expected: Row, what: string): void {
  t.equal(found?.prediction === undefined, false, `${what}: answered`)
  for (const [name, value] of Object.entries(expected ?? {})) {
    if (typeof value === 'number') {
      const gap = Math.abs(found[name] - value) / Math.max(1, Math.abs(value))
      if (gap > 1e-5) t.fail(`${what}: ${name} is ${found[name]}, not ${value}`)
    } else if (name === 'probabilities') {
      for (const [k, p] of Object.entries(value as Record<string, number>))
        if (Math.abs((found[name][k] ?? 0) - p) > 1e-5) t.fail(`${what}: ${k} has ${found[name][k]}, not ${p}`)
    } else t.same(found[name], value, `${what}: ${name}`)
  }
}
