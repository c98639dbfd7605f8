// Aggregates: which rows (the way down from the entity), which of them (the filter, the window), and what of them (the column).

import { PgError } from '../pg-error.js'
import type { Argument } from './aggregate-path.js'
import { pathDown } from './aggregate-path.js'
import { checkFilterScope, checkList } from './aggregate-rules.js'
import type { AggregateSyntax, Span } from './ast.js'
import type { Table } from './catalog.js'
import { followArrows } from './columns.js'
import type { Context, Scope } from './context.js'
import { keyColumns, slice, tableText, withArgument } from './context.js'
import { findTable, tableNamed } from './names.js'
import type { Aggregate, ColumnRef, Condition } from './task.js'
import { typed } from './typed.js'
import { columnType, isNumber, isTime } from './types.js'
import { checkWindow } from './windows.js'

/** Checks the WHERE inside an aggregate; passed in, since conditions hold aggregates. */
export type CheckFilter = (context: Context, syntax: NonNullable<AggregateSyntax['where']>, scope: Scope) => Condition

/** A column that the aggregate could take instead of `*`. */
const columnFor = (syntax: AggregateSyntax, table: Table): string | undefined => {
  const keys = keyColumns(table)
  const fits = syntax.name === 'SUM' || syntax.name === 'AVG' || syntax.name === 'MIN' || syntax.name === 'MAX'
  const links = table.parents.flatMap(({ columns }) => columns)
  const wanted =
    syntax.name === 'LIST_DISTINCT'
      ? links[links.length - 1]
      : table.columns.find(column => !keys.includes(column) && (!fits || isNumber(columnType(column))))
  return wanted && `${tableText(table)}.${typed(wanted.name)}`
}

const readArgument = (context: Context, syntax: AggregateSyntax, entity: Table): Argument => {
  const { column, name } = syntax
  const { parts, star } = column
  if (star && parts.length === 0) {
    const [child] = entity.children
    throw new PgError({
      code: '42601',
      message: `${name}(*) does not say of which table`,
      hint: child && `Write: ${withArgument(context, syntax, 'COUNT', `${tableText(child.from)}.*`)}`,
      position: column.start,
    })
  }
  if (!star && parts.length === 1) {
    const named = tableNamed(context, parts)
    throw new PgError({
      code: '42601',
      message: `${name} needs a column, as table.column`,
      hint: named && `Write: ${withArgument(context, syntax, 'COUNT', `${tableText(named)}.*`)}`,
      position: column.start,
    })
  }
  const table = findTable(context, star ? parts : parts.slice(0, -1))
  if (star && name !== 'COUNT') {
    const instead = columnFor(syntax, table)
    throw new PgError({
      code: '42601',
      message: `"*" stands in COUNT only, not in ${name}`,
      hint: `Write: ${instead ? withArgument(context, syntax, name, instead) : withArgument(context, syntax, 'COUNT', slice(context, column))}`,
      position: column.end - 1,
    })
  }
  return { table, column: star ? null : column }
}

const checkType = (context: Context, syntax: AggregateSyntax, ref: ColumnRef): void => {
  const { name } = syntax
  const type = columnType(ref.column)
  const sums = name === 'SUM' || name === 'AVG'
  if (
    sums
      ? isNumber(type) || type.typeClass === 'bool'
      : isNumber(type) || isTime(type) || (name !== 'MIN' && name !== 'MAX')
  )
    return
  const instead = sums || type.typeClass === 'bool' ? 'COUNT' : 'LAST'
  throw new PgError({
    code: '42883',
    message: `function ${name.toLowerCase()}(${type.typeName}) does not exist`,
    detail: sums ? `${name} takes numbers.` : `${name} takes numbers, dates and timestamps.`,
    hint: `Write: ${withArgument(context, syntax, instead, slice(context, syntax.column))}`,
    position: syntax.column.start,
  })
}

/**
 * Checks one aggregate.
 * @param leaf the condition it is part of, for hints
 */
export const checkAggregate = (
  context: Context,
  syntax: AggregateSyntax,
  scope: Scope,
  leaf: Span,
  checkFilter: CheckFilter,
): Aggregate => {
  const { entity } = scope
  const argument = readArgument(context, syntax, entity)
  const { table } = argument
  const path = pathDown(context, syntax, entity, argument)
  let column: ColumnRef | null = null
  if (argument.column) {
    const { parts, arrows } = argument.column
    column = { kind: 'column', ...followArrows(table, parts[parts.length - 1], arrows) }
    checkType(context, syntax, column)
    if (syntax.name === 'LIST_DISTINCT') checkList(context, syntax, path, column, entity)
  }
  const filter = syntax.where && checkFilter(context, syntax.where, { place: 'filter', base: table, entity })
  if (filter) checkFilterScope(context, syntax, filter, table, entity)
  const window = checkWindow(context, syntax, table, scope.place, leaf === syntax ? '' : slice(context, leaf), path)
  const span = { start: syntax.start, end: syntax.end }
  return { kind: 'aggregate', name: syntax.name, path, table, column, filter, window, span }
}
