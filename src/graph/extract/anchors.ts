// Where in time a question stands: its own anchor, the grid cell that a shared context serves, and the earlier anchors whose windows have closed.

import type { Interval } from '../../pql/ast.js'
import type { Table } from '../../pql/catalog.js'
import type { Task } from '../../pql/task.js'
import { RowSource } from './rows.js'
import { intervalBounds, OID, type SqlParams } from './sql.js'
import { targetAggregates } from './target-rows.js'

/** Most anchors a context looks back over. */
const MOST_ANCHORS = 600
/** A cached context serves a cell of this share of the horizon. */
const CELLS_PER_HORIZON = 50n
/** With fewer closed windows than this, windows overlap. */
const FEW_ANCHORS = 4

/** All in microseconds since 2000-01-01 UTC. */
export interface Grid {
  readonly anchor: bigint
  /** Start of the anchor's cell: where the reference population is read. */
  readonly cell: bigint
  /** Newest first; anchor + reach <= cell's own anchor for each. */
  readonly context: readonly bigint[]
  readonly stride: bigint
  /** Rows read at their own time: when each period begins, the first after the table's oldest row. */
  readonly periods?: readonly bigint[]
}

/**
 * SELECT of one row: anchor (AS OF, or the newest row), oldest and newest row of the tables that the target aggregates, now(). Rows later
 * than now(), plans or slips of the pen, say nothing of where the data ends. All timestamptz; NULL where there are no rows.
 */
export function anchorSql(task: Task, params: SqlParams): string {
  const tables = anchorTables(task)
  const spans = tables.map(table => {
    const rows = new RowSource(table, 'r')
    const time = rows.time()
    const [single] = rows.moments().length === 1 ? rows.moments() : []
    if (!single)
      return `SELECT pg_catalog.min(t) AS lo, pg_catalog.max(t) AS hi FROM (SELECT ${time} AS t FROM ${rows.from}) s WHERE t > '-infinity' AND t <= pg_catalog.now()`
    // min and max in the column's own type, so that an index answers; infinite values are set aside first.
    const bare = single.sql
    return `SELECT pg_catalog.min(${bare})::pg_catalog.timestamptz AS lo, pg_catalog.max(${bare})::pg_catalog.timestamptz AS hi FROM ${rows.from} WHERE ${bare} > '-infinity' AND ${bare} <= pg_catalog.now()::pg_catalog.${single.type}`
  })
  const asOf = asOfSql(task, params)
  if (spans.length === 0)
    return `SELECT (${asOf ?? 'pg_catalog.now()'})::pg_catalog.timestamptz, NULL::pg_catalog.timestamptz, NULL::pg_catalog.timestamptz, pg_catalog.now()`
  // an undated table of columns may have no dated row beside it
  const newest = task.temporal ? 'pg_catalog.max(hi)' : 'COALESCE(pg_catalog.max(hi), pg_catalog.now())'
  const anchor = asOf ?? newest
  return `SELECT (${anchor})::pg_catalog.timestamptz, pg_catalog.min(lo), pg_catalog.max(hi), pg_catalog.now() FROM (${spans.join(' UNION ALL ')}) spans`
}

/** The tables whose newest row is the default anchor: those that the target aggregates; of columns, the entity's, or its dated children. */
export function anchorTables(task: Task): Table[] {
  if (task.temporal) return [...new Set<Table>(targetAggregates(task).map(a => a.table))]
  const { table } = task.entity
  if (new RowSource(table, 'r').dated) return [table]
  return [...new Set(table.children.map(link => link.from))].filter(child => new RowSource(child, 'r').dated)
}

function asOfSql(task: Task, params: SqlParams): string | null {
  switch (task.asOf.kind) {
    case 'constant':
      return params.constant({ ...task.asOf.value, type: task.asOf.value.type || OID.timestamptz })
    case 'expression':
      return params.verbatim(task.asOf.sql)
    default:
      return null
  }
}

/**
 * The anchors of a context for a question at `anchor`, over data that starts at `oldest` and, where the anchor lies beyond its end, is known
 * up to `newest` alone: a window that reaches beyond has not closed, however empty it looks.
 */
export function gridOf(anchor: bigint, oldest: bigint, horizon: Interval, reach: Interval, newest = anchor): Grid {
  const length = intervalBounds(horizon).nominal
  const step = length / CELLS_PER_HORIZON || 1n
  const cell = floorTo(anchor, step)
  const known = least(newest, cell)
  const last = floorTo(known - intervalBounds(reach).max, step)
  const count = last >= oldest ? (last - oldest) / length + 1n : 0n
  const stride = count < BigInt(FEW_ANCHORS) ? step * (CELLS_PER_HORIZON / 5n) : step * CELLS_PER_HORIZON
  const context: bigint[] = []
  for (let at = last; at >= oldest && context.length < MOST_ANCHORS; at -= stride) context.push(at)
  return { anchor, cell, context, stride }
}

/** Unit of time of a target without windows. */
export const UNIT: Interval = { months: 0, days: 30, microseconds: 0n }
const DAY = 86_400_000_000n
/** Periods in which the time since a table's first row doubles. */
const PERIODS_A_DOUBLING = 8
/** Where the data is younger than so many cells, the anchor is its own. */
const YOUNG = 20n

/** The same for a target of columns: one context anchor, or a period's start for each time a row may have. */
export function columnsGrid(anchor: bigint, oldest: bigint, newest: bigint): Grid {
  const step = intervalBounds(UNIT).nominal / CELLS_PER_HORIZON
  const cell = anchor - oldest < YOUNG * step ? anchor : floorTo(anchor, step)
  const periods: bigint[] = []
  for (let k = 1; ; k++) {
    const start = oldest + BigInt(Math.round(Number(DAY) * (2 ** (k / PERIODS_A_DOUBLING) - 1)))
    if (start > newest && k > 1) break
    periods.push(start)
  }
  return { anchor, cell, context: [cell], stride: step, periods }
}

export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)

function floorTo(value: bigint, step: bigint): bigint {
  const rest = value % step
  return value - (rest < 0n ? rest + step : rest)
}
