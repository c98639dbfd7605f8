// FOR … IN (SELECT …): how rows are chosen by what they hold. WHERE behind FOR EACH would choose the examples along with them.

import type { Syntax } from './ast.js'
import type { Table } from './catalog.js'
import type { Context } from './context.js'
import { keyText, slice, tableText } from './context.js'
import { tableNamed } from './names.js'
import { typed } from './typed.js'

/** Whether a condition reads in SQL as it does here: the table's own columns, and operators that Postgres has. */
const isSql = (context: Context, table: Table, syntax: Syntax): boolean => {
  switch (syntax.kind) {
    case 'and':
    case 'or':
      return syntax.items.every(item => isSql(context, table, item))
    case 'not':
      return isSql(context, table, syntax.item)
    case 'aggregate':
      return false
    case 'column': {
      const { parts, star, arrows } = syntax.column
      const named = parts.slice(0, -1)
      if (star || arrows.length > 0 || context.aliases.size > 0) return false
      return named.length === 0 || tableNamed(context, named) === table
    }
    case 'match':
      return (syntax.op === 'LIKE' || syntax.op === 'ILIKE') && isSql(context, table, syntax.left)
    default:
      return isSql(context, table, syntax.left)
  }
}

/** The FOR that names the rows of `table` with `condition`, for a hint; null where SQL would need more than its text, or parameters. */
export const forSelected = (context: Context, table: Table, condition: Syntax): string | null => {
  const text = slice(context, condition)
  if (!table.key || !isSql(context, table, condition) || /[$`]|==/.test(text)) return null
  const keys = table.key.map(({ name }) => typed(name)).join(', ')
  return `FOR ${keyText(table)} IN (SELECT ${keys} FROM ${tableText(table)} WHERE ${text})`
}
