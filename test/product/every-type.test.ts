// A column of every type that a table may have, holding the worst that the type admits, beside every kind of key: a prediction comes back,
// and its figures are numbers.

import pg from 'pg'
import t, { type Test } from 'tap'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, type ProductClient, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const url = await postgres.createDatabase()
const owner = await connect(url)
const client = await product.connect(databaseOf(url))
t.teardown(() => Promise.all([owner.end(), client.end()]))

/** Texts of all sorts: each type takes those it can read. */
const texts = [
  ...[
    'NaN',
    'Infinity',
    '-Infinity',
    'infinity',
    '0',
    '-0',
    '1',
    '-1',
    '7',
    '1.5',
    '1e400',
    '-1e400',
    '1e-320',
    '1e308',
  ],
  ...['2147483647', '-9223372036854775808', '9223372036854775807', '123456789012345678901234567890.5', '1e3000'],
  ...['t', 'f', 'a', 'b', '', ' ', "it's", '"', '\\', 'ünï\u{1f600}', 'x'.repeat(100_000)],
  ...[
    '1999-12-31',
    '4713-01-01 BC',
    '5874897-12-31',
    '294276-12-31 23:59:59.999999',
    '2025-06-01 10:00+05',
    'epoch',
    'now',
  ],
  ...[
    '00:00',
    '24:00:00',
    '23:59:59.999999+15:59',
    '1 year',
    '-178000000 years',
    '5 minutes',
    'P1Y2M3DT4H5M6S',
    '106751991 days',
  ],
  ...[
    '{}',
    '{1,2,3}',
    '{NULL}',
    '{a,"b c",NULL}',
    '{{1,2},{3,4}}',
    '{t,f}',
    '[5:6]={1,2}',
    '{2025-01-01,infinity}',
    '{"{}"}',
    '{1 day}',
  ],
  ...[
    '[1,5)',
    'empty',
    '(,)',
    '{[1,5),[7,9)}',
    '{}',
    '[2025-01-01,2025-02-01)',
    '[2025-01-01,infinity]',
    '[-Infinity,NaN)',
  ],
  ...['{"a": {"b": [1, null, {"c": "d"}]}, "e": 1e400}', '[]', 'null', '"x"', '$.a[*]', '<a b="c">d</a>'],
  ...['(1,2)', '((1,2),(3,4))', '{1,2,3}', '<(1,2),3>', '[(1,2),(3,4)]', '(1e308,-1e308)', '<(0,0),0>'],
  ...['127.0.0.1', '::1/128', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '101', '\\xdeadbeef'],
  ...[
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    '$5.00',
    '-$92,233,720,368,547,758.08',
    '0/16B3748',
    '10:20:10,14,15',
    "'fat' & 'cat'",
    'fat:1A cat:2',
  ],
  ...[
    'pg_class',
    'pg_catalog.int4',
    'sum(int4)',
    '=',
    'english',
    'simple',
    'public',
    'postgres',
    'C',
    '1 2 3',
    '(0,1)',
    'low',
    'high',
    '(1,"x")',
  ],
]

await owner.query(`
  CREATE TYPE mood AS ENUM ('low', 'high', 'it''s'); CREATE TYPE pair AS (n int, label text);
  CREATE DOMAIN small_number AS int CHECK (VALUE < 1000); CREATE DOMAIN amount AS numeric; CREATE DOMAIN later AS timestamptz;
  CREATE DOMAIN moods AS mood[]; CREATE DOMAIN name_of AS text; CREATE DOMAIN deep AS small_number; CREATE DOMAIN truth AS bool;
  CREATE TYPE floats AS RANGE (subtype = float8); CREATE TYPE spans AS RANGE (subtype = interval)`)

interface Type {
  readonly name: string
  readonly values: readonly string[]
}

const types: Type[] = []
{
  const { rows } = await owner.query(
    `SELECT format_type(oid, NULL) AS name FROM pg_type WHERE typtype IN ('b', 'e', 'd', 'r', 'm', 'c') AND typisdefined
       AND (typtype <> 'c' OR typname = 'pair') AND typnamespace IN ('pg_catalog'::regnamespace, 'public'::regnamespace)
       AND NOT (typcategory = 'A' AND EXISTS (SELECT FROM pg_type e JOIN pg_class c ON c.oid = e.typrelid
         WHERE e.oid = pg_type.typelem AND e.typname <> 'pair')) ORDER BY oid`,
  )
  for (const { name } of rows) {
    const declared = await owner.query(`BEGIN; CREATE TABLE probe (x ${name}); ROLLBACK`).then(
      () => true,
      () => owner.query('ROLLBACK').then(() => false),
    )
    if (!declared) continue
    const valid = await owner
      .query({
        text: 'SELECT v FROM unnest($1::text[]) v WHERE pg_input_is_valid(v, $2)',
        values: [texts, name],
        rowMode: 'array',
      })
      .then(
        ({ rows: found }) => found.map(([v]) => v as string),
        () => [], // its input raises hard errors: only NULL
      )
    types.push({ name, values: valid })
  }
}

const months = 14

/** Table `x` of entities and table `y` of dated rows of theirs, both with a column of each type. */
async function tables(part: readonly Type[]): Promise<void> {
  const columns = part.map(({ name }, i) => `c${i} ${name}`).join(', ')
  const value = ({ name, values }: Type, shift: string) =>
    values.length === 0
      ? 'NULL'
      : `(${pg.escapeLiteral(pgArray(values))}::text[])[1 + (${shift}) % ${values.length + 2}]::${name}`
  const all = (shift: string) => part.map((type, i) => value(type, `${shift} + ${i}`)).join(', ')
  await owner.query(`DROP TABLE IF EXISTS x, y CASCADE;
    CREATE TABLE x (id int PRIMARY KEY, born timestamptz NOT NULL, ${columns});
    INSERT INTO x SELECT i, '2024-06-01', ${all('i')} FROM generate_series(1, 80) i;
    CREATE TABLE y (id int PRIMARY KEY, x int NOT NULL REFERENCES x, at timestamptz NOT NULL, ${columns});
    INSERT INTO y SELECT i, 1 + (i * i + i / 80) % 80, '2024-06-02'::timestamptz + (i * ${months * 30} / 1600) * interval '1 day' + i * interval '1 second', ${all('i / 3')}
      FROM generate_series(1, 1600) i;
    CREATE INDEX ON y (x, at)`)
}

const pgArray = (values: readonly string[]): string =>
  `{${values.map(v => `"${v.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`

/** Every row has figures, and each is a number. */
async function finite(t: Test, sql: string, rows: number, on: ProductClient = client): Promise<void> {
  try {
    const answer = await on.query({ text: sql, rowMode: 'array' })
    const figures = answer.fields.flatMap(({ dataTypeID }, i) => (dataTypeID === 701 ? [i] : []))
    const bad = answer.rows.filter(row => figures.some(i => !Number.isFinite(row[i])))
    t.ok(figures.length > 0)
    t.same(bad.slice(0, 2), [], `${sql}: figures are numbers`)
    t.equal(answer.rows.length, rows, sql)
  } catch (error) {
    const { code, message, detail } = error as pg.DatabaseError
    t.fail(`${sql}: ${code} ${message} ${detail ?? ''}`)
  }
}

t.test('a column of every type, as the entity’s and as its rows’', async t => {
  t.ok(types.length > 160, `${types.length} types`)
  const usable = types.filter(({ values }) => values.length > 0)
  t.ok(usable.length > 150, `${usable.length} of them have values`)
  const most = 20
  for (let from = 0; from < types.length; from += most) {
    const part = types.slice(from, from + most)
    await tables(part)
    await finite(
      t,
      `PREDICT COUNT(y.*, 0, 30, days) FOR EACH x.id WITH (mode = fast) -- ${part.map(({ name }) => name)}`,
      80,
    )
  }
})

t.test('a type that has columns as targets: sums, means and extremes of numbers that no float8 holds', async t => {
  const named = new Map(types.map(type => [type.name, type]))
  const part = ['numeric', 'double precision', 'bigint', 'money', 'date', 'text', 'mood', 'jsonb', 'integer[]']
  await tables(part.map(name => named.get(name)!))
  for (const [i, type] of part.entries()) {
    if (i < 4) {
      for (const call of ['SUM', 'AVG', 'MAX', 'MIN']) {
        await finite(t, `PREDICT ${call}(y.c${i}, 0, 30, days) FOR x.id IN (1, 2, 3) WITH (mode = fast) -- ${type}`, 3)
      }
      await finite(t, `PREDICT SUM(y.c${i}, 0, 30, days) > 5 FOR x.id IN (1, 2, 3) WITH (mode = fast) -- ${type}`, 3)
      await finite(
        t,
        `PREDICT COUNT(y.* WHERE y.c${i} > 0, 0, 30, days) FOR x.id IN (1, 2, 3) WITH (mode = fast) -- ${type}`,
        3,
      )
    }
    await finite(t, `PREDICT COUNT(y.c${i}, 0, 30, days) FOR x.id IN (1, 2, 3) WITH (mode = fast) -- ${type}`, 3)
    await finite(
      t,
      `PREDICT COUNT(y.* WHERE y.c${i} IS NULL, 0, 30, days) > 0 FOR x.id IN (1, 2, 3) WITH (mode = fast) -- ${type}`,
      3,
    )
    if (type !== 'jsonb')
      await finite(
        t,
        `PREDICT COUNT_DISTINCT(y.c${i}, 0, 30, days) FOR x.id IN (1, 2, 3) WITH (mode = fast) -- ${type}`,
        3,
      )
  }
})

/** Entities keyed by `key` columns made from i, and dated rows that refer to them. */
const keyed = (name: string, columns: readonly (readonly [name: string, type: string, value: string])[]) => {
  const list = columns.map(([column]) => column).join(', ')
  const declared = columns.map(([column, type]) => `${column} ${type} NOT NULL`).join(', ')
  const values = columns.map(([, type, value]) => `(${value})::${type}`).join(', ')
  return `CREATE TABLE ${name} (${declared}, born timestamptz NOT NULL, size int, PRIMARY KEY (${list}));
    INSERT INTO ${name} SELECT ${values}, '2024-06-01', i % 5 FROM generate_series(1, 80) i;
    CREATE TABLE ${name}_rows (id int PRIMARY KEY, ${declared}, at timestamptz NOT NULL, FOREIGN KEY (${list}) REFERENCES ${name});
    INSERT INTO ${name}_rows SELECT n, ${values}, '2024-06-02'::timestamptz + (n / 4) * interval '1 day'
      FROM (SELECT n, 1 + (n * n + n / 80) % 80 AS i FROM generate_series(1, 1600) n) s`
}

t.test('keys: two columns, uuid, text with quotes, beyond 2^53, dates, arrays', async t => {
  const cases = [
    [
      'big',
      [['k', 'bigint', '9007199254740992 + i']],
      `FOR big.k IN (9007199254740993, 9007199254740994, 9007199254740995)`,
    ],
    [
      'huge',
      [['k', 'numeric', '9007199254740992000000000000::numeric + i']],
      `FOR huge.k IN (9007199254740992000000000001, 9007199254740992000000000002, 9007199254740992000000000003)`,
    ],
    [
      'ids',
      [['k', 'uuid', `lpad(i::text, 32, '0')`]],
      `FOR ids.k IN ('00000000-0000-0000-0000-000000000001', '00000000000000000000000000000002', '{00000000-0000-0000-0000-000000000003}')`,
    ],
    [
      'words',
      [['"the ""Key"""', 'text', `'it''s "' || i || '" \\ {,}NULL'`]],
      `FOR words."the ""Key""" IN ('it''s "1" \\ {,}NULL', 'it''s "2" \\ {,}NULL', 'it''s "3" \\ {,}NULL')`,
    ],
    ['days', [['k', 'date', `'2000-01-01'::date + i`]], `FOR days.k IN ('2000-01-02', '2000-01-03', '2000-01-04')`],
    [
      'pairs',
      [
        ['a', 'int', 'i / 10'],
        ['b', 'text', `'b''' || i % 10`],
      ],
      `FOR pairs.(a, b) IN ((0, 'b''1'), (0, 'b''2'), (0, 'b''3'))`,
    ],
    ['named', [['k', 'varchar(9)', `'n' || i`]], `FOR named.k IN ('n1', 'n2', 'n3')`],
    ['short', [['k', 'smallint', 'i']], `FOR short.k IN (1, 2, 3)`],
  ] as const
  for (const [name, columns, scope] of cases) {
    await owner.query(keyed(name, columns))
    const column = columns.length > 1 ? '(a, b)' : columns[0][0]
    await finite(t, `PREDICT COUNT(${name}_rows.*, 0, 30, days) > 0 ${scope}`, 3)
    await finite(t, `PREDICT COUNT(${name}_rows.*, 0, 30, days) > 0 FOR EACH ${name}.${column}`, 80)
    const list = columns.map(([c]) => c).join(', ')
    const { rows } = await client.query({
      text: `SELECT count(*)::int, count(DISTINCT (${list}))::int FROM (PREDICT COUNT(${name}_rows.*, 0, 30, days) > 0 FOR EACH ${name}.${column}) p JOIN ${name} USING (${list})`,
      rowMode: 'array',
    })
    t.same(rows, [[80, 80]], `${name}: the keys that come back are the table’s own`)
  }
  const wanted = ['9007199254740993', '9007199254740995']
  const { rows } = await client.query(`PREDICT COUNT(big_rows.*, 0, 30, days) > 0 FOR big.k = ANY ($1) ORDER BY k`, [
    wanted,
  ])
  t.same(
    rows.map(row => row.k),
    wanted,
    'neighbours beyond 2^53 are told apart',
  )
})

t.test('a table that refers to itself, and two foreign keys between the same tables', async t => {
  await owner.query(`
    CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff, hired timestamptz NOT NULL, pay numeric);
    INSERT INTO staff SELECT i, nullif(i / 5, 0), '2024-06-01'::timestamptz + i * interval '1 hour', 1000 - i FROM generate_series(1, 90) i;
    CREATE TABLE reviews (id int PRIMARY KEY, about int NOT NULL REFERENCES staff, author int NOT NULL REFERENCES staff, at timestamptz NOT NULL, mark int);
    INSERT INTO reviews SELECT i, 1 + i % 90, 1 + (i * i) % 30, '2024-07-01'::timestamptz + (i / 5) * interval '1 day', i % 7 FROM generate_series(1, 1800) i`)
  for (const via of ['about', 'author']) {
    await finite(t, `PREDICT COUNT(reviews.* VIA ${via}, 0, 30, days) FOR EACH staff.id`, 90)
    await finite(t, `PREDICT AVG(reviews.mark VIA ${via}, 0, 30, days) FOR staff.id = 3`, 1)
  }
  const counts = await Promise.all(
    ['about', 'author'].map(async via => {
      const { rows } = await client.query(
        `SELECT sum(p.prediction)::float8 AS written FROM (PREDICT COUNT(reviews.* VIA ${via}, 0, 30, days) FOR EACH staff.id) p WHERE p.id > 30`,
      )
      return rows[0].written as number
    }),
  )
  t.ok(counts[0]! > 20 && counts[1]! < 10, `those who write nothing are predicted to write nothing: ${counts}`)
  await t.rejects(client.query('PREDICT COUNT(reviews.*, 0, 30, days) FOR EACH staff.id'), {
    code: /^PQ|^42/,
    hint: /VIA/,
  })
})
