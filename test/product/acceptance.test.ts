// Queries of the acceptance suite that ask for values, columns and forecasts, put to a database of its schema.

import t from 'tap'
import { startScene, startStage } from '../helpers/scene.js'

t.setTimeout(300_000)
const stage = await startStage(t)
const { direct: owner } = stage
const noise = (seed: string) => `((abs(hashtext(${seed})) % 10007) / 10007.0)`
await owner.query(`
  CREATE TYPE order_status AS ENUM ('pending', 'paid', 'completed', 'returned', 'refunded');
  CREATE TABLE users (user_id int PRIMARY KEY, signup_at timestamptz NOT NULL, country text, plan varchar(20), age int, ltv_score numeric, is_premium boolean,
    segment text, email text, interests text[], referrer_id int REFERENCES users, code char(3), token uuid);
  CREATE TABLE items (item_id int PRIMARY KEY, listed_at timestamptz NOT NULL, category text, brand text, price money, title text);
  CREATE TABLE orders (order_id bigint PRIMARY KEY, user_id int NOT NULL REFERENCES users, item_id int NOT NULL REFERENCES items, ordered_at timestamp NOT NULL,
    amount numeric, qty int, status order_status, discount numeric, note text, day date GENERATED ALWAYS AS ((ordered_at)::date) STORED);
  CREATE TABLE sessions (session_id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, started_at timestamptz NOT NULL, device text, pages int);
  CREATE TABLE stock (item_id int REFERENCES items, warehouse text, level int, PRIMARY KEY (item_id, warehouse));
  INSERT INTO users SELECT i, '2024-01-01'::timestamptz + i * '1 day'::interval, (ARRAY['US', 'CA', 'FR'])[1 + i % 3], CASE WHEN ${noise(`'p' || i`)} < 0.7 THEN 'free' ELSE 'pro' END,
      20 + (i % 3) * 15 + (${noise(`'a' || i`)} * 10)::int, ${noise(`'l' || i`)} * 100, i % 4 = 0, (ARRAY['a', 'b', 'c'])[1 + (i % 3 + (${noise(`'s' || i`)} * 1.3)::int) % 3], 'u' || i || '@example.com',
      ARRAY['x'], NULLIF(i / 10, 0), 'c' || i % 9, md5((i % 7)::text)::uuid FROM generate_series(1, 240) i;
  INSERT INTO items SELECT i, '2024-01-01', 'cat ' || i % 5, 'brand ' || i % 8, (i * 3)::money, 'title ' || i FROM generate_series(1, 50) i;
  INSERT INTO orders SELECT n, u, 1 + (u * 7 + n) % 50, '2024-10-01'::timestamp + n * '97 minutes'::interval, 5 + (u % 3) * 20 + ${noise(`'m' || n`)} * 10, 1 + n % 4,
      (enum_range(NULL::order_status))[1 + (u % 3 + (${noise(`'t' || n`)} * 1.2)::int) % 5], CASE WHEN n % 3 = 0 THEN 0.1 END, 'note' FROM generate_series(1, 4000) n, LATERAL (SELECT 1 + (n * 7919) % 240 AS u) s;
  INSERT INTO sessions SELECT n, 1 + (n * 31) % 240, '2024-10-01'::timestamptz + n * '2 hours'::interval, (ARRAY['phone', 'desktop'])[1 + n % 2], n % 12 FROM generate_series(1, 3000) n;
  INSERT INTO stock SELECT i, w, i * 10 + length(w) FROM generate_series(1, 50) i, unnest(ARRAY['north', 'south']) w;
  ANALYZE`)
const { client } = await startScene(t, stage)
await client.query(`SET predict.mode = 'fast'; SET predict.context_size = 800`)

const BINARY = ['prediction bool', 'probability float8']
const NUMERIC = ['prediction float8', 'lower float8', 'upper float8']
const several = (type: string) => [`prediction ${type}`, 'probability float8', 'probabilities jsonb']
const FORECAST = ['step int4', 'window_start timestamptz', 'window_end timestamptz', ...NUMERIC]

const ANSWERED: readonly (readonly [string, readonly string[], number])[] = [
  ['PREDICT users.age FOR users.user_id = 8', NUMERIC, 1],
  ['PREDICT users.segment FOR users.user_id IN (0, 1, 2)', several('text'), 2],
  ['PREDICT users.age > 40 FOR users.user_id IN (3, 4)', BINARY, 2],
  [`PREDICT users.plan = 'pro' FOR users.user_id IN (3, 4)`, BINARY, 2],
  [`PREDICT (users.age > 40 OR users.country = 'US') AND NOT users.plan = 'trial' FOR users.user_id = 3`, BINARY, 1],
  ['PREDICT users.signup_at > 2024-03-01 FOR users.user_id = 3', BINARY, 1],
  [`PREDICT users.segment IN ('a','b') FOR users.user_id = 3`, BINARY, 1],
  ['PREDICT orders.status FOR orders.order_id IN (3000, 3999) AS OF ENTITY TIME', several('order_status'), 2],
  ['PREDICT orders.status FOR orders.order_id IN (3000, 3999)', several('order_status'), 2],
  ['PREDICT orders.discount IS NULL FOR orders.order_id = 5', BINARY, 1],
  ['PREDICT users.is_premium FOR users.user_id = 4', BINARY, 1],
  ['PREDICT users.is_premium FOR users.user_id = 4 WITH (task = multiclass)', several('bool'), 1],
  ['PREDICT users.age FOR users.user_id = 4 WITH (task = multiclass)', several('int4'), 1],
  ['PREDICT users.code FOR users.user_id = 4', several('bpchar'), 1],
  ['PREDICT users.plan FOR users.user_id = 4', several('varchar'), 1],
  ['PREDICT users.token FOR users.user_id = 4', several('uuid'), 1],
  ['PREDICT users.referrer_id FOR users.user_id = 4', several('int4'), 1],
  ['PREDICT orders.item_id FOR orders.order_id = 3500 AS OF ENTITY TIME', several('int4'), 1],
  ['PREDICT items.price FOR items.item_id = 4', NUMERIC, 1],
  [
    'PREDICT stock.level FOR stock.(item_id, warehouse) IN ((3, $$north$$), (4, $$south$$))'.replaceAll('$$', `'`),
    NUMERIC,
    2,
  ],
  ['PREDICT users.segment FOR orders.order_id = 77', several('text'), 1],
  [`PREDICT users.age FOR users.user_id = 8 WHERE users.country = 'US' AS OF '2024-12-01'`, NUMERIC, 1],
  ['PREDICT SUM(orders.amount, 0, 7, days) FORECAST 8 TIMEFRAMES FOR items.item_id = 42', FORECAST, 8],
  ['PREDICT SUM(orders.amount, 0, 1, months) FORECAST 1 TIMEFRAMES FOR items.item_id = 42', FORECAST, 1],
  ['PREDICT SUM(orders.qty, 0, 1, days) FORECAST 14 TIMEFRAMES FOR items.item_id IN (1, 2)', FORECAST, 28],
  [
    'PREDICT AVG(orders.amount, 0, 10, days) FORECAST 2 TIMEFRAMES FOR users.user_id = 1 WITH (statistic = mean)',
    FORECAST,
    2,
  ],
  ['PREDICT LAST(orders.status, 0, 30, days) FOR users.user_id = 7', several('order_status'), 1],
  ['PREDICT FIRST(orders.amount, 0, 30) FOR users.user_id = 7', NUMERIC, 1],
  ['PREDICT LAST(orders.amount, 0, 30) = 2 FOR users.user_id = 7', BINARY, 1],
  ['PREDICT LAST(orders.item_id, 0, 30, days) FOR users.user_id = 7', several('int4'), 1],
  ['PREDICT LAST(orders.item_id->category, 0, 30, days) FOR users.user_id = 7', several('text'), 1],
  [`PREDICT FIRST(sessions.device WHERE sessions.pages > 3, 0, 7, days) FOR users.user_id = 7`, several('text'), 1],
  ['PREDICT COUNT(orders.*, 0, 30, days) FOR users.user_id = 7 WITH (task = multiclass)', several('int8'), 1],
  ['PREDICT COUNT(orders.*, 0, 30, days) > 1 FOR users.user_id = 7 WITH (task = multiclass)', several('bool'), 1],
]

for (const [pql, columns, rows] of ANSWERED) {
  t.test(pql, async t => {
    const found = await client.query(pql).catch(error => error)
    if (found instanceof Error) return t.fail(found.message, { ...found })
    const keys = found.fields.findIndex((f: { name: string }) => f.name === 'anchor_time')
    const { rows: types } = await owner.query('SELECT oid::int, typname FROM pg_type')
    const nameOf = new Map(types.map(row => [row.oid, row.typname]))
    t.same(
      found.fields
        .slice(keys + 1)
        .map((f: { name: string; dataTypeID: number }) => `${f.name} ${nameOf.get(f.dataTypeID)}`),
      columns,
    )
    t.equal(found.rows.length, rows)
    for (const row of found.rows) {
      t.ok(
        Object.values(row).every(value => value !== null && !Number.isNaN(value)),
        'nothing is missing',
      )
      if (row.probabilities) {
        const all = Object.values(row.probabilities) as number[]
        t.ok(Math.abs(all.reduce((a, b) => a + b, 0) - 1) < 1e-6, 'probabilities sum to 1')
      }
    }
  })
}
