// Aggregates that are well formed and yet say nothing: lists of what every row has once, filters that select no rows.

import { PgError } from '../pg-error.js'
import type { AggregateSyntax } from './ast.js'
import type { Table } from './catalog.js'
import type { Context } from './context.js'
import { keyText, slice, tableText, withArgument } from './context.js'
import type { Path } from './paths.js'
import { restated } from './restate.js'
import type { ColumnRef, Condition } from './task.js'
import { typed } from './typed.js'
import { walkColumns } from './walk.js'

/** What LIST_DISTINCT of a column can never say anything about: a key, and the entity itself. */
export const checkList = (
  context: Context,
  syntax: AggregateSyntax,
  path: Path,
  ref: ColumnRef,
  entity: Table,
): void => {
  const { table, column } = ref
  if (ref.up.length === 0 && table.key?.length === 1 && table.key[0] === column)
    throw new PgError({
      code: '22023',
      message: `every row of "${table.name}" has a "${column.name}" of its own`,
      detail: 'LIST_DISTINCT lists values that come again, such as a foreign key.',
      hint: `Write: ${withArgument(context, syntax, 'LIST_DISTINCT', otherKey(table, path) ?? slice(context, syntax.column))}`,
      position: syntax.column.start,
    })
  const { link } = path[path.length - 1]
  if (ref.up.length > 0 || !link.columns.includes(column) || link.to !== entity) return
  const other = otherKey(link.from, path)
  const sibling = link.from.parents.find(parent => parent !== link && parent.to !== entity && parent.to.key)
  throw new PgError({
    code: '22023',
    message: `every row of a "${entity.name}" has that one as its "${column.name}"`,
    detail: `"${column.name}" is how "${link.from.name}" refers to ${tableText(entity)}: there is nothing to predict.`,
    hint: other
      ? `Write: ${withArgument(context, syntax, 'LIST_DISTINCT', other)}`
      : sibling && `Write: FOR EACH ${keyText(sibling.to)}`,
    position: syntax.column.start,
  })
}

/** A foreign key that is not the way to the entity. */
const otherKey = (table: Table, path: Path): string | undefined => {
  const link = table.parents.find(parent => parent.columns.length === 1 && path.every(step => step.link !== parent))
  return link && `${tableText(table)}.${typed(link.columns[0].name)}`
}

/** A filter that looks only at the entity says nothing about the rows: it selects entities, as WHERE behind FOR does. */
export const checkFilterScope = (
  context: Context,
  syntax: AggregateSyntax,
  filter: Condition,
  table: Table,
  entity: Table,
): void => {
  const columns = [...walkColumns(filter)]
  const ofEntity = columns.filter(ref => ref.up.length > 0 && ref.table === entity && table !== entity)
  if (ofEntity.length < columns.length || columns.length === 0) return
  const text = slice(context, syntax.where!)
  if (syntax.name === 'LIST_DISTINCT')
    throw new PgError({
      code: '42601',
      message: `a filter inside LIST_DISTINCT cannot select rows of "${entity.name}"`,
      detail: 'Which entities are asked about is said behind FOR.',
      hint: `Write: ${restated(context, [{ start: syntax.column.end, end: syntax.where!.end, text: '' }], text)}`,
      position: syntax.where!.start,
    })
  context.notices.push({
    severity: 'NOTICE',
    code: '00000',
    message: `the filter ${text} looks at "${entity.name}" only`,
    detail: 'It makes the aggregate empty for other entities, and keeps them as examples.',
    hint: `Write: WHERE ${text} (behind FOR)`,
  })
}
