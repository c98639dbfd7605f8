// A made-up database as large as asked for: people, things, what people do with things, and orders. Foreign keys are indexed, and times where asked for.

import { connect } from './postgres.js'

/** Four fifths of `rows` are events, a fifth orders; people sign up over 700 days, and grow tired. */
export async function writeLargeTables(url: string, people: number, rows: number, times = false): Promise<void> {
  const client = await connect(url)
  const [events, orders] = [Math.round(rows * 0.8), Math.round(rows * 0.2)]
  const each = `${(700 * 86_400) / people} * interval '1 second'`
  const signed = `timestamptz '2024-11-01' + u * ${each}`
  const later = `s + (timestamptz '2026-11-01' - s) * power(random(), 1 + (abs(hashint4(u)) % 7) / 3.0)`
  const who = (n: number) =>
    `(SELECT i, u, ${signed} AS s FROM (SELECT i, 1 + floor(${people} * power(random(), 1.4))::int AS u FROM generate_series(1, ${n}) i) a) b`
  for (const sql of [
    `SET work_mem = '256MB'; SET maintenance_work_mem = '512MB'; SELECT setseed(0.5)`,
    `CREATE UNLOGGED TABLE products AS SELECT i AS product_id, 'c' || (i % 17) AS category, (5 + (i * 7919 % 9500) / 100.0)::numeric(8, 2) AS price FROM generate_series(1, 2000) i`,
    `CREATE UNLOGGED TABLE users AS SELECT u AS user_id, (ARRAY['DE','FR','NL','PL','ES','IT'])[1 + abs(hashint4(u)) % 6] AS country, ${signed} AS signed_up FROM generate_series(1, ${people}) u`,
    `CREATE UNLOGGED TABLE events AS SELECT i::bigint AS event_id, u AS user_id, 1 + floor(2000 * power(random(), 2))::int AS product_id, (ARRAY['view','cart','search'])[1 + abs(hashint8(i)) % 3] AS kind, ${later} AS at FROM ${who(events)}`,
    `CREATE UNLOGGED TABLE orders AS SELECT i::bigint AS order_id, u AS user_id, ${later} AS created_at, (5 + 95 * random())::numeric(8, 2) AS total FROM ${who(orders)}`,
    'ALTER TABLE products ADD PRIMARY KEY (product_id); ALTER TABLE users ADD PRIMARY KEY (user_id); ALTER TABLE users ALTER signed_up SET NOT NULL',
    'ALTER TABLE events ADD PRIMARY KEY (event_id); ALTER TABLE events ALTER at SET NOT NULL, ALTER user_id SET NOT NULL, ALTER product_id SET NOT NULL',
    'ALTER TABLE orders ADD PRIMARY KEY (order_id); ALTER TABLE orders ALTER created_at SET NOT NULL, ALTER user_id SET NOT NULL',
    'CREATE INDEX ON events (user_id); CREATE INDEX ON events (product_id); CREATE INDEX ON orders (user_id)',
    'ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users, ADD FOREIGN KEY (product_id) REFERENCES products',
    'ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users',
    ...(times ? ['CREATE INDEX ON events (at); CREATE INDEX ON orders (created_at)'] : []),
    'VACUUM ANALYZE',
  ])
    await client.query(sql)
  await client.end()
}
