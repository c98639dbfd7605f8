// The way from an entity down to the rows that an aggregate takes: the shortest, or the one that VIA picks.

import { PgError } from '../pg-error.js'
import type { AggregateSyntax, ColumnName } from './ast.js'
import type { Table } from './catalog.js'
import type { Context } from './context.js'
import { keyText, slice, tableText, withArgument } from './context.js'
import { linkHint } from './link-hint.js'
import { listed } from './names.js'
import { nearest } from './nearest.js'
import type { Path } from './paths.js'
import { arrowText, pathText, reachable, shortestPaths, viaColumns } from './paths.js'
import { typed } from './typed.js'

/** What stands in an aggregate's parentheses. */
export interface Argument {
  readonly table: Table
  /** The name behind the table; null: `*`. */
  readonly column: ColumnName | null
}

/** No way down: what hangs on the entity, whom the table hangs on, or the column's place above a table that does hang on it. */
const noPathDown = (context: Context, syntax: AggregateSyntax, entity: Table, { table, column }: Argument): PgError => {
  const below = reachable(entity, 'down')
  const above = reachable(table, 'up').filter(({ key }) => key !== null)
  let hint: string | undefined
  if (column)
    for (const child of below) {
      const paths = shortestPaths(child, table, 'up')
      if (paths.length !== 1) continue
      const last = column.parts[column.parts.length - 1]
      const target = table.columns.find(({ name }) => name === last.text)
      if (target) hint = `Write: ${withArgument(context, syntax, syntax.name, arrowText(child, paths[0], target))}`
      break
    }
  hint ??= above[0] && `Write: FOR EACH ${keyText(above[0])}`
  const hanging =
    below.length === 0
      ? `No table refers to ${tableText(entity)}.`
      : `Tables that refer to ${tableText(entity)} are ${listed(below.map(tableText))}.`
  return new PgError({
    code: 'PQ002',
    message: `no foreign keys lead from "${table.name}" to "${entity.name}"`,
    detail: `${hanging}${above.length > 0 ? ` ${tableText(table)} refers to ${listed(above.map(tableText))}.` : ''}`,
    hint: hint ?? linkHint(table, entity),
    position: syntax.column.start,
  })
}

const unknownVia = (syntax: AggregateSyntax, table: Table): PgError => {
  const keys = [...new Set(table.parents.flatMap(({ columns }) => columns.map(({ name }) => name)))]
  const close = nearest(syntax.via!.text, keys) ?? (keys.length === 1 ? keys[0] : null)
  return new PgError({
    code: '42703',
    message: `VIA ${syntax.via!.text} is not on the way`,
    detail:
      keys.length === 0
        ? `${tableText(table)} refers to no table.`
        : `Foreign keys of ${tableText(table)} are ${listed(keys.map(typed))}.`,
    hint: close ? `Write: VIA ${typed(close)}` : undefined,
    position: syntax.via!.start,
  })
}

const ambiguous = (
  context: Context,
  syntax: AggregateSyntax,
  entity: Table,
  table: Table,
  paths: readonly Path[],
): PgError => {
  const vias = viaColumns(paths).filter(via => via !== null)
  const calls = vias.map(
    via =>
      `${syntax.name}(${slice(context, syntax.column)} VIA ${typed(via)}${slice(context, { start: (syntax.via ?? syntax.column).end, end: syntax.end })}`,
  )
  return new PgError({
    code: 'PQ006',
    message: `several foreign keys lead from "${table.name}" to "${entity.name}"`,
    detail: `Paths are ${paths.map(pathText).join('; ')}.`,
    hint: calls.length > 0 ? `Write: ${calls.join(' or ')}` : undefined,
    position: syntax.column.start,
  })
}

/** @throws PgError PQ002 where no way leads down, PQ006 where several do, 42703 where VIA names none of them */
export const pathDown = (context: Context, syntax: AggregateSyntax, entity: Table, argument: Argument): Path => {
  const { table } = argument
  const via = syntax.via?.text
  if (via === undefined) {
    const paths = shortestPaths(entity, table, 'down')
    if (paths.length === 1) return paths[0]
    throw paths.length === 0
      ? noPathDown(context, syntax, entity, argument)
      : ambiguous(context, syntax, entity, table, paths)
  }
  const crosses = (link: Path[number]['link']) => link.columns.some(({ name }) => name === via)
  // The aggregated table's own foreign key is meant before one further up.
  const own = shortestPaths(entity, table, 'down', path => crosses(path[path.length - 1].link))
  const paths =
    own.length > 0 ? own : shortestPaths(entity, table, 'down', path => path.some(({ link }) => crosses(link)))
  if (paths.length === 1) return paths[0]
  if (paths.length > 1) throw ambiguous(context, syntax, entity, table, paths)
  throw shortestPaths(entity, table, 'down').length === 0
    ? noPathDown(context, syntax, entity, argument)
    : unknownVia(syntax, table)
}
