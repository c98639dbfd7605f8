// Answers of many entities: they come in slices, and nobody can tell but by how soon the first row is there and how little memory it takes.

import net from 'node:net'
import pg from 'pg'
import { to } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import { serialize } from 'pg-protocol'
import t from 'tap'
import { startScene, startStage } from '../helpers/scene.js'

t.setTimeout(300_000)
const stage = await startStage(t)
const { direct: owner } = stage
const USERS = 9000
// more than three slices; who buys often goes on buying
await owner.query(`CREATE TABLE users (user_id int PRIMARY KEY, country text NOT NULL, signed timestamptz NOT NULL);
  CREATE TABLE orders (order_id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, at timestamptz NOT NULL);
  INSERT INTO users SELECT i, chr(65 + i % 5), '2025-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, ${USERS}) i;
  INSERT INTO orders SELECT row_number() OVER (), i, '2025-01-10'::timestamptz + (abs(hashint4(i * 100 + n)) % 8000000) * interval '1 second'
    FROM generate_series(1, ${USERS}) i, generate_series(1, i % 7) n;
  CREATE INDEX ON orders (user_id); ANALYZE`)
const { product, client } = await startScene(t, stage)
await client.query(`SET predict.mode = 'fast'; SET predict.context_size = 2000`)
const asked = 'PREDICT COUNT(orders.*, 0, 14, days) > 0 FOR EACH users.user_id'
const whole = (await client.query(`SELECT * FROM (${asked}) p ORDER BY user_id`)).rows

t.test('rows of a large answer follow each other as if it had come at once', async t => {
  const result = await client.query(asked)
  t.equal(result.command, 'SELECT')
  t.equal(result.rowCount, USERS)
  t.same(result.rows, whole)
  t.same(
    result.fields.map(field => field.name),
    ['user_id', 'anchor_time', 'prediction', 'probability'],
  )
})

t.test('alone, by name and in an answer of many, an entity gets the same', async t => {
  const some = [1, 1024, 1025, 3072, 3073, 7168, 7169, USERS]
  const alone = await client.query(asked.replace('EACH users.user_id', `users.user_id IN (${some})`))
  t.same(
    alone.rows,
    some.map(id => whole[id - 1]),
  )
  const named = await client.query(asked.replace('EACH users.user_id', `users.user_id IN (SELECT user_id FROM users)`))
  t.same(named.rows, whole)
})

t.test('conditions and expressions over a large answer are applied to every slice', async t => {
  const { rows, rowCount } = await client.query(
    `SELECT user_id AS who, probability * 100 AS percent FROM (${asked}) p WHERE probability > 0.5 AND user_id % 2 = 0`,
  )
  const expected = whole.filter(row => row.probability > 0.5 && row.user_id % 2 === 0)
  t.equal(rowCount, expected.length)
  t.same(
    rows,
    expected.map(row => ({ who: row.user_id, percent: row.probability * 100 })),
  )
  const { rows: grouped } = await client.query(`SELECT count(*), max(probability) FROM (${asked}) p`)
  t.equal(Number(grouped[0].count), USERS)
})

t.test('a large answer goes into tables, out of cursors and through the extended protocol', async t => {
  await client.query(`CREATE TABLE kept AS ${asked}`)
  t.same((await owner.query('SELECT * FROM kept ORDER BY user_id')).rows, whole)
  const inserted = await client.query(`INSERT INTO kept SELECT * FROM (${asked}) p`)
  t.equal(inserted.rowCount, USERS)
  await client.query('DROP TABLE kept')
  await client.query('BEGIN')
  await client.query(`DECLARE c CURSOR FOR ${asked}`)
  await client.query('MOVE 8000 FROM c')
  t.same((await client.query('FETCH 3 FROM c')).rows, whole.slice(8000, 8003))
  await client.query('COMMIT')
  const bound = await client.query(asked.replace('> 0', '> $1'), [0])
  t.same(bound.rows, whole)
})

/** How `query` ends that the first of its rows cancels, and how many rows came. */
const cancelledByRow = async (query: pg.Query) => {
  let rows = 0
  const watched = query as pg.Query & { handleDataRow(): void; callback(error: unknown): void }
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  watched.handleDataRow = () => {
    if (++rows === 1) net.connect(product.port, product.host).end(serialize.cancel(processID, secretKey))
  }
  const code = await new Promise(resolve => {
    watched.callback = error => resolve((error as { code?: string } | null)?.code)
    client.query(watched)
  })
  return { code, rows }
}

t.test('with parameters too, rows come before the last are made', async t => {
  const bound = await client.query({ name: 'often', text: asked.replace('> 0', '> $1'), values: [0] })
  t.same([bound.command, bound.rowCount, bound.rows], ['SELECT', USERS, whole])
  const some = `SELECT user_id FROM (${asked.replace('> 0', '> $1')}) p WHERE probability > $2`
  t.same(
    (await client.query(some, [0, 0.5])).rows,
    whole.filter(row => row.probability > 0.5).map(({ user_id }) => ({ user_id })),
  )
  const { code, rows } = await cancelledByRow(new pg.Query(asked.replace('> 0', '> $1'), [0]))
  t.equal(code, '57014')
  t.ok(rows > 0 && rows < USERS, `${rows} rows`)
})

t.test('who fetches rows by the number gets each once', async t => {
  await client.query('BEGIN')
  const cursor = client.query(new Cursor<(typeof whole)[number]>(asked.replace('> 0', '> $1'), [0]))
  const rows = [...(await cursor.read(10)), ...(await cursor.read(3000))]
  t.same(rows, whole.slice(0, 3010))
  for (let more = rows; more.length > 0; rows.push(...more)) more = await cursor.read(1700)
  t.same(rows, whole)
  await client.query('ROLLBACK')
})

t.test('rows that nobody fetches are not made', async t => {
  for (const block of [true, false]) {
    if (block) await client.query('BEGIN')
    const start = performance.now()
    const cursor = client.query(new Cursor(asked.replace('> 0', '> $1'), [0]))
    t.equal((await cursor.read(10)).length, 10)
    await cursor.close()
    t.same((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
    t.comment(`${Math.round(performance.now() - start)} ms`)
    if (block) await client.query('COMMIT')
  }
})

t.test('COPY of a large answer has one line of names, and all rows', async t => {
  const text = async (sql: string) => {
    const chunks: Buffer[] = []
    for await (const chunk of client.query(to(sql))) chunks.push(chunk)
    return Buffer.concat(chunks).toString()
  }
  const lines = (await text(`COPY (${asked}) TO STDOUT (FORMAT csv, HEADER)`)).trimEnd().split('\n')
  t.equal(lines[0], 'user_id,anchor_time,prediction,probability')
  t.equal(lines.length, USERS + 1)
  t.same(
    lines.slice(1).map(line => Number(line.split(',')[3])),
    whole.map(row => row.probability),
  )
  t.equal((await text(`COPY (${asked}) TO STDOUT`)).trimEnd().split('\n').length, USERS)
  t.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1)
})

t.test('a large answer that is cancelled on its way ends at once, and leaves the session as it was', async t => {
  const { code, rows } = await cancelledByRow(new pg.Query(asked))
  t.equal(code, '57014')
  t.ok(rows > 0 && rows < USERS)
  t.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1)
  t.same((await client.query(asked)).rows, whole)
})

t.test('more entities than a statement may have are refused before anything is read of them', async t => {
  const before = performance.now()
  await t.rejects(client.query(`${asked} WITH (max_entities = 5000)`), {
    code: '53400',
    message: 'more than 5000 entities to score',
    hint: 'Name fewer entities, or raise the limit: WITH (max_entities = 50000).',
  })
  t.ok(performance.now() - before < 5000)
})

t.test('where nothing may be kept for others, slices share a context all the same', async t => {
  const { rows: kept } = await client.query(`BEGIN; CREATE TABLE mine (a int); ${asked}; ROLLBACK`).then(results => {
    return (results as unknown as pg.QueryResult[])[2]
  })
  t.same(kept, whole)
})
