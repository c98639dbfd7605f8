import t from 'tap'
import { lookAt } from '../../src/cli/activity.js'
import { formatReport, proxyUrl, type ReportFacts } from '../../src/cli/report.js'
import { candidates, suggest } from '../../src/cli/suggest.js'
import { loadGraph, proposeSchema } from '../../src/graph/catalog/index.js'
import { directUpstream } from '../helpers/direct-upstream.js'
import { connect, startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

async function seen(t: { teardown(work: () => void): void }, ddl: string) {
  const url = await postgres.createDatabase()
  const client = await connect(url)
  await client.query(ddl)
  await client.query('ANALYZE')
  await client.end()
  const session = await directUpstream(url)
  t.teardown(() => session.close())
  const graph = await loadGraph(session, { declared: { tables: [] } })
  return { graph, proposals: await proposeSchema(session, graph) }
}

const shop = `
  CREATE TABLE customers (id int PRIMARY KEY, name text);
  CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, gift_for int REFERENCES customers,
    at timestamptz NOT NULL, "Total Price" numeric NOT NULL);
  CREATE INDEX ON orders (customer);
  CREATE TABLE lines (order_id int NOT NULL REFERENCES orders, n int, PRIMARY KEY (order_id, n));
  CREATE TABLE payments (id int PRIMARY KEY, cust_no int NOT NULL);
  CREATE TABLE log (line text);
  INSERT INTO customers SELECT i, 'c' || i FROM generate_series(1, 200) i;
  INSERT INTO orders SELECT i, 1 + i % 200, NULL, timestamptz '2025-01-01' + i * interval '10 minutes', i FROM generate_series(1, 20000) i;
  INSERT INTO payments SELECT i, 1 + i % 200 FROM generate_series(1, 300) i;`

t.test('the report says what is used, what is not, and what to paste', async t => {
  const { graph, proposals } = await seen(t, shop)
  const facts: ReportFacts = {
    version: '1.2.3',
    server: '18.4',
    database: 'shop',
    role: 'app',
    catalog: graph,
    proposals,
    inferred: false,
    notices: [{ severity: 'WARNING', code: '01PQ6', message: 'something is odd', hint: 'look at it' }],
    suggestions: suggest(graph)[0]!.queries,
  }
  const text = formatReport(facts)
  t.match(text, 'pgpredict 1.2.3 before PostgreSQL 18.4: database shop, as app\n5 tables, 3 foreign keys')
  t.match(text, /^orders +~20,000 {3}id +at$/m)
  t.match(text, /^lines .* order_id, n +the latest of orders$/m)
  t.match(text, "COMMENT ON TABLE log IS '@predict key(…)';")
  t.match(text, "COMMENT ON TABLE payments IS '@predict link(cust_no -> customers.id)';")
  t.match(text, /CREATE INDEX .*ON orders \(gift_for/)
  t.notMatch(text, /CREATE INDEX .*ON lines/, 'small tables need none')
  t.match(text, 'warning: something is odd\n  look at it')
  t.match(text, /try:\n\n {2}-- which customers will have no orders in the next 30 days\?\n {2}PREDICT COUNT/)
})

t.test('queries are made from the schema: names quoted, the foreign key named where there are two', async t => {
  const [first] = suggest((await seen(t, shop)).graph)
  const [silent, much, joined] = first!.queries
  t.equal(
    silent!.sql,
    'PREDICT COUNT(orders.* VIA customer, 0, 30, days) = 0 FOR EACH customers.id\nORDER BY probability DESC LIMIT 10',
  )
  t.equal(
    much!.sql,
    'PREDICT SUM(orders."Total Price" VIA customer, 0, 30, days) FOR customers.id\nIN (SELECT customer FROM orders GROUP BY customer ORDER BY count(*) DESC, customer LIMIT 5)',
  )
  t.equal(
    joined!.sql,
    'SELECT t.*, p.probability\nFROM customers t JOIN (PREDICT COUNT(orders.* VIA customer, 0, 30, days) = 0 FOR EACH customers.id) p USING (id)\nORDER BY p.probability DESC LIMIT 10',
  )
})

t.test('a look at the rows finds what happens again and again, and what adds up', async t => {
  const url = await postgres.createDatabase()
  const client = await connect(url)
  t.teardown(() => client.end())
  await client.query(`
    CREATE TABLE buyers (id int PRIMARY KEY);
    CREATE TABLE goods (id int PRIMARY KEY);
    CREATE TABLE bills (id int PRIMARY KEY, buyer int REFERENCES buyers, at timestamptz NOT NULL);
    CREATE TABLE entries (id int PRIMARY KEY, bill int NOT NULL REFERENCES bills, good int NOT NULL REFERENCES goods,
      seller int, line int NOT NULL, year int NOT NULL, units int NOT NULL, fee numeric(8,2) NOT NULL, price numeric(8,2) NOT NULL,
      at timestamptz NOT NULL);
    INSERT INTO buyers SELECT generate_series(1, 300);
    INSERT INTO goods SELECT generate_series(1, 2000);
    INSERT INTO bills SELECT i, CASE WHEN i % 10 > 0 THEN 1 + (i * 7) % 300 END, timestamptz '2025-01-01' + i * interval '2 hours'
      FROM generate_series(1, 4000) i;
    INSERT INTO entries SELECT 4 * b.id + l, b.id, 1 + (b.id * 11 + l * 301) % 2000, 1, l, 2025, 1 + (b.id + l) % 50,
      (b.id % 7) + 0.25, (b.id * l % 90) + 0.99, b.at FROM bills b, generate_series(1, 4) l;
    CREATE INDEX ON entries (bill)`)
  await client.query('ANALYZE')
  const session = await directUpstream(url)
  t.teardown(() => session.close())
  const graph = await loadGraph(session, { declared: { tables: [] } })
  const seen = await lookAt(url, null, candidates(graph))
  const told = Object.fromEntries([...seen].map(([{ from, to }, a]) => [`${to.name} <- ${from.name}`, a]))
  t.equal(told['bills <- entries']!.recurs, 0, 'lines come with their bill, and never again')
  t.ok(told['buyers <- bills']!.recurs > 0.9)
  t.same(
    told['goods <- entries']!.amounts.map(({ name }) => name),
    ['price', 'fee', 'units'],
    'no ordinal, no constant',
  )
  const [first] = suggest(graph, seen)
  t.match(first!.queries[0]!.sql, /^PREDICT COUNT\(bills\.\*, 0, \d+, days\) = 0 FOR EACH buyers\.id\n/)
  t.match(first!.queries[1]!.sql, 'FROM bills WHERE buyer IS NOT NULL GROUP BY buyer ORDER BY count(*) DESC')
  t.same([...(await lookAt('postgres://127.0.0.1:1/none', null, candidates(graph)))], [], 'nothing seen is no failure')
})

t.test('a composite key is written as one', async t => {
  const { graph } = await seen(
    t,
    `CREATE TABLE seats (hall text, seat int, PRIMARY KEY (hall, seat));
     CREATE TABLE tickets (id int PRIMARY KEY, hall text NOT NULL, seat int NOT NULL, sold_at timestamptz NOT NULL,
       FOREIGN KEY (hall, seat) REFERENCES seats);`,
  )
  const [first] = suggest(graph)
  t.match(first!.queries[0]!.sql, 'FOR EACH seats.(hall, seat)\n')
  t.match(
    first!.queries[1]!.sql,
    'PREDICT COUNT(tickets.*, 0, 30, days) FOR seats.(hall, seat)\nIN (SELECT hall, seat FROM tickets GROUP BY hall, seat',
  )
  t.match(first!.queries[2]!.sql, 'USING (hall, seat)')
})

t.test('without a dated table that refers to another there is nothing to suggest', async t => {
  const { graph } = await seen(
    t,
    'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);',
  )
  t.same(suggest(graph), [])
})

t.test('the URL to paste names what it should and leaves the rest out', async t => {
  t.equal(proxyUrl('127.0.0.1', 6543, 'ann', 'sales'), 'postgres://ann@127.0.0.1:6543/sales')
  t.equal(proxyUrl('0.0.0.0', 6543, null, null), 'postgres://localhost:6543/')
  t.equal(proxyUrl('::1', 1, 'a b', 'c/d'), 'postgres://a%20b@[::1]:1/c%2Fd')
})
