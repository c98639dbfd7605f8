// The clients that people have, with what they do: connect, ask, join, page, copy, fail, cancel. Those of Python, Java and Go are the
// ones that test/clients/install puts in place.

import { execFile } from 'node:child_process'
import path from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { from, to } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import postgresJs from 'postgres'
import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { found, speakers } from '../helpers/clients.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, startProduct } from '../helpers/service.js'

const server = await startPostgres()
t.teardown(() => server.stop())
const product = await startProduct(server.url())
t.teardown(() => product.stop(0))
const shop = await server.createDatabase()
{
  const client = await connect(shop)
  await writeShop(client, { seed: 41, now: new Date('2026-03-05T13:07:00Z'), users: 500 })
  await client.end()
}
const url = product.url(databaseOf(shop))

const predict = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id'
const three = `${predict} IN (1, 2, 3)`
const joined = `SELECT u.email, p.probability FROM (${three}) AS p JOIN users u USING (user_id) WHERE p.probability >= 0 ORDER BY u.user_id`
const wrong = 'PREDICT COUNT(ordrs.*, 0, 30, days) = 0 FOR users.user_id = 1'
const names = ['user_id', 'anchor_time', 'prediction', 'probability']
const someRows = 'SELECT user_id, country FROM users WHERE user_id <= 5 ORDER BY 1'

/** [user, probability] as every client must give them; from node-postgres in text. */
const expected: (readonly [number, number])[] = []
{
  const client = await connect(url)
  const { rows } = await client.query(three)
  for (const row of rows) expected.push([Number(row.user_id), row.probability])
  await client.end()
}
const emails = expected.map(([id, p]) => [`user${id}@example.com`, p])

function same(
  t: Test,
  rows: readonly (readonly unknown[])[],
  wanted: readonly (readonly unknown[])[],
  what: string,
): void {
  const close = (a: unknown, b: unknown) =>
    typeof a === 'number' && typeof b === 'number' ? Math.abs(a - b) <= 1e-9 : a === b
  const equal = rows.length === wanted.length && rows.every((row, i) => row.every((v, j) => close(v, wanted[i]![j])))
  t.ok(equal, `${what}: ${JSON.stringify(rows)} for ${JSON.stringify(wanted)}`)
}

t.test('node-postgres: queries, parameters, binary results, cursors, COPY, errors', async t => {
  const client = await connect(url)
  t.teardown(() => client.end())
  const figures = (rows: { user_id: unknown; probability: number }[]) =>
    rows.map(row => [Number(row.user_id), row.probability])
  t.same((await client.query('SELECT 1 AS one, $1::text AS two', ["it's"])).rows, [{ one: 1, two: "it's" }])
  const plain = await client.query(three)
  t.same(
    plain.fields.map(({ name }) => name),
    names,
  )
  t.same(plain.command, 'SELECT')
  t.equal(plain.rowCount, 3)
  same(t, figures((await client.query(`${predict} = ANY ($1)`, [[1, 2, 3]])).rows), expected, 'parameter')
  same(t, figures((await client.query(`${predict} = $1`, ['2'])).rows), [expected[1]!], 'one')
  same(t, (await client.query({ text: joined, rowMode: 'array' })).rows, emails, 'joined')
  const { rows } = await client.query({ text: three, binary: true } as never)
  same(
    t,
    (rows as { user_id: unknown; probability: number }[]).map(row => [Number(row.user_id), row.probability]),
    expected,
    'binary',
  )
  const cursor = client.query(
    new Cursor<{ user_id: string; probability: number }>(`${predict} = ANY ($1)`, [[1, 2, 3]]),
  )
  same(
    t,
    figures([...(await cursor.read(2)), ...(await cursor.read(2)), ...(await cursor.read(2))]),
    expected,
    'cursor',
  )
  await cursor.close()
  await client.query('CREATE TEMP TABLE copied (user_id bigint, country text)')
  const out = await text(client.query(to(`COPY (${someRows}) TO STDOUT (FORMAT csv)`)))
  await pipeline(Readable.from([out]), client.query(from('COPY copied FROM STDIN (FORMAT csv)')))
  t.same((await client.query('SELECT count(*)::int AS n FROM copied')).rows, [{ n: 5 }])
  await t.rejects(client.query(wrong), { code: '42P01', position: '15', hint: /orders/ })
  t.same((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
})

t.test('PREDICT in COPY (…) TO and in PREPARE', async t => {
  const client = await connect(url)
  t.teardown(() => client.end())
  const copied = await text(client.query(to(`COPY (${three}) TO STDOUT`)))
  const lines = copied
    .trim()
    .split('\n')
    .map(line => line.split('\t'))
  same(
    t,
    lines.map(line => [Number(line[0]), Number(line[3])]),
    expected,
    'COPY (PREDICT …) TO',
  )
  await client.query(`PREPARE p (int[]) AS ${predict} = ANY ($1)`)
  const { rows } = await client.query(`EXECUTE p ('{1,2,3}')`)
  same(
    t,
    rows.map(row => [Number(row.user_id), row.probability]),
    expected,
    'EXECUTE',
  )
})

t.test('postgres.js: tagged queries, prepared statements, cursors, COPY, errors', async t => {
  const sql = postgresJs(url, { max: 1, onnotice() {} })
  t.teardown(() => sql.end({ timeout: 1 }))
  const figures = (rows: Iterable<postgresJs.Row>) => [...rows].map(row => [Number(row.user_id), row.probability])
  t.same([...(await sql`SELECT 1 AS one, ${"it's"}::text AS two`)], [{ one: 1, two: "it's" }])
  for (let i = 0; i < 3; i++) {
    same(
      t,
      figures(await sql`PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id = ANY (${[1, 2, 3]})`),
      expected,
      'parameter',
    )
    same(
      t,
      figures(await sql`PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id = ${2}`),
      [expected[1]!],
      'one',
    )
  }
  const plain = await sql.unsafe(three)
  t.same(
    plain.columns.map(({ name }) => name),
    names,
  )
  same(t, figures(plain), expected, 'plain')
  same(
    t,
    [...(await sql.unsafe(joined))].map(row => [row.email, row.probability]),
    emails,
    'joined',
  )
  const paged: postgresJs.Row[] = []
  await sql.unsafe(three).cursor(2, async rows => void paged.push(...rows))
  same(t, figures(paged), expected, 'cursor')
  same(t, figures(await sql.begin(async in_ => in_.unsafe(three))), expected, 'transaction')
  const out = await text(
    await sql`COPY (SELECT user_id, country FROM users WHERE user_id <= 5 ORDER BY 1) TO STDOUT`.readable(),
  )
  await sql`CREATE TEMP TABLE copied (user_id bigint, country text)`
  await pipeline(Readable.from([out]), await sql`COPY copied FROM STDIN`.writable())
  t.same([...(await sql`SELECT count(*)::int AS n FROM copied`)], [{ n: 5 }])
  await t.rejects(sql.unsafe(wrong), { code: '42P01', position: '15' })
  t.same([...(await sql`SELECT 1 AS one`)], [{ one: 1 }])
})

const psql = found('psql')
t.test('psql: everything a terminal shows', { skip: psql ? false : 'psql is not installed' }, async t => {
  const run = async (database: string, ...args: string[]) => {
    const { stdout, stderr } = await promisify(execFile)(psql!, ['-X', '-d', database, ...args], {
      env: { ...process.env, PAGER: '' },
    }).catch((error: { stdout: string; stderr: string }) => error)
    return { stdout, stderr }
  }
  const rows = (stdout: string) =>
    stdout
      .trim()
      .split('\n')
      .map(line => line.split('|'))
  t.equal((await run(url, '-Atc', `SELECT 1, 'it''s'`)).stdout, "1|it's\n")
  const plain = await run(url, '-c', three)
  for (const name of names) t.match(plain.stdout, name)
  t.match(plain.stdout, '(3 rows)')
  const answered = rows((await run(url, '-Atc', three)).stdout)
  same(
    t,
    answered.map(row => [Number(row[0]), Number(row[3])]),
    expected,
    'plain',
  )
  same(
    t,
    rows((await run(url, '-Atc', joined)).stdout).map(([email, p]) => [email, Number(p)]),
    emails,
    'joined',
  )
  const paged = await run(url, '-At', '-v', 'FETCH_COUNT=2', '-c', three)
  same(
    t,
    rows(paged.stdout).map(row => [Number(row[0]), Number(row[3])]),
    expected,
    'with FETCH_COUNT',
  )
  const asked = t.testdir({ 'describe.sql': `${three} \\gdesc\n` })
  const described = await run(url, '-At', '-f', path.join(asked, 'describe.sql'))
  t.same(rows(described.stdout), [
    ['user_id', 'bigint'],
    ['anchor_time', 'timestamp with time zone'],
    ['prediction', 'boolean'],
    ['probability', 'double precision'],
  ])
  const folder = t.testdir({
    'more.sql': `\\timing off\nBEGIN;\n${three};\nCREATE TEMP TABLE p AS ${three};\n\\copy p TO 'copied.csv' CSV\nCOMMIT;\n`,
  })
  const script = await promisify(execFile)(
    psql!,
    ['-X', '-q', '-At', '-d', url, '-f', 'more.sql', '-v', 'ON_ERROR_STOP=1'],
    { cwd: folder },
  )
  t.equal(rows(script.stdout).length, 3)
  const back = await promisify(execFile)(
    psql!,
    [
      '-X',
      '-q',
      '-At',
      '-d',
      url,
      '-c',
      'CREATE TEMP TABLE c (a bigint, b timestamptz, c bool, d float8)',
      '-c',
      `\\copy c FROM 'copied.csv' CSV`,
      '-c',
      'SELECT a, d FROM c',
    ],
    { cwd: folder },
  )
  same(
    t,
    rows(back.stdout).map(row => row.map(Number)),
    expected,
    '\\copy there and back',
  )
  const error = await run(url, '-c', wrong)
  t.match(error.stderr, /ERROR: {2}.*ordrs/)
  t.match(error.stderr, /LINE 1: PREDICT COUNT\(ordrs\.\*, 0, 30, days\)/)
  t.match(error.stderr, /\n {22}\^\n/, 'the caret stands below the name')
  for (const command of [
    '\\d',
    '\\d+ users',
    '\\d orders',
    '\\dt+',
    '\\di',
    '\\dT+',
    '\\df',
    '\\du',
    '\\dn+',
    '\\l',
    '\\dp',
    '\\conninfo2',
  ])
    t.same(await run(url, '-c', command), await run(shop, '-c', command), command)
})

for (const { driver, here, program, args } of speakers) {
  const skip = here ? false : 'not installed: run test/clients/install'
  t.test(`${driver}: queries, parameters, binary results, cursors, COPY, errors, cancels`, { skip }, async t => {
    const { stdout } = await promisify(execFile)(program, [...args(url), '1', '2', '3'])
    const seen = JSON.parse(stdout)
    t.same(seen.plain, [1, "it's"])
    t.same(seen.columns, names)
    for (const what of ['predict', 'parameter', 'cursor']) same(t, seen[what], expected, what)
    same(t, seen.joined, emails, 'joined')
    if (driver !== 'psycopg2') {
      same(t, seen.binary, expected, 'binary')
      same(t, seen.one, [expected[0]!], 'one')
    }
    if (driver === 'psycopg' || driver === 'pgx') {
      t.equal(seen.pipeline[0], 1)
      same(t, seen.pipeline[1], expected, 'pipeline')
    }
    if (driver === 'pgjdbc') {
      for (const what of ['readOnly', 'simple', 'copiedPredict']) same(t, seen[what], expected, what)
      t.equal(seen.limited, 2, 'setMaxRows')
    }
    for (const [way, rows] of Object.entries(seen.ways ?? {})) same(t, rows as never, expected, way)
    for (const state of seen.cancelled ?? []) t.equal(state, '57014')
    t.equal(seen.copied, 5)
    t.same(seen.error, ['42P01', 15])
    t.equal(seen.after, 1)
  })
}
