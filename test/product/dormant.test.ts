// A few who are active now beside many who were once: what is said of the few comes from years of the likes of them, not from one winter of all.

import t from 'tap'
import { connect, startPostgres } from '../helpers/postgres.js'
import { startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const url = await postgres.createDatabase()
const client = await connect(url)
// 20 seats since 1985, each given to another after three years; races every two weeks from March to October
await client.query(`
  CREATE TABLE racers (racer_id int PRIMARY KEY, seat int NOT NULL);
  CREATE TABLE starts (start_id int PRIMARY KEY, racer_id int NOT NULL REFERENCES racers, at timestamp NOT NULL);
  CREATE INDEX ON starts (racer_id, at);
  INSERT INTO racers SELECT seat * 14 + career, seat FROM generate_series(0, 19) seat, generate_series(0, 13) career;
  INSERT INTO starts SELECT row_number() OVER (), racer_id, at FROM racers, LATERAL (
    SELECT make_date(year, 3, 6) + 14 * race + time '14:00' AS at FROM generate_series(1985 + 3 * (racer_id % 14), 1987 + 3 * (racer_id % 14)) year,
      generate_series(0, 16) race) s
  WHERE at < '2025-03-01';
  ANALYZE;
`)
await client.end()
const database = new URL(url).pathname.slice(1)
/** The newest windows that have closed lie in winter, and a thousand rows of all racers are three of them. */
const question = (who: string) =>
  `PREDICT COUNT(starts.*, 0, 30, days) > 0 ${who} AS OF '2025-03-01' WITH (context_size = 1000)`

t.test('in winter, who raced last season is expected back, and who retired years ago is not', async t => {
  const session = await product.connect(database)
  const { rows } = await session.query(question('FOR EACH racers.racer_id'))
  const [alone] = (await session.query(question('FOR racers.racer_id = 13'))).rows
  const forecast = await session.query(
    `PREDICT COUNT(starts.*, 0, 30, days) FORECAST 6 TIMEFRAMES FOR EACH racers.racer_id AS OF '2025-03-01' WITH (context_size = 1000, statistic = mean)`,
  )
  await session.end()
  const current = (row: { racer_id: number }) => row.racer_id % 14 === 13
  const sum = (values: number[]) => values.reduce((a, b) => a + b, 0)
  const [active, retired] = [true, false].map(now =>
    rows.filter(row => current(row) === now).map(row => row.probability),
  )
  t.equal(active!.length, 20)
  t.ok(sum(active!) / 20 > 0.3, `${sum(active!).toFixed(2)} of 20 are expected`)
  t.ok(sum(retired!) < 2, `${sum(retired!).toFixed(2)} of ${retired!.length} retired ones are expected`)
  t.ok(
    Math.abs(alone.probability - rows.find(row => row.racer_id === 13).probability) < 1e-5,
    'whoever else is asked about',
  )
  const later = forecast.rows.filter(row => row.step > 1)
  const starts = sum(later.filter(current).map(row => row.prediction))
  t.ok(starts > 60, `${starts.toFixed(1)} starts of about 215 are expected in five months`)
  t.ok(sum(later.filter(row => !current(row)).map(row => row.prediction)) < 0.2 * starts, 'hardly any by retired ones')
})
