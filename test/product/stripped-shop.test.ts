// A database without a single constraint: the report at start-up proposes every key and link that was lost, and with them, however they
// are accepted, predictions are what they were.

import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { runCli } from '../helpers/cli.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { connectTo, databaseOf, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const now = new Date('2026-03-05T13:07:00Z')

// everything that DROP can take away, indexes and NOT NULL included
const strip = `
  DO $$ DECLARE x record; BEGIN
    FOR x IN SELECT conrelid::regclass AS r, conname FROM pg_constraint c JOIN pg_class k ON k.oid = conrelid
        WHERE relnamespace = 'public'::regnamespace AND contype IN ('f', 'p', 'u', 'c') ORDER BY contype = 'f' DESC LOOP
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', x.r, x.conname);
    END LOOP;
    FOR x IN SELECT attrelid::regclass AS r, attname, attidentity <> '' AS identity FROM pg_attribute a JOIN pg_class k ON k.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND attnotnull LOOP
      IF x.identity THEN EXECUTE format('ALTER TABLE %s ALTER %I DROP IDENTITY', x.r, x.attname); END IF;
      EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', x.r, x.attname);
    END LOOP;
    FOR x IN SELECT indexrelid::regclass AS r FROM pg_index i JOIN pg_class k ON k.oid = indrelid WHERE relnamespace = 'public'::regnamespace LOOP
      EXECUTE format('DROP INDEX %s', x.r);
    END LOOP;
  END $$`

async function shop(stripped: boolean): Promise<string> {
  const url = await postgres.createDatabase()
  const client = await connect(url)
  await writeShop(client, { seed: 21, now, users: 500 })
  if (stripped) await client.query(strip)
  await client.query('ANALYZE')
  await client.end()
  return url
}

const questions = {
  churn: `PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (SELECT i FROM generate_series(1, 60) i)`,
  quantity: `PREDICT SUM(order_items.quantity, 0, 60, days) FOR users.user_id IN (SELECT i FROM generate_series(1, 60) i)`,
  sales: `PREDICT COUNT(order_items.*, 0, 30, days) FOR products.product_id IN (SELECT i FROM generate_series(1, 60) i)`,
}

type Answers = ReadonlyMap<string, readonly number[]>

/** Through a proxy at `url`. */
async function answers(url: string): Promise<Answers> {
  const client = await connectTo(url)
  const found = new Map<string, number[]>()
  for (const [name, sql] of Object.entries(questions)) {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    for (const row of rows)
      found.set(`${name} ${row[0]}`, row.filter((value: unknown) => typeof value === 'number').slice(-1))
  }
  await client.end()
  return found
}

function same(t: Test, a: Answers, b: Answers): void {
  t.same([...a.keys()].sort(), [...b.keys()].sort())
  const worst = Math.max(...[...a].map(([key, [x]]) => Math.abs(x! - b.get(key)![0]!) / Math.max(1, Math.abs(x!))))
  t.ok(worst <= 1e-5, `figures differ by at most ${worst}`)
}

const through = (url: string) => product.url(databaseOf(url))
const original = await answers(through(await shop(false)))

/** The report's text, and whatever `meanwhile` makes of a proxy that is up. */
async function report(
  t: Test,
  url: string,
  flags: string[],
  meanwhile: (url: string) => Promise<void> = async () => {},
) {
  const cli = runCli(['--upstream', url, '--listen', '127.0.0.1:0', ...flags], { cwd: t.testdir({}) })
  t.teardown(() => cli.child.kill('SIGKILL'))
  const [, listening] = await cli.until(/psql '(\S+)'/)
  await cli.until(/or, leaving the tables as they are:\n(.+\n)+/)
  await meanwhile(listening!)
  cli.child.kill('SIGTERM')
  await cli.exit
  return cli.stdout()
}

t.test(
  'the report proposes each lost key and link; its ALTER TABLE lines, pasted, give the same predictions',
  async t => {
    t.equal(original.size, 180)
    const url = await shop(true)
    const client = await connect(url)
    t.teardown(() => client.end())
    t.same(
      (
        await client.query(
          `SELECT count(*)::int AS n FROM pg_constraint c JOIN pg_class k ON k.oid = conrelid WHERE relnamespace = 'public'::regnamespace`,
        )
      ).rows,
      [{ n: 0 }],
    )
    await t.rejects(
      answers(through(url)),
      { code: /^PQ00[12]$/ },
      'without keys and links there is nothing to predict for',
    )
    const text = await report(t, url, [])
    const keys = {
      users: 'user_id',
      products: 'product_id',
      sessions: 'session_id',
      orders: 'order_id',
      order_items: 'order_item_id',
      reviews: 'review_id',
      notifications: 'notification_id',
    }
    for (const [table, key] of Object.entries(keys)) t.match(text, `ALTER TABLE ${table} ADD PRIMARY KEY (${key});`)
    const links = [
      'sessions (user_id) users (user_id)',
      'orders (user_id) users (user_id)',
      'orders (session_id) sessions (session_id)',
      'order_items (order_id) orders (order_id)',
      'order_items (product_id) products (product_id)',
      'reviews (user_id) users (user_id)',
      'reviews (product_id) products (product_id)',
      'notifications (user_id) users (user_id)',
    ]
    for (const link of links) {
      const [, from, columns, to, toColumns] = /^(\w+) (\S+) (\w+) (\S+)$/.exec(link)!
      t.match(text, `ALTER TABLE ${from} ADD FOREIGN KEY ${columns} REFERENCES ${to} ${toColumns}`)
    }
    const lines = [...text.matchAll(/^ {2}(ALTER TABLE .*;)$/gm)].map(([, line]) => line!)
    t.equal(lines.filter(line => line.includes('FOREIGN KEY')).length, links.length, 'and no link that never was')
    for (const line of lines) await client.query(line)
    await client.query('ANALYZE')
    same(t, await answers(through(url)), original)
  },
)

t.test('its COMMENT lines, pasted, and --infer-links, give the same predictions', async t => {
  const url = await shop(true)
  const text = await report(t, url, ['--infer-links'], async listening => same(t, await answers(listening), original))
  t.match(text, /used all the same/)
  const lines = [...text.matchAll(/^ {2}(COMMENT ON TABLE .*;)$/gm)].map(([, line]) => line!)
  t.equal(lines.length, 7)
  const client = await connect(url)
  for (const line of lines) await client.query(line)
  await client.end()
  same(t, await answers(through(url)), original)
})
