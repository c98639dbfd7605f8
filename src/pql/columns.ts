// Columns: of the row at hand, or of a parent of it, by arrow or where one path leads there.

import { PgError } from '../pg-error.js'
import type { ColumnName, Name, Span } from './ast.js'
import type { Column, Table } from './catalog.js'
import type { Context, Scope } from './context.js'
import { keyColumns, slice, tableText } from './context.js'
import { linkHint } from './link-hint.js'
import { findColumn, findTable, listed, tableNamed } from './names.js'
import { nearest } from './nearest.js'
import { arrowText, pathText, reachable, shortestPaths } from './paths.js'
import type { ColumnRef, Step } from './task.js'
import { typed } from './typed.js'
import { columnType, isNumber } from './types.js'

/** The link that an arrow behind a column crosses. */
const linkOf = (table: Table, name: Name): Step => {
  const column = findColumn(table, name)
  const links = table.parents.filter(link => link.columns.includes(column))
  const link = links.find(({ columns }) => columns.length === 1) ?? links[0]
  if (link) return { link, direction: 'up' }
  const keys = table.parents.map(({ columns }) => columns[0].name)
  const close = nearest(name.text, keys) ?? keys[0]
  throw new PgError({
    code: '42804',
    message: `column "${name.text}" of "${table.name}" is not a foreign key`,
    detail: keys.length === 0 ? `${tableText(table)} refers to no table.` : `Foreign keys are ${listed(keys)}.`,
    hint: close ? `Write: ${typed(close)}` : undefined,
    position: name.start,
  })
}

/** Follows `a->b->c` from a row of `table`: every name but the last is a foreign key. */
export const followArrows = (
  table: Table,
  first: Name,
  arrows: readonly Name[],
): { up: Step[]; table: Table; column: Column } => {
  const names = [first, ...arrows]
  const up: Step[] = []
  let here = table
  for (const name of names.slice(0, -1)) {
    const step = linkOf(here, name)
    up.push(step)
    here = step.link.to
  }
  return { up, table: here, column: findColumn(here, names[names.length - 1]) }
}

/** What a column of a table below is aggregated as, so that the hint's own aggregate can be answered. */
const suggestedAggregate = (table: Table, column: Column): string => {
  const name = `${tableText(table)}.${typed(column.name)}`
  const keys = keyColumns(table)
  if (isNumber(columnType(column)) && !keys.includes(column)) return `SUM(${name}`
  return keys.includes(column) ? `COUNT_DISTINCT(${name}` : `COUNT(${tableText(table)}.*`
}

const needsAggregate = (
  context: Context,
  scope: Scope,
  leaf: Span,
  table: Table,
  column: Column,
  at: Span,
): PgError => {
  const row = `${tableText(table)}.*`
  const hint =
    scope.place === 'target'
      ? `Write: ${suggestedAggregate(table, column)}, 0, 30, days)`
      : scope.place === 'where'
        ? `Write: COUNT(${row} WHERE ${slice(context, leaf)}, -INF, 0) > 0`
        : `Write: COUNT(${row} WHERE ${slice(context, leaf)}, 0, 30, days) > 0`
  return new PgError({
    code: '42803',
    message: `column "${table.name}.${column.name}" must appear in an aggregate function`,
    detail: `A row of ${tableText(scope.base)} may have many rows of ${tableText(table)}.`,
    hint: scope.place === 'filter' ? undefined : hint,
    position: at.start,
  })
}

const noPathUp = (scope: Scope, table: Table, at: Span): PgError => {
  const parents = reachable(scope.base, 'up').map(tableText)
  return new PgError({
    code: 'PQ002',
    message: `no foreign keys lead from "${scope.base.name}" to "${table.name}"`,
    detail: `Columns may be of ${listed([tableText(scope.base), ...parents])}.`,
    hint: linkHint(scope.base, table),
    position: at.start,
  })
}

/** The way up from the row at hand to a table named outright. */
const upTo = (context: Context, scope: Scope, leaf: Span, table: Table, column: Column, at: Span): readonly Step[] => {
  if (table === scope.base) return []
  const paths = shortestPaths(scope.base, table, 'up')
  if (paths.length === 1) return paths[0]
  if (paths.length === 0) {
    if (shortestPaths(scope.base, table, 'down').length > 0)
      throw needsAggregate(context, scope, leaf, table, column, at)
    throw noPathUp(scope, table, at)
  }
  throw new PgError({
    code: 'PQ006',
    message: `several foreign keys lead from "${scope.base.name}" to "${table.name}"`,
    detail: `Paths are ${paths.map(pathText).join('; ')}.`,
    hint: `Write: ${paths.map(path => arrowText(scope.base, path, column)).join(' or ')}`,
    position: at.start,
  })
}

const starOutside = (name: ColumnName): PgError =>
  new PgError({
    code: '42601',
    message: '"*" stands in COUNT only',
    hint:
      name.parts.length > 0
        ? `Write: COUNT(${name.parts.map(part => typed(part.text)).join('.')}.*, 0, 30, days)`
        : undefined,
    position: name.start,
  })

/**
 * The column that a name means where it stands.
 * @param leaf the condition it is part of, for the hint that wraps it in an aggregate
 * @throws PgError 42P01, 42703, 42803, 42804, PQ002, PQ006
 */
export const resolveColumn = (context: Context, name: ColumnName, scope: Scope, leaf: Span = name): ColumnRef => {
  if (name.star) throw starOutside(name)
  const { parts, arrows } = name
  const last = parts[parts.length - 1]
  // A bare name is a column of the row at hand, unless it is a table whose column was forgotten.
  const table = parts.length === 1 ? scope.base : findTable(context, parts.slice(0, -1))
  if (parts.length === 1 && !table.columns.some(column => column.name === last.text)) {
    const named = tableNamed(context, parts)
    if (named)
      throw new PgError({
        code: '42601',
        message: `"${last.text}" is a table, and a column is needed`,
        hint: `Write: COUNT(${tableText(named)}.*, 0, 30, days)`,
        position: last.start,
      })
  }
  const found = followArrows(table, last, arrows)
  const up = upTo(context, scope, leaf, table, found.column, name)
  return { kind: 'column', up: [...up, ...found.up], table: found.table, column: found.column }
}
