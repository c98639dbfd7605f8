import t from 'tap'
import { truth, writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres } from '../helpers/postgres.js'

const now = new Date('2026-03-05T13:07:00Z')
const earlier = new Date('2026-01-24T09:30:00Z')
const DAY = 86_400_000
const tables = ['users', 'products', 'sessions', 'orders', 'order_items', 'reviews', 'notifications']

t.setTimeout(180_000)
const postgres = await startPostgres()
t.teardown(() => postgres.stop())

async function shop(asOf?: Date, users = 800, seed = 7) {
  const client = await connect(await postgres.createDatabase())
  t.teardown(() => client.end())
  const { rows } = await writeShop(client, { seed, now, asOf, users })
  const all = async (sql: string) => (await client.query({ text: sql, rowMode: 'array' })).rows as unknown[][]
  return { client, rows, all }
}

t.test('the whole shop has about 300,000 rows and loads in seconds', async t => {
  const started = performance.now()
  const { rows, all } = await shop(undefined, 5000)
  t.ok(rows > 250_000 && rows < 400_000, `${rows} rows`)
  t.ok(performance.now() - started < 30_000)
  const [[users, orders, sessions]] = (await all(
    'SELECT (SELECT count(*) FROM users)::int, (SELECT count(*) FROM orders)::int, (SELECT count(*) FROM sessions)::int',
  )) as [[number, number, number]]
  t.equal(users, 5000)
  t.ok(sessions > orders && orders > users)
  const [[late]] = (await all(`SELECT max(created_at) FROM orders`)) as [[Date]]
  t.ok(late <= now && now.getTime() - late.getTime() < DAY, 'the data ends at now')
})

t.test('the same seed and now give the same rows, another seed others', async t => {
  const digest = async (database: Awaited<ReturnType<typeof shop>>) => {
    const sums = tables.map(table => `(SELECT md5(string_agg(x::text, chr(10) ORDER BY x::text)) FROM ${table} x)`)
    return (await database.all(`SELECT ${sums.join(', ')}`))[0]
  }
  const [one, two, other] = [
    await digest(await shop()),
    await digest(await shop()),
    await digest(await shop(undefined, 800, 8)),
  ]
  t.same(one, two)
  t.not(one![2], other![2])
})

t.test('an earlier state is the later one without later rows, and with in-place columns as they were', async t => {
  const [then, today] = [await shop(earlier), await shop()]
  const at = `'${earlier.toISOString()}'`
  const columns = {
    users: ['user_id, email, country, channel, birth_date, marketing, interests, created_at', `created_at <= ${at}`],
    sessions: ['sessions', `started_at <= ${at}`],
    orders: ['order_id, user_id, session_id, total, discount, created_at', `created_at <= ${at}`],
    order_items: ['order_items', `order_id IN (SELECT order_id FROM orders WHERE created_at <= ${at})`],
    products: ['product_id, sku, category, price, weight_kg, tags, listed_at', `listed_at <= ${at}`],
    reviews: ['reviews', `created_at <= ${at}`],
  }
  for (const [table, [what, visible]] of Object.entries(columns)) {
    const before = await then.all(`SELECT ${what} FROM ${table} ORDER BY 1`)
    t.same(before, await today.all(`SELECT ${what} FROM ${table} WHERE ${visible} ORDER BY 1`), table)
    t.ok(before.length > 0)
  }
  const count = async (sql: string) => Number((await then.all(sql))[0]![0])
  t.equal(
    await count(
      'SELECT count(*) FROM users u WHERE order_count <> (SELECT count(*) FROM orders o WHERE o.user_id = u.user_id)',
    ),
    0,
  )
  t.equal(
    await count(
      'SELECT count(*) FROM users u WHERE last_seen_at <> (SELECT greatest(u.created_at, max(started_at)) FROM sessions s WHERE s.user_id = u.user_id)',
    ),
    0,
  )
  t.equal(await count(`SELECT count(*) FROM users WHERE last_seen_at > ${at}`), 0)
  t.equal(await count(`SELECT count(*) FROM orders WHERE updated_at > ${at} OR updated_at < created_at`), 0)
  t.equal(await count(`SELECT count(*) FROM notifications WHERE sent_at > ${at} OR opened_at > ${at}`), 0)
  t.ok(
    (await count(
      `SELECT count(*) FROM orders WHERE status = 'shipped' AND created_at > ${at}::timestamptz - interval '6 days'`,
    )) > 0,
  )
  const [[moved]] = (await today.all(
    `SELECT count(*)::int FROM orders WHERE status <> 'delivered' AND created_at <= ${at}`,
  )) as [[number]]
  t.ok(
    (await count(`SELECT count(*) FROM orders WHERE status <> 'delivered'`)) > moved,
    'orders on their way then have arrived now',
  )
})

t.test('the truth is calibrated, and as far from certain as a real shop is', async t => {
  const { all } = await shop(undefined, 3000)
  const probabilities = truth({ seed: 7, now, at: earlier, paths: 60, users: 3000 })
  const ordered = new Set(
    (
      await all(`SELECT DISTINCT user_id FROM orders
      WHERE created_at > '${earlier.toISOString()}' AND created_at <= '${earlier.toISOString()}'::timestamptz + interval '30 days'`)
    ).map(([id]) => Number(id)),
  )
  const [[signedUp]] = (await all(
    `SELECT count(*)::int FROM users WHERE created_at <= '${earlier.toISOString()}'`,
  )) as [[number]]
  t.equal(probabilities.size, signedUp)
  const cases = [...probabilities].map(([id, p]) => ({ p, quiet: ordered.has(id) ? 0 : 1 })).sort((a, b) => a.p - b.p)
  const mean = (part: typeof cases, key: 'p' | 'quiet') => part.reduce((sum, c) => sum + c[key], 0) / part.length
  const rate = mean(cases, 'quiet')
  t.ok(rate > 0.4 && rate < 0.8, `rate ${rate}`)
  for (let fifth = 0; fifth < 5; fifth++) {
    const part = cases.slice((cases.length * fifth) / 5, (cases.length * (fifth + 1)) / 5)
    const sd = Math.sqrt(part.reduce((sum, c) => sum + c.p * (1 - c.p), 0)) / part.length
    const [said, happened] = [mean(part, 'p'), mean(part, 'quiet')]
    t.ok(
      Math.abs(said - happened) < 4 * sd,
      `fifth ${fifth + 1}: ${said.toFixed(3)} said, ${happened.toFixed(3)} happened`,
    )
  }
  const positives = cases.filter(c => c.quiet === 1).length
  let [negativesBelow, concordant] = [0, 0]
  for (const { quiet } of cases) {
    if (quiet) concordant += negativesBelow
    else negativesBelow++
  }
  const auroc = concordant / positives / (cases.length - positives)
  t.ok(auroc > 0.85 && auroc < 0.97, `AUROC ${auroc.toFixed(3)}`)
})
