// Nothing later than the anchor is read: whatever is done to the future, the model is handed the same bytes.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { directUpstream } from '../helpers/direct-upstream.js'
import { difference, type Features, featuresOf } from '../helpers/features.js'
import { connect, startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

/** What is done to the future, one after the other: each step may build on those before it. */
type Steps = readonly (readonly [what: string, sql: string])[]

async function holds(t: Test, url: string, questions: Readonly<Record<string, string>>, steps: Steps): Promise<void> {
  const owner = await connect(url)
  const session = await directUpstream(url)
  t.teardown(async () => {
    session.close()
    await owner.end()
  })
  const before = new Map<string, Features>()
  for (const [name, pql] of Object.entries(questions)) {
    const features = await featuresOf(session, pql)
    before.set(name, features)
    t.ok(features.batch.rows > 100 && features.query.rows > 10 && features.names.length > 10, `${name}: has features`)
    t.ok(new Set(features.batch.y).size > 1, `${name}: labels differ`)
  }
  for (const [what, sql] of steps) {
    const { rowCount } = (await owner.query(sql)) as { rowCount: number | null }
    t.not(rowCount, 0, `${what}: something is changed`)
    for (const [name, pql] of Object.entries(questions))
      t.equal(difference(before.get(name)!, await featuresOf(session, pql)), null, `${name}: ${what}`)
  }
}

const now = new Date('2026-03-05T13:07:00Z')
const at = '2026-01-10 08:00:00+00'

// beside the shop: dates that may be missing, children of undated and of inherited-time parents, a static parent of dated rows
const extras = `
  ALTER TABLE users ADD COLUMN blocked_on date, ADD COLUMN vip_until timestamptz;
  UPDATE users SET blocked_on = '${at}'::date + (user_id % 60)::int - 30 WHERE user_id % 3 = 0;
  UPDATE users SET vip_until = '${at}'::timestamptz + (user_id % 90 - 45) * interval '1 day' WHERE user_id % 2 = 0;
  CREATE TABLE warehouses (warehouse_id int PRIMARY KEY, city text NOT NULL, size int NOT NULL);
  INSERT INTO warehouses SELECT i, 'city' || i % 3, i * 10 FROM generate_series(1, 24) i;
  ALTER TABLE orders ADD COLUMN warehouse_id int REFERENCES warehouses, ADD COLUMN due_on timestamp;
  UPDATE orders SET warehouse_id = 1 + order_id % 24,
    due_on = CASE WHEN order_id % 4 > 0 THEN created_at + (order_id % 40) * interval '1 day' END;
  CREATE TABLE campaigns (campaign_id int PRIMARY KEY, name text NOT NULL, starts_on date NOT NULL);
  INSERT INTO campaigns SELECT i, 'c' || i % 5, '2025-02-01'::date + i * 14 FROM generate_series(1, 28) i;
  CREATE TABLE coupons (coupon_id int PRIMARY KEY, campaign_id int NOT NULL REFERENCES campaigns, off numeric NOT NULL);
  INSERT INTO coupons SELECT i, 1 + i % 28, i % 7 FROM generate_series(1, 140) i;
  CREATE TABLE redemptions (redemption_id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users,
    coupon_id int NOT NULL REFERENCES coupons, redeemed_at timestamptz NOT NULL);
  INSERT INTO redemptions (user_id, coupon_id, redeemed_at)
    SELECT o.user_id, c.coupon_id, o.created_at FROM orders o JOIN campaigns p ON p.starts_on <= o.created_at AND p.starts_on > o.created_at - interval '14 days'
      JOIN coupons c USING (campaign_id) WHERE o.order_id % 5 = c.coupon_id % 5;
  ANALYZE`

const late = (column: string) => `${column} > '${at}'`
const lateOrders = `(SELECT order_id FROM orders WHERE ${late('created_at')})`

const shopSteps: Steps = [
  [
    'later values of later rows change',
    `UPDATE orders SET status = 'returned', total = total * 7 + 1000, discount = 0.9 WHERE ${late('created_at')};
     UPDATE order_items SET quantity = 99, unit_price = 1.5 WHERE order_id IN ${lateOrders};
     UPDATE sessions SET pages = 500, device = 'fridge', referrer = 'future' WHERE ${late('started_at')};
     UPDATE reviews SET rating = 1, body = repeat('x', 500) WHERE ${late('created_at')};
     UPDATE notifications SET campaign = 'future', channel = 'pigeon' WHERE ${late('sent_at')};
     UPDATE products SET price = 9999, category = 'future', stock = -1 WHERE ${late('listed_at')};
     UPDATE users SET country = 'ZZ', marketing = NOT marketing WHERE ${late('created_at')};
     UPDATE coupons SET off = 1000 WHERE campaign_id IN (SELECT campaign_id FROM campaigns WHERE ${late('starts_on')});
     UPDATE campaigns SET name = 'future' WHERE ${late('starts_on')}`,
  ],
  [
    'times after the anchor become other times after it, in rows from before it',
    `UPDATE users SET last_seen_at = last_seen_at + interval '400 days' WHERE ${late('last_seen_at')} AND NOT ${late('created_at')};
     UPDATE users SET vip_until = vip_until + interval '3 years' WHERE ${late('vip_until')};
     UPDATE users SET blocked_on = blocked_on + 1000 WHERE ${late('blocked_on')};
     UPDATE orders SET updated_at = updated_at + interval '77 days' WHERE ${late('updated_at')} AND NOT ${late('created_at')};
     UPDATE orders SET due_on = due_on + interval '9 years' WHERE ${late('due_on')};
     UPDATE notifications SET opened_at = opened_at + interval '1 month' WHERE ${late('opened_at')}`,
  ],
  [
    'times after the anchor are missing, in rows from before it',
    `UPDATE users SET vip_until = NULL WHERE ${late('vip_until')};
     UPDATE users SET blocked_on = NULL WHERE ${late('blocked_on')};
     UPDATE orders SET due_on = NULL WHERE ${late('due_on')};
     UPDATE notifications SET opened_at = NULL WHERE ${late('opened_at')}`,
  ],
  [
    'later rows are added to every dated table, and undated rows that only those refer to',
    `INSERT INTO warehouses SELECT i, 'future' || i, i FROM generate_series(100, 160) i;
     INSERT INTO users (user_id, email, country, channel, marketing, created_at)
       SELECT 100000 + i, 'f' || i || '@x', 'FF', 'social', true, '${at}'::timestamptz + i * interval '1 minute' FROM generate_series(1, 500) i;
     INSERT INTO products (product_id, sku, category, price, weight_kg, stock, listed_at)
       SELECT 100000 + i, 'F' || i, 'future', 5, 1, 1, '${at}'::timestamptz + i * interval '1 hour' FROM generate_series(1, 100) i;
     INSERT INTO sessions (session_id, user_id, started_at, duration, pages, device)
       SELECT 1000000 + i, 1 + i % 250, '${at}'::timestamptz + i * interval '3 minutes', '1 s', 999, 'fridge' FROM generate_series(1, 4000) i;
     INSERT INTO orders (order_id, user_id, total, created_at, updated_at, warehouse_id)
       SELECT 1000000 + i, CASE WHEN i % 2 = 0 THEN 1 + i % 250 ELSE 100001 + i % 500 END, 7000, '${at}'::timestamptz + i * interval '5 minutes',
         '${at}'::timestamptz + i * interval '6 minutes', 100 + i % 61 FROM generate_series(1, 4000) i;
     INSERT INTO order_items (order_item_id, order_id, product_id, quantity, unit_price)
       SELECT 1000000 + i, 1000000 + i, CASE WHEN i % 2 = 0 THEN 1 + i % 100 ELSE 100001 + i % 100 END, 50, 3 FROM generate_series(1, 4000) i;
     INSERT INTO reviews (review_id, user_id, product_id, rating, created_at)
       SELECT 1000000 + i, 1 + i % 250, 1 + i % 100, 1, '${at}'::timestamptz + i * interval '20 minutes' FROM generate_series(1, 2000) i;
     INSERT INTO notifications (notification_id, user_id, campaign, channel, sent_at)
       SELECT 1000000 + i, 1 + i % 250, 'future', 'pigeon', '${at}'::timestamptz + i * interval '1 hour' FROM generate_series(1, 1000) i;
     INSERT INTO campaigns SELECT 1000 + i, 'future', '${at}'::date + i FROM generate_series(1, 40) i;
     INSERT INTO coupons SELECT 10000 + i, 1001 + i % 40, 100 FROM generate_series(1, 400) i;
     INSERT INTO redemptions (user_id, coupon_id, redeemed_at)
       SELECT 1 + i % 250, 10001 + i % 250, '${at}'::timestamptz + (50 + i) * interval '1 day' FROM generate_series(1, 800) i;
     ANALYZE`,
  ],
  [
    'every later row is gone',
    `DELETE FROM redemptions WHERE ${late('redeemed_at')};
     DELETE FROM coupons WHERE campaign_id IN (SELECT campaign_id FROM campaigns WHERE ${late('starts_on')})
       AND coupon_id NOT IN (SELECT coupon_id FROM redemptions);
     DELETE FROM campaigns WHERE ${late('starts_on')} AND campaign_id NOT IN (SELECT campaign_id FROM coupons);
     DELETE FROM reviews WHERE ${late('created_at')};
     DELETE FROM notifications WHERE ${late('sent_at')};
     DELETE FROM order_items WHERE order_id IN ${lateOrders};
     DELETE FROM orders WHERE ${late('created_at')};
     DELETE FROM sessions WHERE ${late('started_at')};
     DELETE FROM products WHERE ${late('listed_at')};
     DELETE FROM users WHERE ${late('created_at')};
     DELETE FROM warehouses WHERE warehouse_id >= 100;
     ANALYZE`,
  ],
]

t.test('the shop: nothing done after the anchor changes a byte of what the model is handed', async t => {
  const url = await postgres.createDatabase()
  const client = await connect(url)
  await writeShop(client, { seed: 3, now, users: 450 })
  await client.query(extras)
  await client.end()
  const asOf = `AS OF '${at}'`
  await holds(
    t,
    url,
    {
      churn: `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.user_id ${asOf}`,
      'quantity over two foreign keys': `PREDICT SUM(order_items.quantity, 0, 30, days) FOR EACH users.user_id ${asOf}`,
      'active users only': `PREDICT COUNT(sessions.*, 0, 14, days) FOR EACH users.user_id WHERE COUNT(orders.*, -90, 0, days) > 0 ${asOf}`,
      'dates that may be missing': `PREDICT COUNT(notifications.opened_at, 0, 30, days) FOR EACH users.user_id ${asOf}`,
      products: `PREDICT COUNT(order_items.*, 0, 30, days) FOR EACH products.product_id ${asOf}`,
      'an undated entity': `PREDICT AVG(orders.total, 0, 7, days) FOR EACH warehouses.warehouse_id ${asOf}`,
    },
    shopSteps,
  )
})

const data = [process.env.PGPREDICT_DATA ?? '', 'shared/data', '../shared/data'].find(
  dir => dir && existsSync(path.join(dir, 'f1')),
)
const then = `'2008-06-01'`
const dated = ['races', 'results', 'standings', 'constructor_results', 'constructor_standings', 'qualifying']

const f1Steps: Steps = [
  [
    'later values of later rows change, and their times',
    `UPDATE results SET grid = 99, positionorder = 99, points = 1000, laps = 1, statusid = 1 - statusid WHERE date > ${then};
     UPDATE standings SET points = 9999, position = 77, wins = 100 WHERE date > ${then};
     UPDATE qualifying SET position = 55, number = -3 WHERE date > ${then};
     UPDATE constructor_results SET points = -5 WHERE date > ${then};
     UPDATE constructor_standings SET points = -5, position = 1000, wins = 4 WHERE date > ${then};
     UPDATE races SET name = 'future', round = 99, year = 3000 WHERE date > ${then};
     ${dated.map(table => `UPDATE ${table} SET date = date + interval '40 days' WHERE date > ${then}`).join(';')}`,
  ],
  [
    'later rows are added, with drivers, teams and circuits that only they refer to',
    `INSERT INTO drivers SELECT 10000 + i, 'f' || i, NULL, 'f', 'f', '1950-01-01', 'Martian' FROM generate_series(1, 3000) i;
     INSERT INTO constructors SELECT 10000 + i, 'f' || i, 'f' || i, 'Martian' FROM generate_series(1, 50) i;
     INSERT INTO circuits SELECT 10000 + i, 'f' || i, 'f', 'f', 'Mars', 0, 0, 0 FROM generate_series(1, 50) i;
     INSERT INTO races SELECT 10000 + i, 2050, i, 10001 + i % 50, 'future', ${then}::timestamp + i * interval '2 days' FROM generate_series(1, 300) i;
     INSERT INTO results (resultid, raceid, driverid, constructorid, positionorder, statusid, date)
       SELECT 100000 + i, 10001 + i % 300, CASE WHEN i % 2 = 0 THEN 1 + i % 60 ELSE 10001 + i % 3000 END, 10001 + i % 50, 1, 1,
         ${then}::timestamp + (1 + i % 300) * interval '2 days' FROM generate_series(1, 6000) i;
     INSERT INTO qualifying (qualifyid, raceid, driverid, constructorid, position, date)
       SELECT 100000 + i, 10001 + i % 300, CASE WHEN i % 2 = 0 THEN 1 + i % 60 ELSE 10001 + i % 3000 END, 10001 + i % 50, 1,
         ${then}::timestamp + (1 + i % 300) * interval '2 days' FROM generate_series(1, 6000) i;
     ANALYZE`,
  ],
  [
    'every later row is gone',
    `${[...dated]
      .reverse()
      .map(table => `DELETE FROM ${table} WHERE date > ${then}`)
      .join(';')};
     DELETE FROM circuits c WHERE NOT EXISTS (SELECT FROM races r WHERE r.circuitid = c.circuitid);
     DELETE FROM drivers d WHERE NOT EXISTS (SELECT FROM results r WHERE r.driverid = d.driverid)
       AND NOT EXISTS (SELECT FROM qualifying q WHERE q.driverid = d.driverid) AND NOT EXISTS (SELECT FROM standings s WHERE s.driverid = d.driverid);
     DELETE FROM constructors WHERE constructorid > 10000;
     ANALYZE`,
  ],
]

t.test(
  'Formula 1: nothing done after the anchor changes a byte of what the model is handed',
  { skip: data ? false : 'the database f1 is not here (PGPREDICT_DATA)' },
  async t => {
    const url = await postgres.createDatabase()
    const { hostname, port, username, pathname } = new URL(url)
    const env = { PGHOST: hostname, PGPORT: port, PGUSER: username, PGDATABASE: pathname.slice(1) }
    await promisify(execFile)('bash', [path.join(data!, 'f1/load.sh')], { env: { ...process.env, ...env } })
    const asOf = `AS OF ${then}`
    const raced = `ASSUMING COUNT(results.*, 0, 60, days) > 0`
    await holds(
      t,
      url,
      {
        position: `PREDICT AVG(results.positionorder, 0, 60, days) FOR EACH drivers.driverid ${raced} ${asOf}`,
        top3: `PREDICT MIN(qualifying.position, 0, 30, days) <= 3 FOR EACH drivers.driverid ASSUMING COUNT(qualifying.*, 0, 30, days) > 0 ${asOf}`,
        'no race at all': `PREDICT COUNT(results.*, 0, 30, days) = 0 FOR EACH drivers.driverid ${asOf}`,
        circuits: `PREDICT COUNT(races.*, 0, 365, days) FOR EACH circuits.circuitid ${asOf}`,
      },
      f1Steps,
    )
  },
)
