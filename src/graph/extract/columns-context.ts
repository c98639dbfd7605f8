// Labelled examples of a target of columns: rows of the entity's own table whose value is known. In SQL.
//
// Read at one moment, all examples share an anchor, and each lies in one of several shares by its key, so that a row can be answered by what
// the other shares teach: what stands in the row itself then never comes back as its own answer. Read each at its own time, a row is answered
// by the rows before the period it falls into; periods start at fixed times after the table's first row, and grow with its age.

import type { Operand, Task } from '../../pql/task.js'
import { SHARES } from '../neighbourhood.js'
import type { Grid } from './anchors.js'
import { classesCtes, labelSql } from './classes.js'
import type { ContextSize } from './context.js'
import { conjunction, identityColumns, keyName, type Point, RowSource } from './rows.js'
import { whereAt } from './scored.js'
import { listSql, listsOf } from './sets.js'
import { OID, type SqlParams, timestamp } from './sql.js'

const REFERENCE_ROWS = 500
/** Examples before each period, the newest. */
export const PERIOD_ROWS = 4_000

/** Microseconds before its own time at which a row is read: nothing that was written with it, and not itself. */
const JUST_BEFORE = `'1 microsecond'::pg_catalog.interval`

interface Request {
  readonly task: Task
  readonly grid: Grid
  /** null: the context is at hand. */
  readonly context: ContextSize | null
  readonly seed: number
}

/** Everything of the table at one moment: CTEs cand(e, k1, …, h, label), labelled, kept and ref, as contextCtes gives them. */
export function sharedCtes({ task, grid, context, seed }: Request, params: SqlParams): string[] {
  const at = params.text(OID.timestamptz, timestamp(grid.cell))
  const point: Point = { timestamptz: at, timestamp: `${at}::pg_catalog.timestamp` }
  const examples = examplesOf(task, point, seed, params)
  const { newest, older } = context!
  return [
    ...examples.ctes,
    // as many of each share, so that whether a row is an example moves no row of another share in or out
    `cand AS MATERIALIZED (SELECT pg_catalog.row_number() OVER (ORDER BY h, ${keysOf(task)}) AS e, s.* FROM (SELECT *, pg_catalog.row_number() OVER (PARTITION BY ${shareOf('h')} ORDER BY h, ${keysOf(task)}) AS place FROM (${examples.sql}) x) s WHERE place <= ${Math.ceil((newest + older) / SHARES)})`,
    'labelled AS (SELECT e, 2 AS i, h, label FROM cand)',
    'kept AS MATERIALIZED (SELECT e, i, label FROM labelled)',
    ...classesCtes(task),
    `ref AS MATERIALIZED (SELECT e FROM cand WHERE place <= ${REFERENCE_ROWS / SHARES})`,
  ]
}

/**
 * Every row at its own time: CTEs timed(n, k1, …, t, g) of the scored rows with the period each falls into, a(i, at, ts) with an anchor for
 * every moment, and with a context the same as sharedCtes. Expects CTE `scored`.
 */
export function ownCtes({ task, grid, context, seed }: Request, params: SqlParams): string[] {
  const rows = new RowSource(task.entity.table, 'x')
  const identity = identityColumns(task.entity.table)
  const on = identity.map((c, i) => `${rows.own(c)} = s.${keyName(i)}`).join(' AND ')
  const starts = params.text(OID.timestamptzArray, `{${grid.periods!.map(t => `"${timestamp(t)}"`).join(',')}}`)
  const time = rows.time()
  const ctes = [
    `timed AS MATERIALIZED (SELECT s.*, ${time} AS t, pg_catalog.width_bucket(${time}, ${starts}) AS g FROM scored s JOIN ${rows.from} ON ${on} WHERE pg_catalog.isfinite(${time}) AND pg_catalog.width_bucket(${time}, ${starts}) > 0)`,
    `periods AS MATERIALIZED (SELECT g, at, at - ${JUST_BEFORE} AS before, (at - ${JUST_BEFORE})::pg_catalog.timestamp AS beforets FROM pg_catalog.unnest(${starts}) WITH ORDINALITY AS u (at, g) WHERE g IN (SELECT g FROM timed))`,
  ]
  const moments = ['SELECT t FROM timed']
  if (context) {
    const examples = examplesOf(task, { timestamptz: 'p.before', timestamp: 'p.beforets' }, seed, params)
    const newest = `${examples.sql} ORDER BY t DESC, h, ${keysOf(task)} LIMIT ${PERIOD_ROWS}`
    ctes.push(
      ...examples.ctes,
      `cand AS MATERIALIZED (SELECT pg_catalog.row_number() OVER (ORDER BY t DESC, h, ${keysOf(task)}) AS e, s.* FROM (SELECT DISTINCT r.* FROM periods p CROSS JOIN LATERAL (${newest}) r) s)`,
    )
    moments.push('SELECT t FROM cand')
  }
  const [anchor, cell] = [grid.anchor, grid.cell].map(t => params.text(OID.timestamptz, timestamp(t)))
  const at = `SELECT 0::pg_catalog.int8 AS i, ${anchor} AS at UNION ALL SELECT 1, ${cell} UNION ALL SELECT 1 + pg_catalog.row_number() OVER (ORDER BY t DESC), t - ${JUST_BEFORE} FROM (${moments.join(' UNION ')}) m`
  ctes.push(`a AS MATERIALIZED (SELECT i::pg_catalog.int4 AS i, at, at::pg_catalog.timestamp AS ts FROM (${at}) s)`)
  if (!context) return ctes
  return [
    ...ctes,
    `labelled AS MATERIALIZED (SELECT c.e, a.i, c.h, c.label FROM cand c JOIN a ON a.at = c.t - ${JUST_BEFORE} AND a.i > 1)`,
    'kept AS MATERIALIZED (SELECT e, i, label FROM labelled)',
    ...classesCtes(task),
    'ref AS (SELECT e FROM cand WHERE false)',
  ]
}

/** Anchor index and share, or period, of the scored rows `s`. */
export function placeOfScored(task: Task, seed: number, params: SqlParams): { from: string; codes: string } {
  if (task.asOf.kind === 'entity time')
    return {
      from: `timed s JOIN a ON a.at = s.t - ${JUST_BEFORE} AND a.i > 1`,
      codes: 'ARRAY[a.i, s.g::pg_catalog.int4]',
    }
  return { from: 'scored s', codes: `ARRAY[0, ${shareOf(hashOf(task, i => `s.${keyName(i)}`, seed, params))}]` }
}

/** The share that an example with hash `h` lies in. */
export const shareOf = (h: string): string => `((${h} & 1073741823) % ${SHARES})::pg_catalog.int4`

export const periodsPart = (part: number, nulls: string): string =>
  `SELECT ${part}, pg_catalog.array_agg(g::pg_catalog.int4 ORDER BY g), pg_catalog.array_agg(at ORDER BY g), NULL::pg_catalog.float8[], NULL::pg_catalog.int4[], ${nulls} FROM periods HAVING pg_catalog.count(*) > 0`

const keysOf = (task: Task): string => task.entity.key.map((_, i) => keyName(i)).join(', ')

function hashOf(task: Task, key: (i: number) => string, seed: number, params: SqlParams): string {
  const names = task.entity.key.map((_, i) => `${key(i)}`)
  const text = names.length === 1 ? `${names[0]}::pg_catalog.text` : `ROW(${names.join(', ')})::pg_catalog.text`
  return `pg_catalog.hashtextextended(${text}, ${params.text(OID.int8, String(seed))})`
}

/** Rows written by `point` whose value is known: SELECT of (k1, …, h, t, label), with the CTEs that its WHERE needs. */
function examplesOf(task: Task, point: Point, seed: number, params: SqlParams): { ctes: string[]; sql: string } {
  const { table, key } = task.entity
  const rows = new RowSource(table, 'x', task.asOf.kind === 'entity time' ? null : point)
  const keys = identityColumns(table)
    .map((c, i) => `${rows.own(c)} AS ${keyName(i)}`)
    .join(', ')
  const { ctes, joins, conditions } = whereAt(task, rows, point, 'v', params)
  const lists = new Map(
    listsOf(task).map((list, i) => [list.span.start, listSql(list, `l${i + 1}`, rows, point, params)]),
  )
  for (const { cte, join } of lists.values()) {
    ctes.push(cte)
    joins.push(join)
  }
  const value = (o: Operand) => (o.kind === 'column' ? rows.column(o) : lists.get(o.span.start)!.value)
  const label = labelSql(task, value, params)
  if (rows.dated) conditions.unshift(rows.atMost(point))
  const hash = hashOf(task, i => rows.own(key[i]!), seed, params)
  const inner = `SELECT ${keys}, ${hash} AS h, ${rows.time()} AS t, ${label} AS label FROM ${rows.from} ${joins.join(' ')} WHERE ${conjunction(conditions)}`
  return { ctes, sql: `SELECT * FROM (${inner}) s WHERE label IS NOT NULL` }
}
