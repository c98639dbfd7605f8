// FORECAST answers with a row for each window ahead: windows as Postgres counts them in the session's time zone, learnt from past windows
// counted alike.

import t from 'tap'
import { loadGraph, nothingDeclared } from '../../src/graph/catalog/index.js'
import { anchorSql, gridOf } from '../../src/graph/extract/anchors.js'
import { SqlParams } from '../../src/graph/extract/sql.js'
import { extractionOf } from '../../src/graph/extract/statement.js'
import { createDecoder } from '../../src/infer/decode/decoder.js'
import { check, parsePredict } from '../../src/pql/index.js'
import { contextSizes } from '../../src/rewrite/limits.js'
import { directUpstream } from '../helpers/direct-upstream.js'
import { startScene, startStage } from '../helpers/scene.js'

t.setTimeout(300_000)
const stage = await startStage(t)
const { direct: owner, url } = stage
// 60 stores; many sales at weekends, and the more the higher the store's number
await owner.query(`CREATE TABLE stores (store_id int PRIMARY KEY, name text NOT NULL);
  CREATE TABLE sales (sale_id int PRIMARY KEY, store_id int NOT NULL REFERENCES stores, amount numeric NOT NULL, at timestamptz NOT NULL);
  INSERT INTO stores SELECT i, 'store ' || i FROM generate_series(1, 60) i;
  INSERT INTO sales SELECT row_number() OVER (), i, 1 + n % 5, '2025-01-06 00:00+00'::timestamptz + d * '1 day'::interval + n * '37 minutes'::interval
    FROM generate_series(1, 60) i, generate_series(0, 179) d,
      LATERAL (SELECT (CASE WHEN d % 7 >= 5 THEN 4 ELSE 1 END * (1 + i % 3) + (abs(hashint4(i * 1000 + d)) % 2)) AS many) m, generate_series(1, many) n;
  ANALYZE`)
const { client } = await startScene(t, stage)
await client.query(`SET TimeZone = 'Europe/Berlin'; SET predict.mode = 'fast'`)

const daily = (scope: string, steps = 7) =>
  `PREDICT COUNT(sales.*, 0, 1, days) FORECAST ${steps} TIMEFRAMES ${scope} AS OF '2025-06-22 23:30+00'`

t.test('a row for each window of each entity, with its bounds', async t => {
  const { rows, fields } = await client.query(
    `PREDICT SUM(sales.amount, 0, 1, months) FORECAST 3 TIMEFRAMES FOR stores.store_id IN (7, 2) AS OF '2025-05-31 10:00+02'`,
  )
  t.same(
    fields.map(f => [f.name, f.dataTypeID]),
    [
      ['store_id', 23],
      ['anchor_time', 1184],
      ['step', 23],
      ['window_start', 1184],
      ['window_end', 1184],
      ['prediction', 701],
      ['lower', 701],
      ['upper', 701],
    ],
  )
  t.same(
    rows.map(row => [row.store_id, row.step]),
    [
      [7, 1],
      [7, 2],
      [7, 3],
      [2, 1],
      [2, 2],
      [2, 3],
    ],
  )
  const { rows: bounds } = await client.query(
    `SELECT '2025-05-31 10:00+02'::timestamptz + (s - 1) * '1 month'::interval AS a, '2025-05-31 10:00+02'::timestamptz + s * '1 month'::interval AS b FROM generate_series(1, 3) s`,
  )
  for (const [i, row] of rows.entries()) {
    t.same([row.window_start, row.window_end], [bounds[i % 3].a, bounds[i % 3].b])
    t.ok(row.lower <= row.prediction && row.prediction <= row.upper && row.lower >= 0)
  }
})

t.test('labels of every step are those of its window alone, across a change of the clock', async t => {
  const upstream = await directUpstream(url)
  t.teardown(() => upstream.close())
  await upstream.run(`SET TimeZone = 'Europe/Berlin'`)
  const graph = await loadGraph(upstream, { declared: nothingDeclared })
  const { syntax } = parsePredict(daily('FOR EACH stores.store_id', 5), { statement: true })
  const { task } = check(syntax, graph, { paramTypes: [] })
  const params = new SqlParams([])
  const [row] = await upstream.query(anchorSql(task, params), params.list)
  const [anchor, oldest] = row!.map(value => value!.readBigInt64BE())
  const grid = gridOf(anchor!, oldest!, task.horizon!, task.reach!)
  const context = contextSizes(task.options)
  const {
    sql,
    params: list,
    spec,
  } = extractionOf({ task, grid, context, seed: 42, mostEntities: 10, use: null, client: [] })
  const decoder = createDecoder(spec)
  await upstream.stream(sql, list, payload => decoder.push(payload))
  const { pairs, anchors } = decoder.finish()
  t.equal(pairs.labels.length, 5)
  t.ok(anchors.time[2]! <= Number(anchor! - 5n * 86_400_000_000n), 'every step of the newest example has closed')
  await owner.query(`SET TimeZone = 'Europe/Berlin'`)
  const march = anchors.time.findIndex(time => time < (Date.UTC(2025, 2, 28, 12) - Date.UTC(2000, 0, 1)) * 1000)
  const sums = pairs.labels.map(labels => {
    let sum = 0
    for (let i = 0; i < pairs.count; i++) if (pairs.role[i] === 0 && pairs.anchor[i] === march) sum += labels[i]!
    return sum
  })
  const { rows } = await owner.query(
    `SELECT s, (SELECT count(*)::int FROM sales WHERE at > a + (s - 1) * '1 day'::interval AND at <= a + s * '1 day'::interval) AS n
       FROM generate_series(1, 5) s, (SELECT '2000-01-01 00:00+00'::timestamptz + $1::float8 * '1 microsecond'::interval AS a) a ORDER BY s`,
    [anchors.time[march]],
  )
  t.same(
    sums,
    rows.map(r => r.n),
  )
})

t.test('what comes again every week is seen coming', async t => {
  const { rows } = await client.query(daily('FOR EACH stores.store_id'))
  t.equal(rows.length, 420)
  const { rows: truth } = await owner.query(
    `SELECT store_id, s, (SELECT count(*)::int FROM sales x WHERE x.store_id = stores.store_id AND at > a + (s - 1) * '1 day'::interval AND at <= a + s * '1 day'::interval) AS n
       FROM stores, generate_series(1, 7) s, (SELECT '2025-06-22 23:30+00'::timestamptz AS a) a`,
  )
  const actual = new Map(truth.map(row => [`${row.store_id} ${row.s}`, row.n]))
  const mean = truth.reduce((sum, row) => sum + row.n, 0) / truth.length
  let [ours, flat] = [0, 0]
  for (const { store_id, step, prediction } of rows) {
    ours += Math.abs(prediction - actual.get(`${store_id} ${step}`))
    flat += Math.abs(mean - actual.get(`${store_id} ${step}`))
  }
  t.ok(ours < 0.4 * flat, `${ours / 420} a day, against ${flat / 420} of a flat line`)
})

t.test('alone, in a list, in FOR EACH: the same rows', async t => {
  const { rows: all } = await client.query(daily('FOR EACH stores.store_id'))
  for (const scope of ['FOR stores.store_id = 9', 'FOR stores.store_id IN (31, 9)']) {
    const { rows } = await client.query(daily(scope))
    for (const row of rows) {
      const same = all.find(other => other.store_id === row.store_id && other.step === row.step)
      for (const name of ['prediction', 'lower', 'upper'])
        if (Math.abs(row[name] - same[name]) > 1e-5 * Math.max(1, Math.abs(same[name]))) t.fail(`${scope}: ${name}`)
      t.same(row.window_end, same.window_end)
    }
  }
})

t.test('many windows, and too many', async t => {
  const { rows } = await client.query(`${daily('FOR stores.store_id = 4', 40)} WITH (context_size = 600)`)
  t.equal(rows.length, 40)
  t.ok(rows.every(row => Number.isFinite(row.prediction)))
  await t.rejects(client.query(daily('FOR stores.store_id = 4', 4000)), { code: 'PQ004' })
})
