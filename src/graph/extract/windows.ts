// One aggregate over its window at every anchor at once, in one pass over the rows: the bounds of all windows cut time into segments, a row
// falls into one of them by binary search, and each window is a run of segments. Rows are never compared with anchors one by one.

import type { Aggregate } from '../../pql/task.js'
import type { Grid } from './anchors.js'
import { aggregateCall, filterSql } from './conditions.js'
import { conjunction, type Point, RowSource } from './rows.js'
import { intervalBounds, OID, type SqlParams, timestamp } from './sql.js'

/** How values of a segment are put together to that of a window; none for those that need all rows of the window side by side. */
const COMBINED = {
  COUNT: 'pg_catalog.sum(p.v)::pg_catalog.int8',
  SUM: 'pg_catalog.sum(p.v)',
  MIN: 'pg_catalog.min(p.v)',
  MAX: 'pg_catalog.max(p.v)',
}

/**
 * CTEs, the last of which, `name`(e, i, v), holds the aggregate's value for every candidate e of `cand` and anchor i > 0 of `a` with rows in
 * the window. `latest` is the point at which dates among the values are cut off, `join` ties a row to candidate `c`.
 */
export function windowCtes(
  a: Aggregate,
  name: string,
  grid: Grid,
  latest: Point,
  join: (rows: RowSource) => string,
  params: SqlParams,
): string[] {
  const rows = new RowSource(a.table, 'r', latest)
  const cand = `JOIN cand c ON ${join(rows)}`
  const filter = filterSql(a, rows, params)
  const call = aggregateCall(a, rows)
  const window = a.window
  if (!window || !rows.dated) {
    const from = `${rows.from} ${cand} JOIN a ON a.i > 0`
    return [
      `${name} AS MATERIALIZED (SELECT c.e, a.i, ${call} AS v FROM ${from} WHERE ${filter ?? 'true'} GROUP BY c.e, a.i)`,
    ]
  }
  const time = rows.commonTime()
  const bound = (by: string) => firstAfter(time.type, `a.at + ${by}`)
  const from = window.start ? bound(params.interval(window.start)) : `NULL::pg_catalog.${time.type}`
  const to = bound(params.interval(window.end))
  const [bounds, cuts, runs] = [`${name}_bounds`, `${name}_cuts`, `${name}_runs`]
  const rank = (x: string) => `pg_catalog.width_bucket(${x}, cuts)`
  // constants, so that the planner knows how much of the table this is; the segments decide
  const near = (at: bigint) => `${params.text(OID.timestamptz, timestamp(at))}::pg_catalog.${time.type}`
  const inReach = [`${time.sql} <= ${near(grid.cell + intervalBounds(window.end).max + DAY)}`]
  if (window.start) inReach.push(`${time.sql} >= ${near(oldest(grid) + intervalBounds(window.start).min - DAY)}`)
  const where = conjunction(filter === null ? inReach : [...inReach, filter])
  const segment = `pg_catalog.width_bucket(${time.sql}, (SELECT cuts FROM ${cuts}))`
  return [
    `${bounds} AS MATERIALIZED (SELECT a.i, ${from} AS lo, ${to} AS hi FROM a WHERE a.i > 0)`,
    `${cuts} AS MATERIALIZED (SELECT pg_catalog.array_agg(x ORDER BY x) AS cuts FROM (SELECT lo AS x FROM ${bounds} WHERE lo IS NOT NULL UNION SELECT hi FROM ${bounds}) s)`,
    `${runs} AS MATERIALIZED (SELECT b.i, s.segment FROM ${bounds} b, ${cuts}, pg_catalog.generate_series(COALESCE(${rank('b.lo')}, 0), ${rank('b.hi')} - 1) AS s (segment))`,
    decomposes(a)
      ? `${name} AS MATERIALIZED (SELECT p.e, s.i, ${COMBINED[a.name as keyof typeof COMBINED]} AS v FROM (SELECT c.e, ${segment} AS segment, ${call} AS v FROM ${rows.from} ${cand} WHERE ${where} GROUP BY 1, 2) p JOIN ${runs} s ON s.segment = p.segment GROUP BY p.e, s.i)`
      : `${name} AS MATERIALIZED (SELECT c.e, s.i, ${call} AS v FROM ${rows.from} ${cand} JOIN ${runs} s ON s.segment = ${segment} WHERE ${where} GROUP BY c.e, s.i)`,
  ]
}

const DAY = 86_400_000_000n

const oldest = ({ context, cell }: Grid): bigint => context.at(-1) ?? cell

/** Floats are summed in a fixed order, which parts of sums would break. */
function decomposes({ name, column }: Aggregate): boolean {
  if (name === 'COUNT') return true
  const type = column?.column.baseType
  return (
    name in COMBINED && ['integer', 'number'].includes(column?.column.typeClass ?? '') && type !== 700 && type !== 701
  )
}

/** The first moment after `at` (timestamptz) that the type can tell from it: a window (lo, hi] is [firstAfter(lo), firstAfter(hi)). */
function firstAfter(type: 'timestamptz' | 'timestamp' | 'date', at: string): string {
  if (type === 'date') return `((${at})::pg_catalog.timestamp::pg_catalog.date + 1)`
  const local = type === 'timestamp' ? `(${at})::pg_catalog.timestamp` : `(${at})`
  return `(${local} + '00:00:00.000001'::pg_catalog.interval)`
}
