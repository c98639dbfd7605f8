// A PREDICT as it must be written down to mean the same under any search_path: every table with its schema.

import type { ColumnName, PredictSyntax, Syntax } from './ast.js'
import type { Catalog, Table } from './catalog.js'

/** Every column and table name below a condition, aggregate or column, aggregates' filters included. */
function* namesIn(syntax: Syntax | null): Generator<ColumnName> {
  if (syntax === null) return
  switch (syntax.kind) {
    case 'column':
      yield syntax.column
      break
    case 'aggregate':
      yield syntax.column
      yield* namesIn(syntax.where)
      break
    case 'and':
    case 'or':
      for (const item of syntax.items) yield* namesIn(item)
      break
    case 'not':
      yield* namesIn(syntax.item)
      break
    default:
      yield* namesIn(syntax.left)
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * The text of a checked PREDICT without its tail.
 * @param aliases tables by the names that a query around gives them
 */
export const qualify = (syntax: PredictSyntax, catalog: Catalog, aliases: ReadonlyMap<string, Table>): string => {
  const names = [
    ...syntax.entity,
    ...[syntax.target, syntax.where, syntax.assuming].flatMap(root => [...namesIn(root)]),
  ]
  const tables = new Map<number, { readonly end: number; readonly table: Table }>()
  for (const { parts, star } of names) {
    if (parts.length !== (star ? 1 : 2)) continue
    const [{ text, start, end }] = parts
    const table = aliases.get(text) ?? catalog.tables.find(({ visible, name }) => visible && name === text)
    if (table) tables.set(start, { end, table })
  }
  let text = ''
  let at = syntax.start
  for (const [start, { end, table }] of [...tables].toSorted(([a], [b]) => a - b)) {
    text += `${syntax.text.slice(at, start)}${quoted(table.schema)}.${quoted(table.name)}`
    at = end
  }
  return text + syntax.text.slice(at, syntax.tail?.start ?? syntax.end).trimEnd()
}
