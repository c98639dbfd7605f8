// Lists that no window bounds, in SQL: an array column, or LIST_DISTINCT over undated rows. A label is a set of values, which travel as
// numbers beside a list of what they stand for, an entry each.

import type { Link } from '../../pql/catalog.js'
import { walkAggregates } from '../../pql/index.js'
import type { Aggregate, ColumnRef, Task } from '../../pql/task.js'
import { filterSql } from './conditions.js'
import { conjunction, type Point, RowSource } from './rows.js'
import { identifier, type SqlParams } from './sql.js'

/** Values that RANK tells apart, the commonest; CLASSIFY is for no more, and is sent one that is too many. */
const MOST_VALUES = 1000

export const isSet = ({ kind, temporal }: Task): boolean => (kind === 'rank' || kind === 'classify') && !temporal

type List = Aggregate & { readonly column: ColumnRef }

/** The lists that a target without windows is about, or is one of; none where it is about columns alone. */
export const listsOf = (task: Task): List[] =>
  task.temporal ? [] : walkAggregates(task.target).map(a => ({ ...a, column: a.column! }))

/** How a list stands beside the rows of the entity's table: the array, NULL where there is none, and the CTE and the join it needs. */
export interface ListSql {
  readonly value: string
  readonly cte: string
  readonly join: string
}

/** The list of every entity that has one by `point`, joined to `rows`. */
export function listSql(list: List, name: string, rows: RowSource, point: Point, params: SqlParams): ListSql {
  const own = new RowSource(list.table, 'r', point)
  const up = list.path.map(step => step.link).reverse()
  const link = up.at(-1)!
  const child = own.parent(up.slice(0, -1))
  const keys = link.columns.map(c => `${child}.${identifier(c.name)}`)
  const { from, item } = itemOf(list.column, own)
  const filter = filterSql(list, own, params)
  const conditions = [`${item} IS NOT NULL`, ...(filter === null ? [] : [filter]), ...visibleItems(list.column, own)]
  if (own.dated) conditions.push(own.atMost(point))
  const names = keys.map((key, i) => `${key} AS f${i + 1}`).join(', ')
  return {
    value: `${name}.v`,
    cte: `${name} AS MATERIALIZED (SELECT ${names}, pg_catalog.array_agg(DISTINCT ${item}) AS v FROM ${own.from}${from} WHERE ${conjunction(conditions)} GROUP BY ${keys.join(', ')})`,
    join: `LEFT JOIN ${name} ON ${link.toColumns.map((c, i) => `${name}.f${i + 1} = ${rows.own(c)}`).join(' AND ')}`,
  }
}

/** The item of a row, or each element where it is an array: an expression, and what FROM needs for it. */
export function itemOf(ref: ColumnRef, rows: RowSource): { from: string; item: string } {
  const item = rows.column(ref)
  return ref.column.typeClass === 'array'
    ? { from: ` CROSS JOIN LATERAL pg_catalog.unnest(${item}) AS e (item)`, item: 'e.item' }
    : { from: '', item }
}

/** An item that is a row of another table is answered only where the role sees that row. */
export function visibleItems(ref: ColumnRef, rows: RowSource): string[] {
  const up = ref.up.map(step => step.link)
  return itemLinks(ref).map(link => {
    const child = rows.parent(up)
    const parent = `${rows.parent([...up, link])}.${identifier(link.toColumns[0]!.name)}`
    const columns = link.columns.map(c => `${child}.${identifier(c.name)}`)
    const known = `${parent} IS NOT NULL`
    return columns.length === 1 ? known : `(${known} OR pg_catalog.num_nulls(${columns.join(', ')}) > 0)`
  })
}

/** Foreign keys that the item column is part of. */
export const itemLinks = ({ table, column }: ColumnRef): Link[] =>
  table.parents.filter(link => link.columns.includes(column))

/** CTEs `items(e, v)`, the values of the sets of `kept`, and `classes(c, v, x, n)`, the different ones in the order of their text, x. */
export const valuesCtes = (task: Task): string[] => [
  'items AS MATERIALIZED (SELECT DISTINCT k.e, u.v FROM kept k, pg_catalog.unnest(k.label) AS u (v) WHERE u.v IS NOT NULL)',
  `classes AS MATERIALIZED (SELECT (pg_catalog.row_number() OVER (ORDER BY x COLLATE pg_catalog."C") - 1)::pg_catalog.int4 AS c, v, x, n FROM (SELECT v, v::pg_catalog.text AS x, pg_catalog.count(*) AS n FROM items GROUP BY v ORDER BY n DESC, v::pg_catalog.text COLLATE pg_catalog."C" LIMIT ${task.kind === 'classify' ? MOST_VALUES + 1 : MOST_VALUES}) s ORDER BY c)`,
]

/** Labelled examples, an entry for each value, (e, i, label); one without a label where a set is empty. */
export const ENTRIES =
  'SELECT k.e, k.i, c.c::pg_catalog.float8 AS label FROM kept k LEFT JOIN (SELECT items.e, classes.c FROM items JOIN classes ON classes.v = items.v) c ON c.e = k.e'
