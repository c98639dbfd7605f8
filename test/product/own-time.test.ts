// Rows read each at its own time learn from as many rows before their period, whoever else is asked about.

import t from 'tap'
import { startStage } from '../helpers/scene.js'
import { databaseOf, startProduct } from '../helpers/service.js'

t.setTimeout(120_000)
const { server: postgres, url, direct: owner } = await startStage(t)
const noise = (...of: string[]) => `((abs(hashtext(${of.join(` || '-' || `)})) % 10007) / 10007.0)`
// what the size tells of the price turns round half-way
await owner.query(`
  CREATE TABLE lots (lot_id int PRIMARY KEY, listed_at timestamptz NOT NULL, size int, price float8);
  INSERT INTO lots SELECT i, '2020-01-01Z'::timestamptz + i * interval '2 hours', s, CASE WHEN i < 4500 THEN s ELSE 60 - s END + ${noise(`'p'`, 'i')}
    FROM (SELECT i, (${noise(`'s'`, 'i')} * 50)::int AS s FROM generate_series(1, 9000) i) l;
  ANALYZE;`)

t.test('alone or together with rows of other periods, a row has the same answer', async t => {
  const asked = async (who: string) => {
    // a product of its own: nothing is at hand
    const product = await startProduct(postgres.url())
    const client = await product.connect(databaseOf(url))
    try {
      const { rows } = await client.query(
        `PREDICT lots.price FOR ${who} AS OF ENTITY TIME WITH (mode = fast, context_size = 10000)`,
      )
      return new Map(rows.map(row => [row.lot_id, row.prediction]))
    } finally {
      await client.end()
      await product.stop(0)
    }
  }
  const alone = await asked('lots.lot_id = 8999')
  const together = await asked('lots.lot_id IN (1500, 4000, 8999)')
  t.equal(together.size, 3)
  const [a, b] = [alone.get(8999), together.get(8999)]
  t.ok(Math.abs(a - b) <= 1e-5 * Math.abs(a), `${a} and ${b}`)
})

t.test('a LIMIT scores no more than it takes, also where the first rows go unanswered', async t => {
  const product = await startProduct(postgres.url())
  const client = await product.connect(databaseOf(url))
  t.teardown(async () => {
    await client.end()
    await product.stop(0)
  })
  // whose limit of entities tells how many were scored
  await client.query('SET predict.mode = fast; SET predict.max_entities = 200')
  const each = 'PREDICT lots.price FOR EACH lots.lot_id AS OF ENTITY TIME'
  await t.rejects(client.query(each), { code: '53400' })
  await t.rejects(client.query(`SELECT * FROM (${each}) p ORDER BY prediction LIMIT 5`), { code: '53400' })
  const first = (await client.query(`${each} LIMIT 5`)).rows
  t.equal(first.length, 5)
  const second = (await client.query(`SELECT * FROM (${each}) p LIMIT 2 OFFSET 3`)).rows
  t.same(second, first.slice(3), 'OFFSET counts')
  await client.query('RESET predict.max_entities')
  const some = await client.query(
    'PREDICT lots.price FOR lots.lot_id IN (SELECT lot_id FROM lots WHERE lot_id < 40) AS OF ENTITY TIME',
  )
  t.ok(first[0].lot_id > 1, 'the first of all has nothing to learn from')
  t.same(first, some.rows.slice(0, 5))
  client.notices.length = 0
  await client.query(`EXPLAIN (COSTS) ${each} LIMIT 5`)
  t.match(client.notices[0]?.message, /only the first 5 rows of lots are scored/)
})
