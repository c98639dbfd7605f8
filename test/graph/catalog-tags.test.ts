import t from 'tap'
import { parseComment } from '../../src/graph/catalog/tags.js'
import { arrows, database, has, names, table, time } from './catalog-setup.js'

t.test('a comment is read for its tags and left alone otherwise', async t => {
  t.same(parseComment('When it was placed. @predict time', 'at'), {
    statements: [{ kind: 'time', columns: ['at'] }],
    problems: [],
  })
  t.same(parseComment('no tag, predict nothing', null), { statements: [], problems: [] })
  t.same(
    parseComment('@predict key(A, "B") link((a,b) -> s.t.(x, "Y y")), link(c -> t.z). See the wiki.', null).statements,
    [
      { kind: 'key', columns: ['a', 'B'] },
      { kind: 'link', columns: ['a', 'b'], target: { path: ['s', 't'], columns: ['x', 'Y y'] } },
      { kind: 'link', columns: ['c'], target: { path: ['t', 'z'], columns: null } },
    ],
  )
  for (const bad of ['@predict tme', '@predict', '@predict key(', '@predict link(a > b)', '@predict time(a'])
    t.equal(parseComment(bad, null).problems.length, 1, bad)
})

t.test('tags and pgpredict.toml give keys, links, times and the use of columns', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE customers (cust_no int, name text);
     CREATE TABLE calls (id int PRIMARY KEY, cust int, started timestamptz, ended timestamptz, note text, grade int);
     COMMENT ON TABLE customers IS 'Everyone. @predict key(cust_no)';
     COMMENT ON TABLE calls IS '@predict link(cust -> customers)';
     COMMENT ON COLUMN calls.started IS '@predict time';
     COMMENT ON COLUMN calls.ended IS '@predict end';
     COMMENT ON COLUMN calls.note IS '@predict exclude';
     COMMENT ON COLUMN calls.grade IS '@predict class'`,
  )
  const graph = await load()
  t.same(names(table(graph, 'customers').key), ['cust_no'])
  t.same(arrows(graph), ['calls(cust) -> customers(cust_no)'])
  t.match(graph.links[0], { declared: false, name: 'link(cust)', notNull: false })
  t.equal(time(graph, 'calls'), 'own started')
  const tags = Object.fromEntries(table(graph, 'calls').columns.map(({ name, tag }) => [name, tag]))
  t.same(tags, { id: undefined, cust: undefined, started: 'time', ended: 'end', note: 'exclude', grade: 'class' })
  t.same(graph.warnings, [])
  const told = await load({
    tables: [
      {
        table: 'calls',
        time: 'ended',
        exclude: ['GRADE'],
        links: ['cust -> public.customers.cust_no'],
        notnull: ['cust'],
      },
      { table: 'public."customers"', key: ['name'] },
    ],
  })
  t.equal(time(told, 'calls'), 'own ended', 'the file wins over a comment')
  t.same(names(table(told, 'customers').key), ['name'])
  t.equal(table(told, 'calls').columns.find(({ name }) => name === 'grade')!.tag, 'exclude')
  t.match(
    told.links,
    [{ notNull: true, toColumns: [{ name: 'cust_no' }] }, { toColumns: [{ name: 'name' }] }].slice(0, 1),
  )
})

t.test('what names nothing is a warning that says so, never a failure', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE a (id int PRIMARY KEY, at timestamptz, n int);
     CREATE TABLE loose (n int);
     COMMENT ON TABLE a IS '@predict key(nope) link(n -> missing.id) link(n -> loose) link(n -> loose.zip) link(at -> a.id) time(n) frobnicate'`,
  )
  const graph = await load({
    tables: [
      { table: 'ghost', key: ['id'] },
      { table: 'a', links: ['n >> b'], immutable: ['gone'] },
    ],
  })
  t.same(names(table(graph, 'a').key), ['id'])
  t.same(graph.links, [])
  t.ok(graph.warnings.every(({ severity, code }) => severity === 'WARNING' && code === '01PQ6'))
  const text = graph.warnings.map(({ message }) => message).join('\n')
  for (const part of [
    'key: column nope does not exist',
    'table missing.id does not exist',
    'table public.loose has no key',
    'column zip of table public.loose does not exist',
    'at and id cannot be compared, being timestamp with time zone and integer',
    'time: column n is integer, not a date or timestamp',
    'frobnicate',
    'configuration of table ghost',
    'link "n >> b" cannot be read',
    'immutable: column gone does not exist',
  ])
    t.match(text, part)
})

t.test('a view is usable once a tag or the file keys it, and inherits time along its links', async t => {
  const { load } = await database(
    t,
    `CREATE TABLE orders (id int PRIMARY KEY, at timestamptz NOT NULL);
     CREATE TABLE raw (id int PRIMARY KEY, order_id int, happened timestamptz);
     CREATE VIEW items AS SELECT id, order_id FROM raw;
     CREATE VIEW moments AS SELECT * FROM raw;
     CREATE VIEW plain AS SELECT * FROM raw;
     COMMENT ON VIEW items IS '@predict key(id) link(order_id -> orders.id)';
     COMMENT ON COLUMN moments.happened IS '@predict time'`,
  )
  const graph = await load({ tables: [{ table: 'moments', key: ['id'] }] })
  t.same(names(table(graph, 'items').key), ['id'])
  t.equal(time(graph, 'items'), 'inherited orders')
  t.equal(time(graph, 'moments'), 'own happened')
  t.notOk(has(graph, 'plain'))
  t.notOk(has(await load(), 'moments'))
})
