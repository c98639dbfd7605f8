import t from 'tap'
import { type Graph, loadGraph, nothingDeclared, proposeSchema } from '../../src/graph/catalog/index.js'
import { PgError } from '../../src/pg-error.js'
import { check, parsePredict } from '../../src/pql/index.js'
import { database, role, table, time } from './catalog-setup.js'

/** Rows one to n, a day apart: expressions may use i and the day `d`. */
const fill = (table: string, values: string, n = 200) =>
  `INSERT INTO ${table} SELECT ${values} FROM (SELECT i, timestamp '2020-01-01' + i * interval '1 day' AS d FROM generate_series(1, ${n}) i) s;`

t.test(
  'of several NOT NULL timestamps the one that is the smallest of its row is the time, wherever it stands',
  async t => {
    const { load } = await database(
      t,
      `CREATE TABLE a (id int PRIMARY KEY, edited timestamp NOT NULL, made timestamptz NOT NULL, sent timestamp);
     ${fill('a', "i, d + interval '3 hours', d, d - interval '1 year'")}
     CREATE TABLE nearly (id int PRIMARY KEY, x timestamp NOT NULL, y timestamp NOT NULL);
     ${fill('nearly', "i, d, d + CASE WHEN i % 100 = 0 THEN -1 ELSE 1 END * interval '1 hour'")}
     CREATE TABLE unclear (id int PRIMARY KEY, "odd x" timestamp NOT NULL, y timestamp NOT NULL);
     ${fill('unclear', "i, d, d + CASE WHEN i % 20 = 0 THEN -1 ELSE 1 END * interval '1 hour'")}
     CREATE TABLE same (id int PRIMARY KEY, x timestamp NOT NULL, y timestamp NOT NULL); ${fill('same', 'i, d, d')}
     CREATE TABLE dates (id int PRIMARY KEY, due date NOT NULL, ordered date NOT NULL, at timestamp);
     ${fill('dates', "i, d + 5 * interval '1 day', d, NULL")}
     CREATE TABLE both_kinds (id int PRIMARY KEY, day date NOT NULL, at timestamp NOT NULL); ${fill('both_kinds', "i, d - interval '1 week', d")}
     CREATE TABLE none (id int PRIMARY KEY, at timestamp); CREATE TABLE empty (id int PRIMARY KEY, x timestamp NOT NULL, y timestamp NOT NULL)`,
    )
    const graph = await load()
    t.equal(time(graph, 'a'), 'own made', 'nullable columns are no candidates')
    t.equal(time(graph, 'nearly'), 'own x', 'one row in a hundred may differ')
    t.equal(time(graph, 'unclear'), 'static')
    t.equal(time(graph, 'same'), 'own x')
    t.equal(time(graph, 'dates'), 'own ordered')
    t.equal(time(graph, 'both_kinds'), 'own at', 'dates only where there is no timestamp')
    t.equal(time(graph, 'none'), 'static')
    t.equal(time(graph, 'empty'), 'static')
    const unclear = graph.warnings.find(({ message }) => message.includes('unclear'))
    t.match(unclear, {
      detail: 'Candidates: "odd x", y.',
      hint: `COMMENT ON COLUMN unclear."odd x" IS '@predict time';`,
    })
    t.same(graph.warnings.length, 2, 'and one for the empty table')
    t.ok(graph.unsettled.has(table(graph, 'empty').oid))
  },
)

t.test('an undated table takes the latest of its not-null parents, recursively', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE orders (id int PRIMARY KEY, at timestamptz NOT NULL);
     CREATE TABLE batches (id int PRIMARY KEY, packed timestamptz NOT NULL);
     CREATE TABLE colours (id int PRIMARY KEY);
     CREATE TABLE items (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, batch_id int NOT NULL REFERENCES batches,
       colour_id int NOT NULL REFERENCES colours, spare_for int REFERENCES orders);
     CREATE TABLE parts (id int PRIMARY KEY, item_id int NOT NULL REFERENCES items);
     CREATE TABLE notes (id int PRIMARY KEY, order_id int REFERENCES orders);
     CREATE TABLE tints (id int PRIMARY KEY, colour_id int NOT NULL REFERENCES colours)`,
  )
  const graph = await load()
  t.equal(time(graph, 'items'), 'inherited batches,orders')
  t.equal(time(graph, 'parts'), 'inherited items')
  t.equal(time(graph, 'notes'), 'static', 'a nullable parent lends no time')
  t.equal(time(graph, 'tints'), 'static')
})

t.test('circles and references to the same table end', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE dated (id int PRIMARY KEY, at timestamptz NOT NULL);
     CREATE TABLE tree (id int PRIMARY KEY, parent int NOT NULL REFERENCES tree);
     CREATE TABLE leaf (id int PRIMARY KEY, self int NOT NULL REFERENCES leaf, dated_id int NOT NULL REFERENCES dated);
     CREATE TABLE a (id int PRIMARY KEY, b int NOT NULL);
     CREATE TABLE b (id int PRIMARY KEY, a int NOT NULL REFERENCES a, c int NOT NULL);
     CREATE TABLE c (id int PRIMARY KEY, a int NOT NULL REFERENCES a, dated_id int NOT NULL REFERENCES dated);
     ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b; ALTER TABLE b ADD FOREIGN KEY (c) REFERENCES c`,
  )
  const graph = await load()
  t.equal(time(graph, 'tree'), 'static')
  t.equal(time(graph, 'leaf'), 'inherited dated')
  t.same(
    ['a', 'b', 'c'].map(name => time(graph, name)),
    ['inherited b', 'inherited c', 'inherited dated'],
  )
})

t.test('a birthday does not date its row merely for being a date', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE drivers (id int PRIMARY KEY, dob date NOT NULL);
     ${fill('drivers', "i, d - (18 + i % 40) * interval '1 year'")}
     CREATE TABLE results (id int PRIMARY KEY, driver_id int NOT NULL REFERENCES drivers, at timestamptz NOT NULL);
     ${fill('results', 'i, i, d')}
     CREATE TABLE staff (id int PRIMARY KEY, born date NOT NULL, hired date NOT NULL);
     ${fill('staff', "i, d - 30 * interval '1 year', d - interval '1 month'")}
     CREATE TABLE pay (id int PRIMARY KEY, staff_id int NOT NULL REFERENCES staff, day date NOT NULL); ${fill('pay', 'i, i, d')}
     CREATE TABLE bookings (id int PRIMARY KEY, at timestamptz NOT NULL); ${fill('bookings', 'i, d')}
     CREATE TABLE travellers (id int PRIMARY KEY, booking_id int NOT NULL REFERENCES bookings, born date NOT NULL);
     ${fill('travellers', "i, i, d - 30 * interval '1 year'")}
     CREATE TABLE alone (id int PRIMARY KEY, born date NOT NULL, hired date NOT NULL);
     ${fill('alone', "i, d - 30 * interval '1 year', d")}`,
  )
  const graph = await load()
  t.equal(time(graph, 'drivers'), 'static', 'all that refers to it came years later')
  t.equal(time(graph, 'results'), 'own at')
  t.equal(time(graph, 'staff'), 'own hired')
  t.equal(time(graph, 'pay'), 'own day')
  t.equal(time(graph, 'travellers'), 'inherited bookings', 'it lies before what the row refers to')
  t.equal(time(graph, 'alone'), 'static', 'decades apart: only the user knows')
  t.match(graph.warnings.map(({ detail }) => detail).sort(), [
    'Candidates: born, hired.',
    'Candidates: born.',
    'Candidates: dob.',
  ])
})

t.test('a date that behaves like the time of a row is one', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE customers (id int PRIMARY KEY, since date NOT NULL); ${fill('customers', 'i, d')}
     CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, day date NOT NULL);
     ${fill('orders', "i, i, d + i % 90 * interval '1 day'")}
     CREATE TABLE shipments (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, at timestamptz NOT NULL);
     ${fill('shipments', "i, i, d + (i % 90 + 3) * interval '1 day'")}`,
  )
  const graph = await load()
  t.same(
    ['customers', 'orders', 'shipments'].map(name => time(graph, name)),
    ['own since', 'own day', 'own at'],
  )
  t.same(graph.warnings, [])
})

t.test("the user's word is taken over what the rows say", async t => {
  const { load } = await database(
    t,
    `CREATE TABLE a (id int PRIMARY KEY, made timestamp NOT NULL, known timestamp, until timestamp NOT NULL); ${fill('a', 'i, d, d, d')}
     COMMENT ON COLUMN a.known IS '@predict time';
     CREATE TABLE b (id int PRIMARY KEY, starts timestamp NOT NULL, made timestamp NOT NULL); ${fill('b', "i, d - interval '1 day', d")}
     COMMENT ON COLUMN b.starts IS '@predict exclude'`,
  )
  const graph = await load()
  t.equal(time(graph, 'a'), 'own known')
  t.equal(time(graph, 'b'), 'own made')
})

t.test('nothing is read where reading may fail for reasons of its own', async t => {
  const reader = await role()
  const { session } = await database(
    t,
    `CREATE EXTENSION postgres_fdw; CREATE SERVER gone FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
     CREATE USER MAPPING FOR PUBLIC SERVER gone OPTIONS (user 'x', password 'x');
     CREATE FOREIGN TABLE far (id int NOT NULL, x timestamp NOT NULL, y timestamp NOT NULL) SERVER gone;
     CREATE FOREIGN TABLE far_one (id int NOT NULL, x timestamp NOT NULL) SERVER gone;
     CREATE TABLE tenants (id int PRIMARY KEY, x timestamp NOT NULL, y timestamp NOT NULL); ${fill('tenants', 'i, d, d')}
     ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
     CREATE POLICY own ON tenants USING (id = current_setting('app.tenant')::int);
     CREATE TABLE rows (id int PRIMARY KEY, x timestamp NOT NULL, y timestamp NOT NULL); ${fill('rows', 'i, d, d')}
     ALTER TABLE rows ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON rows USING (id < 50);
     GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${reader}`,
  )
  const graph = await loadGraph(await session(reader), { declared: nothingDeclared })
  t.equal(time(graph, 'far'), 'static')
  t.equal(time(graph, 'far_one'), 'own x')
  t.equal(time(graph, 'tenants'), 'static')
  t.equal(time(graph, 'rows'), 'own x')
  t.match(graph.warnings.map(({ message }) => message).sort(), [
    /table far .* not sampled/,
    /table tenants .* not sampled/,
  ])
})

t.test('where no time is NOT NULL, one without a NULL will do, and so will a foreign key without', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE orders (id int PRIMARY KEY, shipped date, required date, ordered date);
     ${fill('orders', "i, CASE WHEN i < 190 THEN d + interval '3 days' END, d + interval '9 days', d")}
     CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES orders); ${fill('items', 'i, i')}
     CREATE TABLE notes (id int PRIMARY KEY, order_id int REFERENCES orders); ${fill('notes', 'i, nullif(i, 150)')}
     CREATE TABLE people (id int PRIMARY KEY, born date); ${fill('people', "i, d + i * 7919 % 400 * interval '1 day'")}
     CREATE TABLE late_hole (id int PRIMARY KEY, at timestamp); ${fill('late_hole', 'i, CASE WHEN i < 1500 THEN d END', 2000)}
     ANALYZE late_hole`,
  )
  const graph = await load()
  t.equal(time(graph, 'orders'), 'own ordered')
  t.equal(time(graph, 'items'), 'inherited orders')
  t.equal(time(graph, 'notes'), 'static', 'some rows would never be seen')
  t.equal(time(graph, 'people'), 'static', 'rows were not written in the order of it')
  t.equal(time(graph, 'late_hole'), 'static', 'statistics know of NULLs beyond the sample')
})

t.test('the moment when rows were loaded or last touched is not their time', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE films (id int PRIMARY KEY, last_update timestamptz NOT NULL); ${fill('films', "i, '2024-05-05'")}
     CREATE TABLE copies (id int PRIMARY KEY, film_id int NOT NULL REFERENCES films, last_update timestamptz NOT NULL);
     ${fill('copies', "i, i, '2024-02-02'")}
     CREATE TABLE rentals (id int PRIMARY KEY, copy_id int NOT NULL REFERENCES copies, last_update timestamptz NOT NULL, rented timestamptz NOT NULL);
     ${fill('rentals', "i, i, timestamp '2019-02-02', d")}`,
  )
  const graph = await load()
  t.equal(time(graph, 'rentals'), 'own rented', 'though the other is the smaller')
  t.equal(time(graph, 'copies'), 'static', 'rentals came before')
  t.equal(time(graph, 'films'), 'static', 'copies came before, whatever their own time is worth')
})

t.test('who has only the number of a year is told how to make a time of it', async t => {
  const { load, owner } = await database(
    t,
    `CREATE TABLE players (id int PRIMARY KEY); INSERT INTO players SELECT generate_series(1, 30);
     CREATE TABLE pay (player_id int NOT NULL REFERENCES players, "yearID" smallint NOT NULL, PRIMARY KEY ("yearID", player_id));
     INSERT INTO pay SELECT p, y FROM generate_series(1980, 1999) y, generate_series(1, 30) p`,
  )
  const { syntax } = parsePredict('PREDICT COUNT(pay.*, 0, 1, years) = 0 FOR EACH players.id', { statement: true })
  const ask = (graph: Graph) => check(syntax, graph, { paramTypes: [] })
  const refused = await load()
    .then(ask)
    .catch((error: PgError) => error)
  t.ok(refused instanceof PgError)
  await owner.run((refused as PgError).hint!)
  const graph = await load()
  t.equal(time(graph, 'pay'), 'own yearID_start')
  t.ok(ask(graph))
})

t.test('a materialised view without rows yet fails nothing', async t => {
  const { load, owner } = await database(
    t,
    `CREATE TABLE a (id int PRIMARY KEY, x timestamp NOT NULL, y timestamp NOT NULL); ${fill('a', 'i, d, d')}
     CREATE MATERIALIZED VIEW later AS SELECT * FROM a WITH NO DATA`,
  )
  const graph = await load()
  t.equal(time(graph, 'a'), 'own x')
  t.equal(time(graph, 'later'), 'static')
  t.resolves(proposeSchema(owner, graph))
})

t.test('a materialised view has its time where its columns hold no NULL', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE a (id int PRIMARY KEY, x timestamp, y timestamp NOT NULL); ${fill('a', "i, CASE WHEN i % 3 > 0 THEN d - interval '1 day' END, d")}
     CREATE MATERIALIZED VIEW full_one AS SELECT id, y FROM a; CREATE MATERIALIZED VIEW holes AS SELECT id, x FROM a;
     CREATE MATERIALIZED VIEW two AS SELECT id, x, y FROM a WHERE x IS NOT NULL`,
  )
  const graph = await load()
  t.same(
    ['full_one', 'holes', 'two'].map(name => time(graph, name)),
    ['own y', 'static', 'own x'],
  )
})

t.test('all tables are sampled in the same few statements', async t => {
  const { owner } = await database(
    t,
    `${[1, 2, 3].map(n => `CREATE TABLE t${n} (id int PRIMARY KEY, x timestamp NOT NULL, y timestamp NOT NULL); ${fill(`t${n}`, 'i, d, d', 1500)}`).join('\n')}`,
  )
  const statements: string[] = []
  const graph = await loadGraph(
    {
      query: (sql, params) => {
        statements.push(sql)
        return owner.query(sql, params)
      },
    },
    { declared: nothingDeclared },
  )
  t.equal(statements.length, 3)
  t.equal(graph.unsettled.size, 0)
})
