// Entities that have long done nothing: drivers who retired decades ago beside twenty who race. Where nearly all examples are theirs they would
// fill a context that has only so many rows, with a few newest anchors of one season at that. One in many of them is kept then, and counts for
// as many. Who is dormant is told from what came before the anchor alone, so that what is learnt given an example's past stays true.

import type { Interval } from '../../pql/ast.js'
import { ZERO } from '../../pql/interval.js'
import type { Aggregate, Task } from '../../pql/task.js'
import { driverOf } from './driver.js'
import { RowSource } from './rows.js'
import { intervalBounds, type SqlParams } from './sql.js'
import { targetAggregates } from './target-rows.js'

/** Of those kept, this many are live for each that is dormant. */
const LIVE_TO_DORMANT = 3
/** Dormant ones are thinned out only if they do anything so many times more rarely than live ones. */
const RARER = 20
const YEAR = { months: 12, days: 0, microseconds: 0n } as const

/**
 * Rows of the target's table over windows as far apart as a grid's anchors, whatever the target counts of them; `first` of a forecast, or the
 * target, where that is just this. null: it has no windows, or is several classes, whose examples are drawn otherwise.
 */
export function activityOf(task: Task, first: Aggregate | null): Aggregate | null {
  if (task.kind !== 'binary' && task.kind !== 'numeric' && task.kind !== 'forecast') return null
  const [target] = targetAggregates(task)
  if (!target?.window || !new RowSource(target.table, 'r').dated) return null
  const window = { start: ZERO, end: task.horizon! }
  const itself = first ?? target
  if (isPlain(itself) && sameLength(itself.window!.start ?? ZERO, ZERO) && sameLength(itself.window!.end, window.end))
    return itself
  return { ...target, name: 'COUNT', column: null, filter: null, window }
}

/** Whether dormant entities may be thinned out of a task's context: not where only those with rows are in it anyhow. */
export const thinned = (task: Task): boolean => driverOf(task) === null && activityOf(task, null) !== null

/** Has a value wherever there are rows. */
const isPlain = ({ name, column, filter, window }: Aggregate): boolean =>
  filter === null && window!.start !== null && (name === 'SUM' || (name === 'COUNT' && column === null))

const sameLength = (a: Interval, b: Interval): boolean =>
  a.months === b.months && a.days === b.days && a.microseconds === b.microseconds

/** How far back who was there for the last time is dormant: a year, or three horizons where that is longer. */
export function memoryOf({ horizon }: Task, params: SqlParams): string {
  const { months, days, microseconds } = horizon!
  const three = { months: 3 * months, days: 3 * days, microseconds: 3n * microseconds }
  return params.interval(intervalBounds(three).nominal > intervalBounds(YEAR).nominal ? three : YEAR)
}

/**
 * CTEs `memory(i, lo, hi, since)`, the anchors lo … hi whose windows lie in what anchor i remembers, and `acts(e, js)`, the anchors in whose windows
 * a candidate did anything, ascending. `group` holds the activity.
 */
export function memoryCtes(group: string, horizon: string, memory: string): string[] {
  return [
    `marks AS MATERIALIZED (SELECT i, at, at - ${memory} AS since, at + ${horizon} AS closed FROM a WHERE i > 0)`,
    'memory AS MATERIALIZED (SELECT n.i, n.since, pg_catalog.min(o.i) AS lo, pg_catalog.max(o.i) AS hi FROM marks n LEFT JOIN marks o ON o.i > n.i AND o.closed <= n.at AND o.closed > n.since GROUP BY n.i, n.since)',
    `acts AS MATERIALIZED (SELECT e, pg_catalog.array_agg(i ORDER BY i) AS js FROM ${group} GROUP BY e)`,
  ]
}

/** Whether candidate `e` did anything within the memory of anchor `i`, or has not been there for longer. */
export const liveSql = (born: string): string =>
  `(${born} > memory.since OR COALESCE(acts.js[pg_catalog.width_bucket(memory.lo - 1, acts.js) + 1] <= memory.hi, false))`

export const MEMORY_JOINS = 'JOIN memory ON memory.i = a.i LEFT JOIN acts ON acts.e = c.e'

/** CTE `thinning(k)`: one in k of the dormant is kept, such that a context of `rows` can be filled. Expects labelled(…, live, woke). */
export const thinningCte = (rows: number): string =>
  'thinning AS MATERIALIZED (SELECT (CASE WHEN ' +
  `wd * l * ${RARER} <= wl * d THEN GREATEST(1, LEAST(${LIVE_TO_DORMANT} * d / GREATEST(1, l), d / GREATEST(1, ${rows} - l))) ELSE 1 END)::pg_catalog.int4 AS k FROM ` +
  '(SELECT pg_catalog.count(*) FILTER (WHERE live) AS l, pg_catalog.count(*) FILTER (WHERE NOT live) AS d, ' +
  'pg_catalog.count(*) FILTER (WHERE live AND woke) AS wl, pg_catalog.count(*) FILTER (WHERE NOT live AND woke) AS wd FROM labelled) s)'

/** Whether one of `thinning` is kept, by a hash of its own. */
export const keptSql = (live: string, h: string, i: string): string =>
  `(${live} OR (pg_catalog.hashint8extended(${h}, ${i} + 2000003) & 2147483647) % k = 0)`
