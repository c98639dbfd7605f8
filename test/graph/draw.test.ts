// Rows drawn by key: alike whatever the table's size on disk, its order and its statistics, from all of it alike, and without reading it.

import t from 'tap'
import { createGraphCache } from '../../src/graph/catalog/index.js'
import { drawSql } from '../../src/graph/extract/draw.js'
import { directUpstream } from '../helpers/direct-upstream.js'
import { connect, startPostgres } from '../helpers/postgres.js'

const server = await startPostgres()
t.teardown(() => server.stop())
const url = await server.createDatabase()
const owner = await connect(url)
// as PREDICT sets it for its own statements
await owner.query(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET random_page_cost = 1.1`)
t.teardown(() => owner.end())
const WANTED = 1000

/** People with the keys that `keys` selects, as i; half of them live in A. */
async function writePeople(keys: string, type = 'int', order = 'i'): Promise<void> {
  await owner.query(`DROP TABLE IF EXISTS people; CREATE UNLOGGED TABLE people (id ${type} PRIMARY KEY, born timestamptz NOT NULL, town text);
    INSERT INTO people SELECT i, '2025-01-01'::timestamptz + i * interval '1 second', chr(65 + abs(hashint8(i)) % 2) FROM (${keys}) s ORDER BY ${order}; ANALYZE people`)
}

interface Found {
  readonly keys: readonly number[]
  readonly read: number
}

/** The keys drawn, in order, and how many rows of the table were read for that. */
async function draw(where = 'true', { seed = 1, latest = `'2030-01-01'::timestamptz` } = {}): Promise<Found> {
  const upstream = await directUpstream(url)
  try {
    const { tables } = await createGraphCache().get(upstream)
    const { ctes, sql } = drawSql({
      table: tables.find(({ name }) => name === 'people')!,
      latest: { timestamptz: latest, timestamp: latest },
      wanted: WANTED,
      seed,
      select: (from, columns, condition) =>
        `SELECT x.id, hashint8(x.id) AS h${columns} FROM people x${from} WHERE ${where} AND x.born <= ${latest} AND ${condition}`,
      order: 'h',
    })
    const query = `${ctes.length > 0 ? `WITH ${ctes.join(', ')} ` : ''}SELECT id::text FROM (${sql}) s`
    const keys = (await upstream.query(query)).map(([id]) => Number(id))
    const [[plan]] = await upstream.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${query}`)
    return { keys, read: rowsOf(JSON.parse(plan!.toString())[0].Plan) }
  } finally {
    upstream.close()
  }
}

interface PlanNode {
  readonly 'Relation Name'?: string
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly PlanNode[]
}

const rowsOf = (node: PlanNode): number =>
  (node['Relation Name'] ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'] : 0) +
  (node.Plans ?? []).reduce((sum, plan) => sum + rowsOf(plan), 0)

const series = (n: number, first = 1) => `SELECT i FROM generate_series(${first}, ${first + n - 1}) i`
const sorted = (keys: readonly number[]) => [...keys].sort((a, b) => a - b)

t.test('a table ten times as large costs no more rows', async t => {
  await writePeople(series(50_000))
  const small = await draw()
  await writePeople(series(500_000))
  const large = await draw()
  for (const { keys, read } of [small, large]) {
    t.equal(new Set(keys).size, WANTED)
    t.ok(read < 1.5 * WANTED, `${read} rows read`)
  }
})

t.test('the same rows are drawn wherever they lie and whatever is known of them', async t => {
  await writePeople(series(50_000))
  const { keys } = await draw()
  await owner.query(`DELETE FROM pg_statistic WHERE starelid = 'people'::regclass`)
  t.same((await draw()).keys, keys)
  await writePeople(series(50_000), 'bigint', 'hashint8(i)')
  t.same((await draw()).keys, keys)
  t.notSame((await draw('true', { seed: 2 })).keys, keys)
})

t.test('rows written later change nothing', async t => {
  await writePeople(series(30_000))
  const latest = `'2025-01-01'::timestamptz + interval '30000 seconds'`
  const { keys } = await draw('true', { latest })
  await owner.query(`INSERT INTO people SELECT i, '2026-01-01', 'A' FROM (${series(90_000, 30_001)}) s`)
  t.same((await draw('true', { latest })).keys, keys)
})

t.test('a row that goes takes no other with it', async t => {
  await writePeople(series(40_000))
  const { keys } = await draw()
  await owner.query(`DELETE FROM people WHERE id = ${keys[500]}`)
  const after = new Set((await draw()).keys)
  t.equal(keys.filter(key => after.has(key)).length, WANTED - 1)
})

t.test('keys come from everywhere alike, holes or none', async t => {
  const evenly = (keys: readonly number[], share: (key: number) => number, shares: number) => {
    const counts = new Array<number>(shares).fill(0)
    for (const key of keys) counts[share(key)]!++
    const expected = keys.length / shares
    const chi = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
    // five standard deviations above what chance gives
    t.ok(chi < shares + 5 * Math.sqrt(2 * shares), `${counts}`)
  }
  await writePeople(series(64_000))
  for (const seed of [1, 2, 3]) {
    const { keys } = await draw('true', { seed })
    evenly(keys, key => Math.floor((key - 1) / 6400), 10)
    evenly(keys, key => key % 2, 2)
    evenly(keys, key => key % 7, 7)
    evenly(keys, key => key % 64, 64)
  }
  await writePeople(`SELECT i FROM (${series(64_000)}) s WHERE abs(hashint4(i)) % 3 = 0`)
  evenly((await draw()).keys, key => Math.floor((key - 1) / 6400), 10)
})

t.test('where few rows are let through, as many are found as there are to be had', async t => {
  await writePeople(series(100_000))
  const half = await draw(`town = 'A'`)
  t.equal(half.keys.length, WANTED)
  t.ok(half.read < 10 * WANTED, `${half.read} rows read`)
  t.equal((await draw('x.id % 20 = 0')).keys.length, WANTED)
  t.same(
    sorted((await draw('x.id % 1000 = 7')).keys),
    Array.from({ length: 100 }, (_, i) => 7 + 1000 * i),
  )
})

t.test('keys of any range are drawn', async t => {
  for (const [keys, type] of [
    [`SELECT i * 1000000000000 AS i FROM generate_series(-1500, 1500) i`, 'bigint'],
    [`SELECT i - 10000 AS i FROM (${series(20_000)}) s`, 'int'],
    [`SELECT i::bigint + 2147483647 - 20000 AS i FROM (${series(20_000)}) s`, 'int'],
    [`SELECT unnest(ARRAY[-9223372036854775808, -1, 0, 1, 9223372036854775807]) AS i`, 'bigint'],
    [`SELECT 1 AS i WHERE false`, 'int'],
  ] as const) {
    const rows = `SELECT i::${type} AS i FROM (${keys}) s`
    await owner.query(`DROP TABLE IF EXISTS people; CREATE TABLE people (id ${type} PRIMARY KEY, born timestamptz NOT NULL);
      INSERT INTO people SELECT i, '2025-01-01' FROM (${rows}) s`)
    const { rows: all } = await owner.query('SELECT LEAST(count(*), $1)::int AS n FROM people', [WANTED])
    const { keys: found } = await draw()
    t.equal(found.length, all[0].n, keys)
  }
})
