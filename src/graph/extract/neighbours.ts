// The rows that context and scored entities refer to, their neighbours: which they are, and whether they and what hangs on them are worth reading.
// The context's own rows decide that, as of its cell's start: whoever is asked about, and at whichever moment of the cell, sees the same columns.

import type { Task } from '../../pql/task.js'
import { UNIT } from './anchors.js'
import { joinEntity } from './context.js'
import type { Layout, NodePlan, StreamPlan } from './layout-plan.js'
import { conjunction, identityColumns, keyName, type Point } from './rows.js'
import { identifier, type SqlParams, tableName } from './sql.js'

/** A child row's other parents are followed only while they are few: beyond that they are values, not neighbours. */
const MOST_LATEST = 2000
/** Rows that hang on the context's parents are read while there are so many at most, as far as a hundred of the parents tell. */
const MOST_HANGING = 500_000
const PARENTS_COUNTED = 100

/** What neighbours are of. */
export interface Around {
  readonly task: Task
  readonly layout: Layout
  readonly params: SqlParams
  readonly anchor: Point
  /** The start of the context's cell; null: no context is read. */
  readonly cell: Point | null
}

/** CTEs `d<node>`, the keys that rows name, and `n<node>(k, …, x)`, the rows that have them, x: named by the context's. */
export function nodeCtes(around: Around, node: number, plan: NodePlan): string[] {
  const { layout, cell } = around
  const link = plan.link!
  const parent = plan.rows.alias
  const identity = identityColumns(plan.table).map((c, i) => `${plan.rows.own(c)} AS ${keyName(i)}`)
  const { from, conditions } = referrers(around, plan)
  const child = referrerAlias(layout, plan)
  const columns = link.columns.map((c, i) => `${child}.${identifier(c.name)} AS f${i + 1}`).join(', ')
  const names = link.columns.map((_, i) => `f${i + 1}`)
  const decides = plan.kind === 'latest' ? cell : null
  const ofContext = decides ? `n.x AND ${layout.streams[plan.stream!]!.rows.atMost(decides)}` : 'n.x'
  const lasting = decides ? `, ${lastingSql(around, plan, ofContext)} AS lasting` : ''
  const distinct = `SELECT ${columns}, pg_catalog.bool_or(${ofContext}) AS x${lasting} FROM ${from} WHERE ${conjunction(conditions)} GROUP BY ${names.join(', ')}`
  const guard = decides
    ? ` WHERE (SELECT pg_catalog.count(*) <= ${MOST_LATEST} AND pg_catalog.avg(lasting) >= 0.5 FROM d${node} WHERE x)`
    : ''
  const on = link.toColumns.map((c, i) => `${plan.rows.own(c)} = d.${names[i]}`).join(' AND ')
  return [
    `d${node} AS MATERIALIZED (${distinct})`,
    `n${node} AS MATERIALIZED (SELECT (pg_catalog.row_number() OVER () - 1)::pg_catalog.int4 AS k, ${identity.join(', ')}, d.x FROM d${node} d JOIN ${tableName(plan.rows.table)} AS ${parent} ON ${on}${guard})`,
  ]
}

/** 1 where the rows of a key span a horizon or more: a team, a shop; not an event whose rows all happen at once. Context rows decide. */
function lastingSql({ task, layout, params }: Around, plan: NodePlan, ofContext: string): string {
  const time = layout.streams[plan.stream!]!.rows.time()
  const span = `pg_catalog.max(${time}) FILTER (WHERE ${ofContext}) - pg_catalog.min(${time}) FILTER (WHERE ${ofContext})`
  return `CASE WHEN ${span} >= ${params.interval(task.horizon ?? UNIT)} THEN 1 ELSE 0 END`
}

/** FROM and WHERE of the rows whose foreign key names the keys of a node. */
function referrers({ layout, anchor }: Around, plan: NodePlan): { from: string; conditions: string[] } {
  if (plan.kind === 'parent') {
    const entity = layout.nodes[0]!
    return { from: `${entity.rows.from} JOIN n0 n ON ${sameKeys(entity.rows.alias, entity)}`, conditions: ['true'] }
  }
  const stream = layout.streams[plan.stream!]!
  const visible = stream.rows.atMost(anchor)
  return {
    from: `${stream.rows.from} JOIN n0 n ON ${joinEntity(stream.path, stream.rows, 'n')}`,
    conditions: [visible],
  }
}

function referrerAlias(layout: Layout, plan: NodePlan): string {
  return plan.kind === 'parent' ? layout.nodes[0]!.rows.alias : layout.streams[plan.stream!]!.rows.alias
}

/** Context rows decide, and no more are counted than matter: what parents have to tell costs no more however large the table is. */
export function fewHang(layout: Layout, cell: Point, { node, rows }: StreamPlan, on: string): string {
  const keys = identityColumns(layout.nodes[node]!.table).map((_, i) => keyName(i))
  const hash = `pg_catalog.hashtextextended(ROW(${keys.join(', ')})::pg_catalog.text, 0)`
  const drawn = `SELECT ${keys.join(', ')} FROM n${node} WHERE x ORDER BY ${hash}, ${keys.join(', ')} LIMIT ${PARENTS_COUNTED}`
  const most = `(SELECT ${MOST_HANGING} * LEAST(pg_catalog.count(*), ${PARENTS_COUNTED}) / GREATEST(pg_catalog.count(*), 1) FROM n${node} WHERE x)`
  const some = `SELECT FROM ${rows.from} JOIN (${drawn}) n ON ${on} WHERE ${rows.atMost(cell)} LIMIT ${most} + 1`
  return `(SELECT pg_catalog.count(*) FROM (${some}) s) <= ${most}`
}

/** The row of a node's own table whose identity the CTE row `n` holds. */
export function sameKeys(alias: string, plan: NodePlan): string {
  const key = plan.table.key ?? plan.link?.toColumns ?? []
  const identity = identityColumns(plan.table)
  return key.map(c => `${alias}.${identifier(c.name)} = n.${keyName(identity.indexOf(c))}`).join(' AND ')
}
