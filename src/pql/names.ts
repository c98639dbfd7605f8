// Tables and columns by name, as Postgres finds them; a name that is not there gets the nearest that is.

import { PgError } from '../pg-error.js'
import type { Name, Span } from './ast.js'
import type { Column, Table } from './catalog.js'
import type { Context } from './context.js'
import { fullTableText, tableText } from './context.js'
import { nearest } from './nearest.js'
import { typed } from './typed.js'

const SHOWN = 12

/** Some names of many, for DETAIL. */
export const listed = (names: readonly string[]): string =>
  names.length <= SHOWN ? names.join(', ') : `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more`

const lookUp = (context: Context, parts: readonly Name[]): Table | undefined => {
  const name = parts[parts.length - 1].text
  if (parts.length > 1) return context.catalog.tables.find(t => t.schema === parts[0].text && t.name === name)
  return context.aliases.get(name) ?? context.catalog.tables.find(table => table.visible && table.name === name)
}

const hintFor = (context: Context, parts: readonly Name[]): string | undefined => {
  const { tables } = context.catalog
  const name = parts[parts.length - 1].text
  const elsewhere = tables.find(table => table.name === name)
  if (elsewhere) return `Write: ${tableText(elsewhere)}`
  const inSchema = parts.length > 1 ? tables.filter(table => table.schema === parts[0].text) : []
  const candidates = inSchema.length > 0 ? inSchema : tables.filter(table => table.visible)
  const close = nearest(name, [...candidates.map(table => table.name), ...context.aliases.keys()])
  if (!close) return undefined
  const table = candidates.find(candidate => candidate.name === close)
  return `Write: ${!table ? typed(close) : parts.length > 1 ? fullTableText(table) : tableText(table)}`
}

/** `table` or `schema.table`; undefined where there is none. */
export const tableNamed = (context: Context, parts: readonly Name[]): Table | undefined =>
  parts.length === 0 || parts.length > 2 ? undefined : lookUp(context, parts)

/** @throws PgError 42P01 */
export const findTable = (context: Context, parts: readonly Name[]): Table => {
  const table = tableNamed(context, parts)
  if (table) return table
  const visible = context.catalog.tables.filter(({ visible }) => visible).map(tableText)
  throw new PgError({
    code: '42P01',
    message: `relation "${parts.map(({ text }) => text).join('.')}" does not exist`,
    detail: visible.length === 0 ? 'No table is visible to this role.' : `Tables are ${listed(visible)}.`,
    hint: hintFor(context, parts),
    position: parts[0].start,
  })
}

/** @throws PgError 42703 */
export const findColumn = (table: Table, name: Name): Column => {
  const column = table.columns.find(candidate => candidate.name === name.text)
  if (column) return column
  const names = table.columns.map(candidate => candidate.name)
  const close = nearest(name.text, names)
  throw new PgError({
    code: '42703',
    message: `column ${table.name}.${name.text} does not exist`,
    detail: `Columns of ${tableText(table)} are ${listed(names.map(typed))}.`,
    hint: close ? `Write: ${typed(close)}` : undefined,
    position: name.start,
  })
}

/** A whole table in COUNT(orders) and FOR EACH orders: names that lack their column. */
export const spanOf = (names: readonly Name[]): Span => ({ start: names[0].start, end: names[names.length - 1].end })
