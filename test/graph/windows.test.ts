// Values of an aggregate over its windows at many anchors, beside the plain SQL that compares every row with every anchor: in all types of
// time column, over changes of daylight saving, with windows that overlap, touch, lie apart or have no start.

import t from 'tap'
import { joinEntity } from '../../src/graph/extract/context.js'
import { SqlParams, timestamp } from '../../src/graph/extract/sql.js'
import { windowCtes } from '../../src/graph/extract/windows.js'
import { check, parsePredict } from '../../src/pql/index.js'
import { database } from './catalog-setup.js'

const SPRING = Date.UTC(2026, 2, 29, 1)
const HOUR = 3_600_000
const us = (ms: number): bigint => (BigInt(ms) - 946_684_800_000n) * 1000n

const windows = [
  { pql: '0, 1, days', from: "interval '0'", to: "interval '1 day'" },
  { pql: '-3, 0, days', from: "interval '-3 days'", to: "interval '0'" },
  { pql: '-INF, 0, days', from: null, to: "interval '0'" },
  { pql: '0, 90, minutes', from: "interval '0'", to: "interval '90 minutes'" },
  { pql: '-1, 0, months', from: "interval '-1 month'", to: "interval '0'" },
]
const aggregates = [
  { pql: 'COUNT(events.*', sql: 'count(*)' },
  { pql: 'SUM(events.n', sql: 'sum(r.n)' },
  { pql: 'SUM(events.x', sql: 'sum(r.x ORDER BY r.at, r.id)' },
  { pql: 'AVG(events.n', sql: 'avg(r.n)' },
  { pql: 'MIN(events.n', sql: 'min(r.n)' },
  { pql: 'COUNT_DISTINCT(events.kind', sql: 'count(DISTINCT r.kind)' },
]

for (const type of ['timestamptz', 'timestamp', 'date'] as const) {
  t.test(`windows over a ${type} column hold the rows that plain SQL finds in them`, async t => {
    const { owner, load } = await database(
      t,
      `CREATE TABLE owners (id int PRIMARY KEY);
       INSERT INTO owners SELECT generate_series(1, 9);
       CREATE TABLE events (id int PRIMARY KEY, owner int NOT NULL REFERENCES owners, at ${type} NOT NULL, n int, x float8, kind text);
       SET TimeZone = 'UTC';
       INSERT INTO events SELECT i, 1 + i * 7 % 9,
         ('2026-03-20'::timestamptz + interval '30 minutes' * (i * 37 % 1100))::${type}, i % 13 - 3, sqrt(i), chr(97 + i % 5)
         FROM generate_series(1, 900) i;
       COMMENT ON COLUMN events.at IS '@predict time'; ANALYZE`,
    )
    const graph = await load()
    for (const zone of ['UTC', 'Europe/Berlin', 'America/St_Johns']) {
      await owner.run(`SET TimeZone = '${zone}'`)
      // 45 anchors, an odd distance apart, across the hour that is skipped
      const context = Array.from({ length: 45 }, (_, k) => us(SPRING + 5 * 24 * HOUR - k * 5.5 * HOUR))
      const grid = { anchor: context[0]!, cell: context[0]!, context, stride: context[0]! - context[1]! }
      for (const window of windows) {
        for (const aggregate of aggregates) {
          const pql = `${aggregate.pql}, ${window.pql})`
          const text = `PREDICT COUNT(events.*, 0, 1, days) > 0 FOR EACH owners.id ${window.pql.startsWith('-') ? 'WHERE' : 'ASSUMING'} ${pql} > 0`
          const { task } = check(parsePredict(text, { statement: true }).syntax, graph, { paramTypes: [] })
          const wanted = task.aggregates.at(-1)!
          const params = new SqlParams()
          const anchors = context.map((at, i) => `(${i + 2}, '${timestamp(at)}'::timestamptz)`).join(', ')
          const cell = `'${timestamp(grid.cell)}'::timestamptz`
          const links = wanted.path.map(step => step.link)
          const ctes = windowCtes(
            wanted,
            'g1',
            grid,
            { timestamptz: cell, timestamp: `(${cell})::timestamp` },
            rows => joinEntity(links, rows, 'c'),
            params,
          )
          const at = (by: string) =>
            `(a.at + ${by})${type === 'timestamptz' ? '' : '::timestamp'}${type === 'date' ? '::date' : ''}`
          const from = window.from === null ? '' : `r.at > ${at(window.from)} AND`
          const plain = `SELECT c.e, a.i, ${aggregate.sql} AS v FROM a JOIN cand c ON true JOIN events r ON r.owner = c.k1 WHERE ${from} r.at <= ${at(window.to)} GROUP BY c.e, a.i`
          const [row] = await owner.query(
            `WITH a (i, at) AS (VALUES ${anchors}), cand AS (SELECT id AS e, id AS k1 FROM owners), ${ctes.join(', ')}, plain AS (${plain})
             SELECT count(*)::text, count(*) FILTER (WHERE g1.v::float8 IS DISTINCT FROM plain.v::float8)::text
             FROM g1 FULL JOIN plain ON plain.e = g1.e AND plain.i = g1.i`,
            params.list,
          )
          const [pairs, wrong] = row!.map(value => Number(value!.toString()))
          t.ok(pairs! > 0 && wrong === 0, `${zone}, ${pql}: ${wrong} of ${pairs} values differ`)
        }
      }
    }
  })
}
