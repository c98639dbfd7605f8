// Embeddings: vectors of entities that a client stores, indexes and compares itself. Alike entities have vectors alike, and a vector is a
// function of what its prediction is a function of.

import t from 'tap'
import { startPglite } from '../helpers/pglite.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, startProduct } from '../helpers/service.js'

t.setTimeout(200_000)
const noise = (...of: string[]) => `((abs(hashtext(${of.join(` || '-' || `)})) % 10007) / 10007.0)`
// Six hidden segments, i % 6: what is bought (i % 3), where (i % 2), for how much (i % 6 < 3); no column holds one.
const data = `
  CREATE TABLE people (person_id int PRIMARY KEY, joined_at timestamptz NOT NULL, age int, city text);
  CREATE TABLE purchases (purchase_id int PRIMARY KEY, person_id int NOT NULL REFERENCES people, at timestamptz NOT NULL, amount float8, kind text, channel text);
  INSERT INTO people SELECT i, '2024-01-01'::timestamptz + i * interval '10 minutes', 20 + (${noise(`'a'`, 'i')} * 50)::int, 'city ' || (${noise(`'c'`, 'i')} * 4)::int FROM generate_series(1, 300) i;
  INSERT INTO purchases SELECT row_number() OVER (), i, '2024-02-01'::timestamptz + d * interval '1 day' + ${noise(`'h'`, 'i', 'd')} * interval '20 hours',
      CASE WHEN i % 6 < 3 THEN 15 ELSE 25 END + ${noise(`'m'`, 'i', 'd')} * 30,
      (ARRAY['food', 'books', 'tools', 'toys'])[1 + CASE WHEN ${noise(`'k'`, 'i', 'd')} < 0.65 THEN i % 3 ELSE (${noise(`'l'`, 'i', 'd')} * 3)::int END],
      CASE WHEN ${noise(`'w'`, 'i', 'd')} < CASE WHEN i % 2 = 0 THEN 0.7 ELSE 0.3 END THEN 'web' ELSE 'shop' END
    FROM generate_series(1, 300) i, generate_series(0, 150) d WHERE ${noise(`'q'`, 'i', 'd')} < 0.06 + 0.1 * ${noise(`'r'`, 'i')};`
const asked = (target: string, scope = 'FOR EACH people.person_id', more = '') =>
  `PREDICT ${target} ${scope} WITH (embedding = on, mode = fast${more})`
const spend = 'SUM(purchases.amount, 0, 14, days)'

t.test('with pgvector: stored, indexed, and ordered by distance, as the type the server has', async t => {
  const server = await startPglite()
  t.teardown(() => server.stop())
  await server.database.exec(data)
  const product = await startProduct(server.url)
  t.teardown(() => product.stop(0))
  const client = await product.connect()
  t.teardown(() => client.end())

  await client.query(`CREATE TABLE e AS SELECT * FROM (${asked(spend)}) p`)
  await client.query('CREATE INDEX ON e USING hnsw (embedding vector_cosine_ops)')
  const { rows: stored } = await client.query(
    `SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'e'::regclass AND attname = 'embedding'`,
  )
  t.equal(stored[0].type, 'vector(64)')
  const { rows: near } = await client.query(`
    SELECT a.person_id AS one, b.person_id AS other FROM e a,
      LATERAL (SELECT person_id FROM e WHERE person_id <> a.person_id ORDER BY embedding <=> a.embedding LIMIT 3) b`)
  const alike = near.filter(({ one, other }) => one % 6 === other % 6).length / near.length
  t.ok(alike > 0.7, `${alike} of the nearest are of the same hidden segment, where chance is 0.16`)

  const { rows: same } = await client.query(
    `SELECT p.embedding = e.embedding AS same FROM (${asked(spend, 'FOR people.person_id IN (7, 8)')}) p JOIN e USING (person_id)`,
  )
  t.strictSame(same, [{ same: true }, { same: true }], 'asked by name, the vector is that of FOR EACH')
  await client.query(`CREATE VIEW v AS ${asked(spend)}`)
  const { rows: viewed } = await client.query(
    'SELECT v.embedding = e.embedding AS same FROM v JOIN e USING (person_id)',
  )
  t.equal(viewed.filter(row => row.same).length, 300, 'a view answers it too')
  await client.query('SET search_path = pg_catalog')
  const hidden = await client.query(
    asked('COUNT(public.purchases.*, 0, 14, days)', 'FOR public.people.person_id = 7', ', timing = on'),
  )
  t.equal(hidden.fields.at(-1)!.dataTypeID, 1021, 'a type that the client does not see is not used')
})

t.test('without pgvector: an array of real', async t => {
  const postgres = await startPostgres()
  t.teardown(() => postgres.stop())
  const url = await postgres.createDatabase()
  const owner = await connect(url)
  t.teardown(() => owner.end())
  await owner.query(`${data} ANALYZE`)
  const product = await startProduct(postgres.url())
  t.teardown(() => product.stop(0))
  const client = await product.connect(databaseOf(url))
  t.teardown(() => client.end())
  const vectors = async (sql: string, through = client): Promise<Map<number, number[]>> => {
    const { rows } = await through.query(sql)
    return new Map(rows.map(row => [row.person_id ?? row.p, row.embedding]))
  }
  const early = asked(spend, `FOR people.person_id IN (1, 2, 3, 4) AS OF '2024-05-01'`)

  for (const target of [spend, 'COUNT(purchases.*, 0, 14, days) = 0', 'LAST(purchases.kind, 0, 14, days)']) {
    const { rows, fields } = await client.query(asked(target, 'FOR people.person_id = 9'))
    t.strictSame([fields.at(-1)!.name, fields.at(-1)!.dataTypeID], ['embedding', 1021])
    t.equal(rows[0].embedding.length, 64)
    t.ok(Math.abs(Math.hypot(...rows[0].embedding) - 1) < 1e-5, 'of length 1')
    const all = await vectors(asked(target))
    t.strictSame(all.get(9), rows[0].embedding, `${target}: alone and among all`)
  }
  const none = await client.query(asked(spend, 'FOR people.person_id = 999'))
  t.equal(none.rows.length, 0)
  const without = await client.query(`PREDICT ${spend} FOR people.person_id = 9 WITH (mode = fast)`)
  const beside = await client.query(asked(spend, 'FOR people.person_id = 9'))
  t.match(beside.rows[0], without.rows[0], 'the prediction is what it is without')

  await t.test('names and the order of columns are no part of it', async t => {
    const other = await postgres.createDatabase()
    const renamed = await connect(other)
    await renamed.query(`${data}
      CREATE TABLE x (town text, years int, since timestamptz NOT NULL, p int PRIMARY KEY);
      INSERT INTO x SELECT city, age, joined_at, person_id FROM people ORDER BY md5(person_id::text);
      CREATE TABLE y (c text, k text, a float8, w timestamptz NOT NULL, n int PRIMARY KEY, p int NOT NULL REFERENCES x);
      INSERT INTO y SELECT channel, kind, amount, at, purchase_id, person_id FROM purchases ORDER BY md5(purchase_id::text);
      DROP TABLE purchases, people; ANALYZE`)
    await renamed.end()
    const through = await product.connect(databaseOf(other))
    const found = await vectors(
      'PREDICT SUM(y.a, 0, 14, days) FOR EACH x.p WITH (embedding = on, mode = fast)',
      through,
    )
    await through.end()
    t.strictSame(found, await vectors(asked(spend)))
  })

  await t.test('nothing later than the anchor is in it', async t => {
    const other = await postgres.createDatabase()
    const changed = await connect(other)
    await changed.query(
      `${data} UPDATE purchases SET amount = amount * 7, kind = 'toys' WHERE at > '2024-05-01'; ANALYZE`,
    )
    await changed.end()
    const through = await product.connect(databaseOf(other))
    const found = await vectors(early, through)
    await through.end()
    t.strictSame(found, await vectors(early))
  })

  await t.test('what has no vector says so', async t => {
    const refused = (sql: string) => t.rejects(client.query(sql), { code: '0A000', hint: /over a window/ }, sql)
    await refused(asked('people.city', 'FOR people.person_id = 3'))
    await refused(asked('LIST_DISTINCT(purchases.kind, 0, 7) CLASSIFY'))
    await refused(asked('COUNT(purchases.*, 0, 7) FORECAST 3 TIMEFRAMES'))
  })
})
