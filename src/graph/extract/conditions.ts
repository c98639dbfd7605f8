// Conditions and aggregates of a task as SQL expressions: Postgres does the comparing, three-valued as ever.

import type { Aggregate, Condition, Operand, TypedConstant } from '../../pql/task.js'
import type { RowSource } from './rows.js'
import type { SqlParams } from './sql.js'

/** How an operand is written where the condition stands: a column of a row source, or the value of a finished aggregate. */
export type OperandSql = (operand: Operand) => string

export function conditionSql(condition: Condition, operand: OperandSql, params: SqlParams): string {
  const each = (c: Condition) => conditionSql(c, operand, params)
  const constant = (c: TypedConstant) => params.constant(c)
  switch (condition.kind) {
    case 'and':
    case 'or':
      return `(${condition.items.map(each).join(condition.kind === 'and' ? ' AND ' : ' OR ')})`
    case 'not':
      return `(NOT ${each(condition.item)})`
    case 'compare':
      return `(${operand(condition.left)} ${condition.op} ${constant(condition.right)})`
    case 'in':
      return `(${operand(condition.left)} ${condition.negated ? 'NOT ' : ''}IN (${condition.items.map(constant).join(', ')}))`
    case 'any':
      return condition.negated
        ? `(${operand(condition.left)} <> ALL (${constant(condition.array)}))`
        : `(${operand(condition.left)} = ANY (${constant(condition.array)}))`
    case 'between':
      return `(${operand(condition.left)} ${condition.negated ? 'NOT ' : ''}BETWEEN ${constant(condition.low)} AND ${constant(condition.high)})`
    case 'is':
      return `(${operand(condition.left)} IS ${condition.negated ? 'NOT ' : ''}${condition.value.toUpperCase()})`
    case 'truth':
      return `(${operand(condition.operand)})`
    case 'match':
      return matchSql(condition, operand(condition.left), constant(condition.pattern))
  }
}

function matchSql(c: Extract<Condition, { kind: 'match' }>, left: string, pattern: string): string {
  const not = c.negated ? 'NOT ' : ''
  const isArray = c.left.kind === 'column' ? c.left.column.typeClass === 'array' : c.left.name === 'LIST_DISTINCT'
  switch (c.op) {
    case 'LIKE':
    case 'ILIKE':
      return `(${left} ${not}${c.op} ${pattern})`
    case 'CONTAINS':
      return isArray
        ? `(${not}${pattern} = ANY (${left}))`
        : `(${not}pg_catalog.strpos(${left}::pg_catalog.text, ${pattern}) > 0)`
    case 'STARTS WITH':
      return `(${not}pg_catalog.left(${left}::pg_catalog.text, pg_catalog.length(${pattern})) = ${pattern})`
    case 'ENDS WITH':
      return `(${not}pg_catalog.right(${left}::pg_catalog.text, pg_catalog.length(${pattern})) = ${pattern})`
  }
}

/** The row filter of an aggregate over its row source; null where it has none. */
export function filterSql(aggregate: Aggregate, rows: RowSource, params: SqlParams): string | null {
  if (!aggregate.filter) return null
  return conditionSql(aggregate.filter, o => (o.kind === 'column' ? rows.column(o) : aggregateInFilter()), params)
}

/** The aggregate call over rows already restricted to its window and filter. Groups without rows are absent: see `emptyValue`. */
export function aggregateCall(aggregate: Aggregate, rows: RowSource): string {
  const value = aggregate.column ? rows.column(aggregate.column) : '*'
  // Sums run over numeric or integers, or over floats in a fixed order: equal data gives equal labels.
  const ordered = aggregate.column?.column.typeClass === 'number' ? ` ORDER BY ${rows.time()}, ${rows.keyOrder()}` : ''
  switch (aggregate.name) {
    case 'COUNT':
      return `pg_catalog.count(${value})`
    case 'COUNT_DISTINCT':
      return `pg_catalog.count(DISTINCT ${value})`
    case 'SUM':
      return `pg_catalog.sum(${numeric(aggregate, value)}${isFloat(aggregate) ? ordered : ''})`
    case 'AVG':
      return `pg_catalog.avg(${numeric(aggregate, value)}${isFloat(aggregate) ? ordered : ''})`
    case 'MIN':
      return `pg_catalog.min(${ordinary(aggregate, value)})`
    case 'MAX':
      return `pg_catalog.max(${ordinary(aggregate, value)})`
    case 'FIRST':
      return `(pg_catalog.array_agg(${value} ORDER BY ${rows.time()}, ${rows.keyOrder()}))[1]`
    case 'LAST':
      return `(pg_catalog.array_agg(${value} ORDER BY ${rows.time()} DESC, ${rows.keyOrder()}))[1]`
    case 'LIST_DISTINCT':
      return aggregate.column?.column.typeClass === 'array'
        ? `(SELECT pg_catalog.array_agg(DISTINCT e) FROM pg_catalog.unnest(pg_catalog.array_agg(ROW(${value}))) AS lists (list ${aggregate.column.column.typeName}), pg_catalog.unnest(lists.list) AS e)`
        : `pg_catalog.array_agg(DISTINCT ${value})`
  }
}

/** Value of the aggregate over no rows: counts and sums are 0 (the one departure from SQL), the rest NULL. */
export function withEmptyValue(aggregate: Aggregate, value: string): string {
  const zero = aggregate.name === 'COUNT' || aggregate.name === 'COUNT_DISTINCT' || aggregate.name === 'SUM'
  return zero ? `COALESCE(${value}, 0)` : value
}

const isFloat = (a: Aggregate) => a.column?.column.baseType === 700 || a.column?.column.baseType === 701

/** What sums and means are taken of. Infinities and what would overflow a sum read as missing, rather than failing the statement. */
function numeric(aggregate: Aggregate, value: string): string {
  if (aggregate.column?.column.typeClass === 'bool') return `(${value})::pg_catalog.int4`
  if (isFloat(aggregate)) return `CASE WHEN pg_catalog.abs(${value}) < 1e300 THEN ${value} END`
  return ordinary(aggregate, value)
}

/** Money compares with numbers as a number. */
export function ordinary(aggregate: Aggregate, value: string): string {
  return aggregate.column?.column.baseType === 790 ? `(${value})::pg_catalog.numeric` : value
}

/** The same of a finished value, where its type is still the column's own. */
export function ordinaryValue(operand: Operand, value: string): string {
  const own = operand.kind === 'column' || operand.name === 'FIRST' || operand.name === 'LAST'
  const column = operand.kind === 'column' ? operand.column : operand.column?.column
  return own && column?.baseType === 790 ? `(${value})::pg_catalog.numeric` : value
}

function aggregateInFilter(): never {
  throw new Error('an aggregate cannot stand in a row filter')
}
