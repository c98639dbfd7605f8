// Questions asked within a short while of each other share a context, which may not show which of them came first.

import t from 'tap'
import { startStage } from '../helpers/scene.js'
import { databaseOf, startProduct } from '../helpers/service.js'

t.setTimeout(120_000)
const { server: postgres, url, direct: owner } = await startStage(t)
const noise = (...of: string[]) => `((abs(hashtext(${of.join(` || '-' || `)})) % 10007) / 10007.0)`
// Two stalls a day, a crowded one and a quiet one, which are there for that day alone, until all of them open once more, at one o'clock.
await owner.query(`
  CREATE TABLE buyers (buyer_id int PRIMARY KEY);
  CREATE TABLE stalls (stall_id int PRIMARY KEY, wares text);
  CREATE TABLE sales (sale_id int PRIMARY KEY, buyer_id int NOT NULL REFERENCES buyers, stall_id int NOT NULL REFERENCES stalls, at timestamptz NOT NULL);
  INSERT INTO buyers SELECT generate_series(1, 200);
  INSERT INTO stalls SELECT i, 'wares ' || i % 3 FROM generate_series(0, 399) i;
  INSERT INTO sales SELECT row_number() OVER (), i, 2 * d + (i % 4 = 0)::int, '2024-04-15Z'::timestamptz + d * interval '1 day' + ${noise(`'h'`, 'i', 'd')} * interval '20 hours'
    FROM generate_series(1, 200) i, generate_series(0, 199) d WHERE ${noise(`'q'`, 'i', 'd')} < CASE WHEN i % 4 = 0 THEN 0.06 ELSE 0.2 END;
  INSERT INTO sales SELECT 100000 + stall_id, 1 + stall_id % 200, stall_id, '2024-11-01 01:00Z' FROM stalls;
  ANALYZE;`)

t.test('rows between two moments that share a context decide nothing about it', async t => {
  const asked = async (...moments: string[]) => {
    const product = await startProduct(postgres.url())
    const client = await product.connect(databaseOf(url))
    try {
      let rows: { buyer_id: number; probability: number }[] = []
      for (const moment of moments) {
        await client.query(`SET app.moment = '${moment}'`)
        const question = `PREDICT COUNT(sales.*, 0, 10, days) > 1 FOR EACH buyers.buyer_id AS OF current_setting('app.moment')::timestamptz WITH (mode = fast)`
        rows = (await client.query(question)).rows
      }
      return rows
    } finally {
      await client.end()
      await product.stop(0)
    }
  }
  const alone = await asked('2024-11-01 02:00Z')
  const second = await asked('2024-11-01 00:10Z', '2024-11-01 02:00Z')
  t.equal(alone.length, 200)
  t.ok(new Set(alone.map(row => row.probability)).size > 100, 'answers differ from one another')
  const off = alone.map((row, i) => Math.abs(row.probability - second[i]!.probability))
  t.ok(Math.max(...off) < 1e-5, `answers differ by at most ${Math.max(...off)}`)
})
