// A target that is one of several values is answered with the likeliest in its own type, and a probability for each.

import t from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { startScene, startStage } from '../helpers/scene.js'

t.setTimeout(300_000)
const stage = await startStage(t)
const { direct: owner } = stage
await writeShop(owner, { seed: 11, now: new Date('2026-03-05T13:07:00Z'), users: 400 })
// a favourite a user, which is what comes next nine times out of ten
await owner.query(`CREATE TYPE taste AS ENUM ('sweet', 'sour', 'salty', 'bitter');
  CREATE TABLE shops (shop_id uuid PRIMARY KEY, name text NOT NULL);
  INSERT INTO shops SELECT md5(i::text)::uuid, 'shop ' || i FROM generate_series(1, 40) i;
  CREATE TABLE visits (visit_id int PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, shop_id uuid NOT NULL REFERENCES shops,
    taste taste NOT NULL, at timestamptz NOT NULL);
  INSERT INTO visits SELECT row_number() OVER (), u, md5((1 + (CASE WHEN noise < 0.1 THEN (noise * 1000)::int ELSE u END) % 40)::text)::uuid,
    (enum_range(NULL::taste))[1 + (CASE WHEN noise < 0.1 THEN (noise * 1000)::int ELSE u END) % 4], '2025-06-01'::timestamptz + (d * 11 + u % 11) * '1 day'::interval
    FROM generate_series(1, 300) u, generate_series(0, 24) d, LATERAL (SELECT (abs(hashint4(u * 1000 + d)) % 10007) / 10007.0 AS noise) n;
  ANALYZE`)
const { client } = await startScene(t, stage)
await client.query(`SET predict.mode = 'fast'`)

const question = (value: string, scope: string, rest = '') =>
  `PREDICT LAST(visits.${value}, 0, 30, days) ${scope} ASSUMING COUNT(visits.*, 0, 30, days) > 0 ${rest}`
const each = 'FOR EACH users.user_id WHERE COUNT(visits.*, -90, 0, days) > 0'

interface Row {
  readonly user_id: string
  readonly prediction: string
  readonly probability: number
  readonly probabilities: Record<string, number>
}

t.test('an enum: its own type, probabilities of every value that sum to 1, and what was always so', async t => {
  const { rows, fields } = await client.query<Row>(question('taste', each, "AS OF '2026-01-10'"))
  const { rows: types } = await owner.query(`SELECT 'taste'::regtype::oid::int AS oid`)
  t.same(
    fields.map(f => [f.name, f.dataTypeID]),
    [
      ['user_id', 20],
      ['anchor_time', 1184],
      ['prediction', types[0].oid],
      ['probability', 701],
      ['probabilities', 3802],
    ],
  )
  t.equal(rows.length, 300)
  for (const { prediction, probability, probabilities } of rows) {
    const all = Object.values(probabilities)
    if (Math.abs(all.reduce((a, b) => a + b, 0) - 1) > 1e-6) t.fail('probabilities do not sum to 1')
    if (Math.abs(probability - probabilities[prediction]!) > 1e-8) t.fail('probability is not that of the prediction')
    if (probability < Math.max(...all) - 1e-8) t.fail('the prediction is not the likeliest value')
  }
  t.same(Object.keys(rows[0]!.probabilities).sort(), ['bitter', 'salty', 'sour', 'sweet'])
  const { rows: truth } = await owner.query(
    `SELECT DISTINCT ON (user_id) user_id, taste FROM visits WHERE at > '2026-01-10' AND at <= '2026-02-09' ORDER BY user_id, at DESC`,
  )
  const next = new Map(truth.map(row => [row.user_id, row.taste]))
  const right = rows.filter(row => next.get(row.user_id) === row.prediction).length
  t.ok(right >= 0.85 * rows.length, `${right} of ${rows.length} come true`)
})

t.test('a foreign key of forty values is told from its own past, as a uuid', async t => {
  const { rows, fields } = await client.query<Row>(
    question('shop_id', 'FOR users.user_id IN (1, 2, 3, 41)', "AS OF '2026-01-10'"),
  )
  t.equal(fields[2]!.dataTypeID, 2950)
  const { rows: names } = await owner.query(
    'SELECT i, md5((1 + i % 40)::text)::uuid AS id FROM unnest(ARRAY[1, 2, 3, 41]) i',
  )
  t.same(
    rows.map(row => row.prediction),
    names.map(({ id }) => id),
  )
})

t.test('alone, in a list, in FOR EACH, in binary format: the same answer', async t => {
  const rest = "AS OF '2026-01-10'"
  const all = (await client.query<Row>(question('taste', 'FOR EACH users.user_id', rest))).rows
  const of = new Map(all.map(row => [row.user_id, row]))
  for (const id of ['5', '77', '300']) {
    const [alone] = (await client.query<Row>(question('taste', `FOR users.user_id = ${id}`, rest))).rows
    t.same(alone, of.get(id))
  }
  const { rows } = await client.query<Row>({
    text: question('taste', 'FOR users.user_id = ANY ($1)', rest),
    values: [[5, 77]],
    binary: true,
  } as never)
  const [version, ...document] = String(rows[1]!.probabilities)
  t.equal(version, '\u0001')
  t.same(JSON.parse(document.join('')), of.get('77')!.probabilities)
  t.equal(String(rows[0]!.prediction), of.get('5')!.prediction)
})

t.test('column probes run no inference, and say the types', async t => {
  const began = performance.now()
  const { fields } = await client.query(
    `SELECT prediction, probabilities FROM (${question('shop_id', each)}) p LIMIT 0`,
  )
  t.same(
    fields.map(f => f.dataTypeID),
    [2950, 3802],
  )
  t.ok(performance.now() - began < 1000)
})

t.test('values that hardly ever come again are refused with their count', async t => {
  await t.rejects(client.query(question('visit_id', each, 'WITH (task = multiclass)')), {
    code: '22023',
    message: 'the target has too many different values to be told apart',
    detail: /^It has \d{3,} values in \d{3,} examples; up to 1000 are answered\.$/,
  })
})

t.test('first and last numbers are numbers, and conditions on them are conditions', async t => {
  const last = await client.query(`PREDICT LAST(orders.total, 0, 60, days) FOR users.user_id IN (1, 2, 3)`)
  t.ok(last.rows.every(row => row.lower <= row.prediction && row.prediction <= row.upper))
  const { rows } = await client.query(
    `PREDICT LAST(visits.taste, 0, 30, days) = 'sour' FOR users.user_id IN (1, 2) ASSUMING COUNT(visits.*, 0, 30, days) > 0 AS OF '2026-01-10'`,
  )
  t.ok(rows[0].probability > 0.6 && rows[1].probability < 0.4)
})
