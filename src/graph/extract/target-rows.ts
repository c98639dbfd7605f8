// What the target says of single rows: the aggregates it is made of, and how a row's value, class or comparison is read.

import { walkAggregates } from '../../pql/index.js'
import type { Aggregate, ColumnRef, Condition, Task } from '../../pql/task.js'
import { toFloat } from './channels.js'
import type { RowSource } from './rows.js'

/** Aggregates of the target and of ASSUMING: what a past label is made of. */
export function targetAggregates(task: Task): Aggregate[] {
  return [...walkAggregates(task.target), ...(task.assuming ? walkAggregates(task.assuming) : [])]
}

/** The target is one of the values that the rows of `a` hold. */
export const isClass = (task: Task, a: Aggregate): boolean =>
  task.kind === 'multiclass' &&
  task.target.kind === 'value' &&
  task.target.operand === a &&
  ['FIRST', 'LAST', 'MIN', 'MAX'].includes(a.name)

export function comparisonsOf(c: Condition, a: Aggregate): Condition[] {
  switch (c.kind) {
    case 'and':
    case 'or':
      return c.items.flatMap(i => comparisonsOf(i, a))
    case 'not':
      return comparisonsOf(c.item, a)
    case 'compare':
    case 'between':
    case 'in':
      return c.left === a ? [c] : []
    default:
      return []
  }
}

export function targetValue(ref: ColumnRef, rows: RowSource): string | null {
  const sql = rows.column(ref)
  switch (ref.column.typeClass) {
    case 'bool':
      return `${sql}::pg_catalog.int4::pg_catalog.float8`
    case 'integer':
      return `${sql}::pg_catalog.float8`
    case 'number':
      return toFloat(ref.column, sql)
    case 'interval':
      return `pg_catalog.date_part('epoch', ${sql})`
    default:
      return `CASE WHEN ${sql} IS NOT NULL THEN 1::pg_catalog.float8 END`
  }
}
