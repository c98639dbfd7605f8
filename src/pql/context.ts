// What every part of a check knows: the catalog, the text for its hints, the parameters met so far, the notices to give.

import type { Notice } from '../pg-error.js'
import type { AggregateSyntax, PredictSyntax, Span } from './ast.js'
import type { Catalog, Column, Table } from './catalog.js'
import type { Params } from './params.js'
import { typed } from './typed.js'

export interface Context {
  readonly catalog: Catalog
  readonly text: string
  readonly syntax: PredictSyntax
  readonly params: Params
  readonly notices: Notice[]
  /** Names that the outer query gives to tables; they hide tables of that name. */
  readonly aliases: ReadonlyMap<string, Table>
}

/** Where a condition or column stands, which decides what it may look at. */
export type Place = 'target' | 'where' | 'assuming' | 'filter'

export interface Scope {
  readonly place: Place
  /** The table whose row is at hand. */
  readonly base: Table
  /** The table that FOR names. */
  readonly entity: Table
}

export const slice = (context: Context, span: Span): string => context.text.slice(span.start, span.end)

/** A table as its name must be typed: bare where search_path finds it. */
export const tableText = (table: Table): string =>
  table.visible ? typed(table.name) : `${typed(table.schema)}.${typed(table.name)}`

/** A table as a statement for any search_path names it. */
export const fullTableText = (table: Table): string => `${typed(table.schema)}.${typed(table.name)}`

/** The key of a table as FOR names it. */
export const keyText = (table: Table): string => {
  const columns = (table.key ?? []).map(({ name }) => typed(name))
  return `${tableText(table)}.${columns.length === 1 ? columns[0] : `(${columns.join(', ')})`}`
}

/** The columns of a table that only say which row is meant: its key and its foreign keys. */
export const keyColumns = (table: Table): readonly Column[] => [
  ...(table.key ?? []),
  ...table.parents.flatMap(({ columns }) => columns),
]

/** An aggregate's text with another name and argument, and the rest as it was. */
export const withArgument = (context: Context, syntax: AggregateSyntax, name: string, argument: string): string =>
  `${name}(${argument}${slice(context, { start: syntax.column.end, end: syntax.end })}`
