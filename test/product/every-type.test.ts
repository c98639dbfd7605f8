// A table may have a column of any type, holding anything the type can hold: it predicts all the same, and finite numbers come out.

import t, { type Test } from 'tap'
import { connect, startPostgres } from '../helpers/postgres.js'
import { type ProductClient, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const USERS = 60
const ROWS = 30

/** Values worth a look, by type; of all other types, whatever their input function makes of one of `ANY`. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  bool: ["'t'", "'f'"],
  int2: ['-32768', '32767', '0'],
  int4: ['-2147483648', '2147483647', '7'],
  int8: ['-9223372036854775808', '9223372036854775807', '9007199254740993'],
  float4: ["'NaN'", "'-Infinity'", '3.5', "'3e38'"],
  float8: ["'NaN'", "'Infinity'", "'1e308'", '-0.5'],
  numeric: ["'NaN'", "'1e400'", '123456789012345678901234567890.5', '-1'],
  money: ["'-$1.50'", "'$900000'"],
  text: ["''", "repeat('long ', 20000)", `'a"b\\c,{}'`],
  date: ["'infinity'", "'5874897-12-31'", "'4713-01-01 BC'", "'2026-02-30'::text::date - 0"],
  timestamp: ["'infinity'", "'-infinity'", "'294276-12-31'", "'2026-01-05'"],
  timestamptz: ["'infinity'", "'-infinity'", "'294276-12-30'", "'2026-01-05'"],
  interval: ["'1 mon'", "'-178000000 years'", "'3.5 days'"],
  time: ["'24:00'", "'12:30'"],
  timetz: ["'12:30+05'"],
  uuid: ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
  json: [`'{"a": [1, {"b": null}]}'`],
  jsonb: [`'{"a": [1, {"b": null}]}'`, "'[]'", "'null'"],
  bytea: ["'\\x00ff'"],
  xml: ["'<a/>'"],
}
const ANY = [
  "'1'",
  "'(1,2)'",
  "'((1,2),(3,4))'",
  "'{}'",
  "'a'",
  "'1.2.3.4'",
  "'08:00:2b:01:02:03'",
  "'empty'",
  "'101'",
  "'0/1'",
  "'{1,2,3}'",
]

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

/** Types that a column may have and the values it accepts, NULL always among them. */
async function columns(client: ProductClient): Promise<{ name: string; type: string; values: string[] }[]> {
  const { rows } = await client.query<{ type: string; name: string }>(
    `SELECT format_type(oid, NULL) AS type, typname AS name FROM pg_type
      WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typcategory <> 'Z' AND typinput <> 0
        AND typname !~ '^(pg_node_tree|pg_ndistinct|pg_dependencies|pg_mcv_list|pg_brin|gtsvector|aclitem|reg.*|_.*)'
      ORDER BY typname`,
  )
  const out: { name: string; type: string; values: string[] }[] = []
  for (const { type, name } of rows) {
    const values: string[] = []
    for (const value of VALUES[name] ?? ANY) {
      const sql = `${value}::${type}`
      const { rows: accepted } = await client
        .query(`SELECT ${sql} IS NOT NULL AS ok`)
        .catch(() => ({ rows: [] as { ok: boolean }[] }))
      if (accepted[0]?.ok) values.push(sql)
    }
    out.push({ name: `c_${name}`, type, values: [...values, 'NULL'] })
    // and an array of it
    out.push({
      name: `a_${name}`,
      type: `${type}[]`,
      values: [`'{}'::${type}[]`, ...values.slice(0, 1).map(v => `ARRAY[${v}, NULL]`), 'NULL'],
    })
  }
  return out
}

async function finite(t: Test, client: ProductClient, sql: string, expected: number): Promise<void> {
  const { rows, fields } = await client.query(sql)
  t.equal(rows.length, expected, `${expected} rows`)
  const figures = fields.filter(f => f.dataTypeID === 701).map(f => f.name)
  t.ok(figures.length > 0)
  for (const row of rows) {
    for (const name of figures) if (!Number.isFinite(row[name])) return t.fail(`${name} is ${row[name]}`)
  }
}

t.test('a column of every type, in the entity and in its child rows', async t => {
  const database = await postgres.createDatabase()
  const client = (await connect(database)) as ProductClient
  t.teardown(() => client.end())
  await client.query(`
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE TYPE pair AS (a int, b text)`)
  const all = [
    ...(await columns(client)),
    { name: 'c_mood', type: 'mood', values: ["'sad'", "'happy'", 'NULL'] },
    { name: 'c_domain', type: 'positive', values: ['1', '5', 'NULL'] },
    { name: 'c_pair', type: 'pair', values: ["ROW(1, 'x')::pair", 'NULL'] },
  ]
  t.ok(all.length > 80, `${all.length} types`)
  const definitions = all.map(c => `${quoted(c.name)} ${c.type}`).join(', ')
  const pick = (c: (typeof all)[number]) =>
    `(CASE n % ${c.values.length} ${c.values.map((v, i) => `WHEN ${i} THEN ${v}`).join(' ')} END)::${c.type}`
  const picks = all.map(pick).join(', ')
  await client.query(`CREATE TABLE things (id int PRIMARY KEY, ${definitions})`)
  await client.query(
    `CREATE TABLE happenings (id int PRIMARY KEY, thing int NOT NULL REFERENCES things, at timestamptz NOT NULL, ${definitions})`,
  )
  await client.query(`INSERT INTO things SELECT n, ${picks} FROM generate_series(1, ${USERS}) n`)
  await client.query(
    `INSERT INTO happenings SELECT n, 1 + n % ${USERS}, '2026-03-01'::timestamptz - n * interval '7 hours' * (1 + n % 3), ${picks} FROM generate_series(1, ${USERS * ROWS}) n`,
  )
  const through = await product.connect(database.split('/').at(-1))
  t.teardown(() => through.end())
  await finite(t, through, 'PREDICT COUNT(happenings.*, 0, 7, days) = 0 FOR EACH things.id', USERS)
  await finite(t, through, 'PREDICT SUM(happenings.c_float8, 0, 7, days) FOR things.id IN (1, 2, 3)', 3)
  await finite(
    t,
    through,
    `PREDICT COUNT(happenings.* WHERE happenings.c_mood = 'sad', 0, 7, days) FOR things.id = 4 AS OF '2026-02-01'`,
    1,
  )
})

t.test(
  'keys of any shape: composite, uuid, text with quotes, beyond 2^53, referring to itself, two links between two tables',
  async t => {
    const database = await postgres.createDatabase()
    const client = await connect(database)
    t.teardown(() => client.end())
    const times = (n: string) => `'2026-03-01'::timestamptz - ${n} * interval '9 hours'`
    await client.query(`
    CREATE TABLE pairs (a int, b text, PRIMARY KEY (a, b));
    INSERT INTO pairs SELECT n, 'x''"' || n FROM generate_series(1, 40) n;
    CREATE TABLE pair_events (id int PRIMARY KEY, pa int NOT NULL, pb text NOT NULL, at timestamptz NOT NULL, FOREIGN KEY (pa, pb) REFERENCES pairs);
    INSERT INTO pair_events SELECT n, 1 + n % 40, 'x''"' || (1 + n % 40), ${times('n')} FROM generate_series(1, 1200) n;
    CREATE TABLE ids (id uuid PRIMARY KEY);
    INSERT INTO ids SELECT md5(n::text)::uuid FROM generate_series(1, 40) n;
    CREATE TABLE id_events (id int PRIMARY KEY, of uuid NOT NULL REFERENCES ids, at timestamptz NOT NULL);
    INSERT INTO id_events SELECT n, md5((1 + n % 40)::text)::uuid, ${times('n')} FROM generate_series(1, 1200) n;
    CREATE TABLE huge (id int8 PRIMARY KEY, boss int8 REFERENCES huge, joined timestamptz NOT NULL);
    INSERT INTO huge SELECT 9007199254740992 + n, CASE WHEN n > 1 THEN 9007199254740992 + 1 + n / 9 END, ${times('(900 - n)')} FROM generate_series(1, 900) n;
    CREATE TABLE transfers (id int PRIMARY KEY, sender uuid NOT NULL REFERENCES ids, receiver uuid NOT NULL REFERENCES ids, at timestamptz NOT NULL);
    INSERT INTO transfers SELECT n, md5((1 + n % 40)::text)::uuid, md5((1 + n % 7)::text)::uuid, ${times('n')} FROM generate_series(1, 1200) n`)
    const through = await product.connect(database.split('/').at(-1))
    t.teardown(() => through.end())
    await finite(t, through, 'PREDICT COUNT(pair_events.*, 0, 20, days) FOR EACH pairs.(a, b)', 40)
    const { rows: named } = await through.query(
      `PREDICT COUNT(pair_events.*, 0, 20, days) FOR pairs.(a, b) IN ((3, 'x''"3'), (9, 'x''"9'))`,
    )
    t.same(
      named.map(row => [row.a, row.b]),
      [
        [3, `x'"3`],
        [9, `x'"9`],
      ],
    )
    await finite(t, through, 'PREDICT COUNT(id_events.*, 0, 20, days) > 12 FOR EACH ids.id', 40)
    const { rows: exact } = await through.query('PREDICT COUNT(huge.*, 0, 20, days) FOR huge.id = 9007199254740993')
    t.equal(String(exact[0].id), '9007199254740993', 'keys beyond 2^53 survive')
    await t.rejects(through.query('PREDICT COUNT(transfers.*, 0, 20, days) FOR EACH ids.id'), { code: 'PQ006' })
    await finite(t, through, 'PREDICT COUNT(transfers.* VIA receiver, 0, 20, days) FOR EACH ids.id', 40)
  },
)
