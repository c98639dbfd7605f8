import t from 'tap'
import { loadGraph, missingIndexes, missingTimeIndex, nothingDeclared } from '../../src/graph/catalog/index.js'
import { arrows, database, has, names, role, server, table } from './catalog-setup.js'

t.test('columns carry their own type, the base of a domain, labels and array types', async t => {
  const { load } = await database(
    t,
    `CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
     CREATE DOMAIN email AS text CHECK (value LIKE '%@%');
     CREATE DOMAIN work_email AS email;
     CREATE DOMAIN inner_mood AS mood;
     CREATE SCHEMA away; CREATE TYPE away.shade AS ENUM ('dark');
     CREATE TABLE a (i int PRIMARY KEY, gone text, w work_email, m mood, im inner_mood, s away.shade, c char(3), v varchar(9),
       n numeric(10,2), l bigint[], j jsonb, u uuid, b bool, f float4, d date, ts timestamp(0), tz timestamptz, tm time, iv interval,
       by bytea, mo money, na name, ve tsvector);
     ALTER TABLE a DROP COLUMN gone`,
  )
  const a = table(await load(), 'a')
  const column = (name: string) => a.columns.find(column => column.name === name)!
  t.same(names(a.columns)!.slice(0, 3), ['i', 'w', 'm'], 'a dropped column is no column')
  t.equal(column('w').attnum, 3)
  t.same([column('w').typeName, column('w').baseType, column('w').typeClass], ['work_email', 25, 'text'])
  t.not(column('w').type, 25)
  t.same([column('m').typeClass, column('m').labels], ['enum', ['sad', 'ok', 'happy']])
  t.same([column('im').typeClass, column('im').labels], ['enum', ['sad', 'ok', 'happy']])
  t.equal(column('s').typeName, 'away.shade')
  t.equal(column('c').typeName, 'bpchar', 'no length: a cast must not cut')
  t.equal(column('v').typeName, 'character varying')
  t.equal(column('i').arrayType, 1007)
  t.same(a.columns.map(({ name, typeClass }) => `${name} ${typeClass}`).slice(3), [
    'im enum',
    's enum',
    'c text',
    'v text',
    'n number',
    'l array',
    'j json',
    'u uuid',
    'b bool',
    'f number',
    'd date',
    'ts timestamp',
    'tz timestamptz',
    'tm time',
    'iv interval',
    'by other',
    'mo number',
    'na text',
    've other',
  ])
})

t.test('a key is the primary key, else the unique not-null index of fewest and leftmost columns', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE pk (a int, b int, c text NOT NULL UNIQUE, PRIMARY KEY (b, a));
     CREATE TABLE uq (a int NOT NULL, b int NOT NULL, c int NOT NULL, UNIQUE (a, b), UNIQUE (c));
     CREATE TABLE nullable (a int UNIQUE);
     CREATE TABLE partial (a int NOT NULL); CREATE UNIQUE INDEX ON partial (a) WHERE a > 0;
     CREATE TABLE expression (a text NOT NULL); CREATE UNIQUE INDEX ON expression (lower(a));
     CREATE TABLE late (a int NOT NULL UNIQUE DEFERRABLE);
     CREATE TABLE covering (a int NOT NULL, b int); CREATE UNIQUE INDEX ON covering (a) INCLUDE (b)`,
  )
  const graph = await load()
  t.same(names(table(graph, 'pk').key), ['b', 'a'])
  t.same(names(table(graph, 'uq').key), ['c'])
  t.same(names(table(graph, 'covering').key), ['a'])
  for (const name of ['nullable', 'partial', 'expression', 'late']) t.equal(table(graph, name).key, null, name)
})

t.test(
  'foreign keys: composite, to the table itself, several between the same tables, nullable, indexed or not',
  async t => {
    const { load } = await database(
      t,
      `CREATE TABLE places (country text, city text, PRIMARY KEY (country, city));
     CREATE TABLE people (id int PRIMARY KEY, boss int REFERENCES people, country text NOT NULL, city text NOT NULL,
       FOREIGN KEY (city, country) REFERENCES places (city, country));
     CREATE TABLE commits (id int PRIMARY KEY, author_id int NOT NULL REFERENCES people, committer_id int REFERENCES people,
       reviewer_id int REFERENCES people);
     CREATE INDEX ON people (country, city, boss);
     CREATE INDEX ON commits USING hash (author_id);
     CREATE INDEX ON commits (committer_id) WHERE committer_id IS NOT NULL;
     CREATE INDEX ON commits (reviewer_id) WHERE id > 10`,
    )
    const graph = await load()
    t.same(arrows(graph), [
      'commits(author_id) -> people(id)',
      'commits(committer_id) -> people(id)',
      'commits(reviewer_id) -> people(id)',
      'people(boss) -> people(id)',
      'people(city,country) -> places(city,country)',
    ])
    const link = (column: string) => graph.links.find(({ columns }) => columns[0].name === column)!
    t.same(
      ['author_id', 'committer_id', 'reviewer_id', 'boss', 'city'].map(name => link(name).indexed),
      [true, true, false, false, true],
    )
    t.same(
      ['author_id', 'committer_id', 'city'].map(name => link(name).notNull),
      [true, false, true],
    )
    const people = table(graph, 'people')
    t.equal(people.parents.length, 2)
    t.equal(people.children.length, 4, 'itself included')
    t.equal(link('boss').from, people)
    t.equal(link('boss').to, people)
    t.same(
      graph.links.map(({ id }) => id),
      graph.links.map((_, i) => i),
    )
    t.same(
      missingIndexes(graph)
        .map(({ sql }) => sql)
        .sort(),
      ['CREATE INDEX CONCURRENTLY ON commits (reviewer_id);', 'CREATE INDEX CONCURRENTLY ON people (boss);'],
    )
  },
)

t.test('a proposed index has the time behind the key, and its line runs', async t => {
  const { load, owner } = await database(
    t,
    `CREATE TABLE users (id int PRIMARY KEY);
     CREATE TABLE "Odd Table" (id int PRIMARY KEY, "user" int REFERENCES users, at timestamptz NOT NULL);
     CREATE TABLE parts (user_id int REFERENCES users, at timestamptz NOT NULL) PARTITION BY RANGE (at)`,
  )
  const lines = missingIndexes(await load()).map(({ sql }) => sql)
  t.same([...lines].sort(), [
    'CREATE INDEX CONCURRENTLY ON "Odd Table" ("user", at);',
    'CREATE INDEX ON parts (user_id, at);',
  ])
  for (const line of lines) await owner.run(line)
  t.same(missingIndexes(await load()), [])
})

t.test('the time of a large table should be indexed, by an index that holds all rows in order', async t => {
  const { load, owner } = await database(
    t,
    `CREATE TABLE small (id int PRIMARY KEY, at timestamptz NOT NULL);
     CREATE TABLE large (id int PRIMARY KEY, at timestamptz NOT NULL);
     CREATE INDEX ON large (id, at); CREATE INDEX ON large USING brin (at); CREATE INDEX ON large (at) WHERE id > 5`,
  )
  await owner.run(`UPDATE pg_class SET reltuples = 2e6 WHERE oid = 'large'::regclass`)
  const lines = async () => (await load()).tables.map(missingTimeIndex).filter(line => line !== null)
  t.same(await lines(), ['CREATE INDEX CONCURRENTLY ON large (at);'])
  await owner.run((await lines())[0]!)
  await owner.run(`UPDATE pg_class SET reltuples = 2e6 WHERE oid = 'large'::regclass`)
  t.same(await lines(), [])
})

t.test('a role sees what it may SELECT: other tables, columns, keys and links do not exist', async t => {
  const [analyst, clerk] = [await role(), await role()]
  const { session, load } = await database(
    t,
    `CREATE TABLE customers (id int PRIMARY KEY, name text, secret text);
     CREATE TABLE orders (id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, amount numeric);
     CREATE TABLE salaries (id int PRIMARY KEY);
     CREATE SCHEMA closed; CREATE TABLE closed.inside (id int PRIMARY KEY);
     GRANT SELECT ON closed.inside TO ${analyst};
     GRANT SELECT (id, name) ON customers TO ${analyst};
     GRANT SELECT ON orders TO ${analyst};
     GRANT SELECT (name, secret) ON customers TO ${clerk};
     GRANT SELECT (id, amount) ON orders TO ${clerk}`,
  )
  const one = await loadGraph(await session(analyst), { declared: nothingDeclared })
  t.same(one.tables.map(({ name }) => name).sort(), ['customers', 'orders'])
  t.same(names(table(one, 'customers').columns), ['id', 'name'])
  t.same(arrows(one), ['orders(customer_id) -> customers(id)'])
  t.equal(one.role.name, analyst)
  const two = await loadGraph(await session(clerk), { declared: nothingDeclared })
  t.same(names(table(two, 'customers').columns), ['name', 'secret'])
  t.equal(table(two, 'customers').key, null, 'a key the role cannot read is none')
  t.same(two.links, [])
  t.not(one.fingerprint, two.fingerprint)
  t.equal((await load()).tables.length, 4)
})

t.test('what row-level security, a view, a foreign or a temporary table gives must not be kept', async t => {
  const reader = await role()
  const bypasser = await role('BYPASSRLS')
  const { session } = await database(
    t,
    `CREATE TABLE plain (id int PRIMARY KEY);
     CREATE UNLOGGED TABLE quick (id int PRIMARY KEY);
     CREATE TABLE secured (id int PRIMARY KEY, owner name);
     ALTER TABLE secured ENABLE ROW LEVEL SECURITY;
     CREATE POLICY mine ON secured USING (owner = current_user);
     CREATE TABLE forced (id int PRIMARY KEY);
     ALTER TABLE forced ENABLE ROW LEVEL SECURITY; ALTER TABLE forced FORCE ROW LEVEL SECURITY;
     CREATE VIEW keyed AS SELECT * FROM plain; COMMENT ON VIEW keyed IS '@predict key(id)';
     CREATE VIEW unkeyed AS SELECT * FROM plain;
     CREATE MATERIALIZED VIEW stored AS SELECT * FROM plain;
     CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
     CREATE FOREIGN TABLE far (id int NOT NULL) SERVER nowhere;
     CREATE TABLE mixed (id int, at date NOT NULL) PARTITION BY RANGE (at);
     CREATE FOREIGN TABLE mixed_old PARTITION OF mixed FOR VALUES FROM ('2000-01-01') TO ('2001-01-01') SERVER nowhere;
     CREATE ROLE owner_${reader}; ALTER TABLE secured OWNER TO owner_${reader}; ALTER TABLE forced OWNER TO owner_${reader};
     GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${reader}, ${bypasser}`,
  )
  const cacheable = async (who: string, before = '') => {
    const upstream = await session(who)
    if (before) await upstream.run(before)
    const graph = await loadGraph(upstream, { declared: nothingDeclared })
    return graph.tables
      .filter(table => table.cacheable)
      .map(({ name }) => name)
      .sort()
  }
  t.same(await cacheable(reader), ['plain', 'quick', 'stored'])
  t.same(await cacheable(bypasser), ['forced', 'plain', 'quick', 'secured', 'stored'])
  t.same(await cacheable('postgres', `SET ROLE owner_${reader}`), ['secured'], 'the owner is exempt unless forced')
  const upstream = await session()
  await upstream.run('CREATE TEMP TABLE mine (id int PRIMARY KEY)')
  const graph = await loadGraph(upstream, { declared: nothingDeclared })
  t.equal(table(graph, 'mine').cacheable, false)
  t.equal(table(graph, 'mine').visible, true)
  t.notOk(has(graph, 'unkeyed'), 'a view without a key is not usable')
  t.notOk(
    has(await loadGraph(await session(), { declared: nothingDeclared }), 'mine'),
    "another session's is not there",
  )
  t.same(
    ['plain', 'keyed', 'stored', 'far', 'mixed'].map(name => table(graph, name).kind),
    ['table', 'view', 'materialized view', 'foreign', 'partitioned'],
  )
})

t.test('a partitioned table counts once, foreign keys from and to it included', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE users (id int PRIMARY KEY);
     CREATE TABLE events (id int, at date NOT NULL, user_id int NOT NULL REFERENCES users, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
     CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
     CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2021-01-01') TO ('2022-01-01') PARTITION BY LIST (id);
     CREATE TABLE events_2a PARTITION OF events_2 DEFAULT;
     CREATE TABLE notes (id int PRIMARY KEY, event_id int, event_at date, FOREIGN KEY (event_id, event_at) REFERENCES events);
     CREATE INDEX ON events (user_id);
     INSERT INTO users VALUES (1); INSERT INTO events SELECT i, '2020-03-01', 1 FROM generate_series(1, 500) i;
     INSERT INTO events SELECT i, '2021-03-01', 1 FROM generate_series(1, 300) i; ANALYZE events_1, events_2a`,
  )
  const graph = await load()
  t.same(graph.tables.map(({ name }) => name).sort(), ['events', 'notes', 'users'])
  t.same(arrows(graph), ['events(user_id) -> users(id)', 'notes(event_id,event_at) -> events(id,at)'])
  t.equal(table(graph, 'events').estimatedRows, 800)
  t.ok(graph.links.find(({ from }) => from.name === 'events')!.indexed)
})

t.test(
  'inheritance counts once: a child that only splits its parent is no table, and no key is counted twice',
  async t => {
    const { load } = await database(
      t,
      `CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE shops (id int PRIMARY KEY);
     CREATE TABLE visits (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, at timestamptz NOT NULL);
     CREATE TABLE visits_2020 () INHERITS (visits);
     CREATE TABLE visits_2021 (FOREIGN KEY (user_id) REFERENCES users) INHERITS (visits);
     CREATE TABLE purchases (shop_id int NOT NULL REFERENCES shops, FOREIGN KEY (user_id) REFERENCES users) INHERITS (visits)`,
    )
    const graph = await load()
    t.same(graph.tables.map(({ name }) => name).sort(), ['purchases', 'shops', 'users', 'visits'])
    t.same(arrows(graph), ['purchases(shop_id) -> shops(id)', 'visits(user_id) -> users(id)'])
  },
)

t.test('names may be anything Postgres allows', async t => {
  const odd = 'Ta"ble. ünï → 数'
  const { load } = await database(
    t,
    `CREATE SCHEMA "Sch.ema"; CREATE TABLE "Sch.ema"."Ta""ble. ünï → 数" ("I d" int PRIMARY KEY, "select" timestamptz NOT NULL, "a.b" timestamptz NOT NULL);
     INSERT INTO "Sch.ema"."Ta""ble. ünï → 数" VALUES (1, '2020-01-02', '2020-01-01'), (2, '2021-01-02', '2021-01-01');
     CREATE TABLE "UPPER" (id int PRIMARY KEY, "Ref" int REFERENCES "Sch.ema"."Ta""ble. ünï → 数");
     CREATE TABLE upper (id int PRIMARY KEY);
     COMMENT ON TABLE upper IS '@predict link(id -> "Sch.ema"."Ta""ble. ünï → 数"."I d")'`,
  )
  const graph = await load()
  t.same(names(table(graph, odd).key), ['I d'])
  t.equal(table(graph, odd).visible, false)
  t.match(table(graph, odd).time, { kind: 'own', column: { name: 'a.b' } })
  t.same(arrows(graph), [`UPPER(Ref) -> ${odd}(I d)`, `upper(id) -> ${odd}(I d)`])
  t.same(graph.warnings, [])
})

t.test('bare names follow search_path, and system schemas are not there', async t => {
  const { session } = await database(
    t,
    'CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t (id int PRIMARY KEY); CREATE TABLE b.t (id int PRIMARY KEY)',
  )
  const upstream = await session()
  await upstream.run('SET search_path = b')
  const graph = await loadGraph(upstream, { declared: nothingDeclared })
  t.same(graph.tables.map(({ schema, visible }) => [schema, visible]).sort(), [
    ['a', false],
    ['b', true],
  ])
})

t.test('tables and links keep their order through a rename and through being made anew in another order', async t => {
  const people = 'CREATE TABLE people (id int PRIMARY KEY, name text);'
  const shops = 'CREATE TABLE shops (id int PRIMARY KEY, name text);'
  const goods = 'CREATE TABLE goods (id int PRIMARY KEY, shop_id int NOT NULL REFERENCES shops, price numeric);'
  const sales =
    'CREATE TABLE sales (id int PRIMARY KEY, buyer int REFERENCES people, item int REFERENCES goods, seller int REFERENCES people);'
  const one = await database(t, people + shops + goods + sales)
  const two = await database(
    t,
    `${shops}${people}${goods}${sales}ALTER TABLE people RENAME TO aaa; ALTER TABLE sales RENAME COLUMN seller TO a;
     ALTER TABLE goods ADD COLUMN x int; ALTER TABLE goods DROP COLUMN x`,
  )
  const [before, after] = [await one.load(), await two.load()]
  const old = (name: string) => ({ aaa: 'people' })[name] ?? name
  t.same(
    after.tables.map(({ name }) => old(name)),
    before.tables.map(({ name }) => name),
  )
  const shape = (graph: typeof before) =>
    graph.links.map(({ from, columns, to }) => [old(from.name), from.columns.indexOf(columns[0]), old(to.name)])
  t.same(shape(after), shape(before))
})

t.test('a database of 2,000 tables is read in well under a second', async t => {
  const { load } = await database(
    t,
    `DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a text, b numeric, c timestamptz NOT NULL,
       d int %s, e int, f text, g text, h bool)', i, CASE WHEN i > 1 THEN 'REFERENCES t' || (i / 2) END);
       IF i % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$`,
  )
  await load()
  const start = performance.now()
  const graph = await load()
  const took = performance.now() - start
  t.equal(graph.tables.length, 2000)
  t.equal(graph.links.length, 1999)
  // 0.12 s on a quiet machine; the bound only catches a quadratic plan
  t.ok(took < 2000, `took ${took.toFixed(0)} ms`)
})

t.test('a NOT NULL that old rows may break and a foreign key over periods are not what they seem', async t => {
  const { rows } = await server.admin.query('SHOW server_version_num')
  if (rows[0].server_version_num < 180000) return t.pass('neither is there before Postgres 18')
  const { load } = await database(
    t,
    `CREATE TABLE a (id int PRIMARY KEY, at timestamptz); INSERT INTO a VALUES (1, NULL);
     ALTER TABLE a ADD CONSTRAINT filled NOT NULL at NOT VALID;
     CREATE TABLE prices (item int4range, valid daterange, PRIMARY KEY (item, valid WITHOUT OVERLAPS));
     CREATE TABLE sales (id int PRIMARY KEY, item int4range, during daterange,
       FOREIGN KEY (item, PERIOD during) REFERENCES prices (item, PERIOD valid))`,
  )
  const graph = await load()
  t.equal(table(graph, 'a').columns[1].notNull, false)
  t.same(graph.links, [])
  t.same(names(table(graph, 'prices').key), ['item', 'valid'])
})
