import t from 'tap'
import { formatReport, proxyUrl, type ReportFacts } from '../../src/cli/report.js'
import { suggest } from '../../src/cli/suggest.js'
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
    'PREDICT SUM(orders."Total Price" VIA customer, 0, 30, days) FOR customers.id\nIN (SELECT id FROM customers ORDER BY id LIMIT 5)',
  )
  t.equal(
    joined!.sql,
    'SELECT t.*, p.probability\nFROM customers t JOIN (PREDICT COUNT(orders.* VIA customer, 0, 30, days) = 0 FOR EACH customers.id) p USING (id)\nORDER BY p.probability DESC LIMIT 10',
  )
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
    'PREDICT COUNT(tickets.*, 0, 30, days) FOR seats.(hall, seat)\nIN (SELECT hall, seat FROM seats',
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
