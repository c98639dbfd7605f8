// Whom to score: the named entities, or every one that the query's WHERE lets through at its anchor. In SQL, in output order.

import { walkAggregates } from '../../pql/index.js'
import type { Aggregate, Ids, Operand, Task, TypedConstant } from '../../pql/task.js'
import { aggregateCall, conditionSql, filterSql, withEmptyValue } from './conditions.js'
import { datedChildren, windowSql } from './context.js'
import { conjuncts } from './driver.js'
import { conjunction, identityColumns, keyName, type Point, RowSource } from './rows.js'
import { identifier, type SqlParam, type SqlParams } from './sql.js'

/**
 * CTE `scored(n, k1, …)`: at most `most` entities, n from 0 in output order, the identity columns of each. `anchor` is the query's own;
 * `keys`, where given, are arrays of the key columns and say whom to score instead of the task.
 */
export function scoredCtes(
  task: Task,
  anchor: Point,
  most: number,
  params: SqlParams,
  keys: readonly SqlParam[] | null = null,
): string[] {
  const { table, key } = task.entity
  const rows = new RowSource(table, 'x', anchor)
  const columns = identityColumns(table)
    .map((c, i) => `${rows.own(c)} AS ${keyName(i)}`)
    .join(', ')
  const own = key.map(c => rows.own(c)).join(', ')
  const number = (order: string) => `pg_catalog.row_number() OVER (ORDER BY ${order}) - 1 AS n`
  if (keys || task.ids.kind !== 'each') {
    const { sql, order } = keys ? listed(keys, params) : wanted(task, task.ids as Named, params)
    const on = key.map((c, i) => `${rows.own(c)} = w.w${i + 1}`).join(' AND ')
    return [
      `wanted AS MATERIALIZED (${sql})`,
      `scored AS MATERIALIZED (SELECT ${number(order ? `w.o, ${own}` : own)}, ${columns} FROM wanted w JOIN ${rows.from} ON ${on} LIMIT ${most})`,
    ]
  }
  const { ctes, joins, conditions } = whereAt(task, rows, anchor, 'w', params)
  if (task.asOf.kind !== 'default') conditions.push(...existedAt(task, rows, anchor))
  if (task.narrowed)
    conditions.push(
      `(${task.narrowed.map(part => (typeof part === 'string' ? part : 'constant' in part ? params.constant(part) : rows.own(part))).join('')})`,
    )
  ctes.push(
    `scored AS MATERIALIZED (SELECT ${number(own)}, ${columns} FROM ${rows.from} ${joins.join(' ')} WHERE ${conjunction(conditions)} LIMIT ${most})`,
  )
  return ctes
}

/** The query's WHERE over rows of the entity table at `anchor`: CTEs called `prefix`1, …, joins of them, and the conditions. */
export function whereAt(
  task: Task,
  rows: RowSource,
  anchor: Point,
  prefix: string,
  params: SqlParams,
): { ctes: string[]; joins: string[]; conditions: string[] } {
  const groups = new Map<Aggregate, string>()
  const ctes: string[] = []
  for (const a of task.where ? walkAggregates(task.where) : []) {
    const name = `${prefix}${groups.size + 1}`
    groups.set(a, name)
    ctes.push(`${name} AS MATERIALIZED (${valueAtAnchor(a, anchor, params)})`)
  }
  const operand = (o: Operand) => (o.kind === 'column' ? rows.column(o) : withEmptyValue(o, `${groups.get(o)!}.v`))
  const joins = [...groups].map(([a, g]) => {
    const link = a.path[0]!.link
    return `LEFT JOIN ${g} ON ${link.toColumns.map((c, i) => `${g}.f${i + 1} = ${rows.own(c)}`).join(' AND ')}`
  })
  return { ctes, joins, conditions: conjuncts(task.where).map(c => conditionSql(c, operand, params)) }
}

type Named = Exclude<Ids, { kind: 'each' }>

/** Keys that are distinct already. */
function listed(keys: readonly SqlParam[], params: SqlParams): { sql: string; order: boolean } {
  const names = keys.map((_, i) => `w${i + 1}`)
  const arrays = keys.map(array => `pg_catalog.unnest(${params.bound(array)})`)
  return {
    sql: `SELECT * FROM ROWS FROM (${arrays.join(', ')}) WITH ORDINALITY AS w (${names.join(', ')}, o)`,
    order: true,
  }
}

/** Distinct wanted keys (w1, …), with their place in the list as o where there is one. */
function wanted(task: Task, ids: Named, params: SqlParams): { sql: string; order: boolean } {
  const { key } = task.entity
  const names = key.map((_, i) => `w${i + 1}`)
  if (ids.kind === 'query') {
    return { sql: `SELECT DISTINCT * FROM (${params.verbatim(ids.sql)}) AS w (${names.join(', ')})`, order: false }
  }
  const distinct = (from: string) =>
    `SELECT ${names.join(', ')}, pg_catalog.min(o) AS o FROM ${from} GROUP BY ${names.join(', ')}`
  if (ids.kind === 'any')
    return {
      sql: distinct(`pg_catalog.unnest(${params.constant(ids.array)}) WITH ORDINALITY AS w (w1, o)`),
      order: true,
    }
  const plain = ids.rows.every(row => row.every(c => c.constant.kind !== 'param'))
  if (plain && key.every(c => c.arrayType !== 0)) {
    const arrays = key.map((c, i) => params.text(c.arrayType, arrayLiteral(ids.rows.map(row => row[i]!))))
    return {
      sql: distinct(
        `ROWS FROM (${arrays.map(a => `pg_catalog.unnest(${a})`).join(', ')}) WITH ORDINALITY AS w (${names.join(', ')}, o)`,
      ),
      order: true,
    }
  }
  const values = ids.rows.map((row, o) => `(${row.map(c => params.constant(c)).join(', ')}, ${o})`)
  return { sql: distinct(`(VALUES ${values.join(', ')}) AS w (${names.join(', ')}, o)`), order: true }
}

function arrayLiteral(constants: readonly TypedConstant[]): string {
  return `{${constants.map(({ constant: c }) => (c.kind === 'null' ? 'NULL' : quoted(c.kind === 'bool' ? String(c.value) : c.kind === 'param' ? '' : c.text))).join(',')}}`
}

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

/** The aggregate at the query's anchor for every entity that has rows in its window: f1, … are the columns its rows refer to the entity by. */
function valueAtAnchor(a: Aggregate, anchor: Point, params: SqlParams): string {
  const path = a.path.map(s => s.link)
  const rows = new RowSource(a.table, 'r', anchor)
  const child = rows.parent([...path].reverse().slice(0, -1))
  const keys = path[0]!.columns.map(c => `${child}.${identifier(c.name)}`)
  const filter = filterSql(a, rows, params)
  const call = aggregateCall(a, rows)
  const conditions = [windowSql(a, rows, params, anchor), ...(filter === null ? [] : [filter])]
  return `SELECT ${keys.map((k, i) => `${k} AS f${i + 1}`).join(', ')}, ${call} AS v FROM ${rows.from} WHERE ${conjunction(conditions)} GROUP BY ${keys.join(', ')}`
}

/** With AS OF, FOR EACH scores who existed then: a dated entity from its own time on, an undated one from its first dated child row. */
function existedAt(task: Task, rows: RowSource, anchor: Point): string[] {
  if (rows.dated) return [rows.atMost(anchor)]
  const children = datedChildren(task).map(link => {
    const child = new RowSource(link.from, 'y')
    const seen = child.atMost(anchor)
    const on = link.columns.map((c, i) => `${child.own(c)} = ${rows.own(link.toColumns[i]!)}`).join(' AND ')
    return `EXISTS (SELECT 1 FROM ${child.from} WHERE ${on} AND ${seen})`
  })
  return children.length > 0 ? [`(${children.join(' OR ')})`] : []
}
