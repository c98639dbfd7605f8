// FOR may name a table by the alias that the outer query gives it.

import type { Catalog, Table } from '../pql/catalog.js'
import { type Tree, walkTree } from './postgres-parser.js'

interface RangeVar {
  readonly schemaname?: string
  readonly relname?: string
  readonly alias?: { readonly aliasname?: string }
}

/** Tables of the catalog by their aliases in the statement; an alias that stands for two tables in it stands for none. */
export const aliasesIn = (statements: readonly Tree[], catalog: Catalog): ReadonlyMap<string, Table> => {
  const aliases = new Map<string, Table>()
  const ambiguous = new Set<string>()
  walkTree(statements, (type, node) => {
    const { schemaname, relname, alias } = node as RangeVar
    if (type !== 'RangeVar' || !alias?.aliasname) return true
    const table = catalog.tables.find(t => t.name === relname && (schemaname ? t.schema === schemaname : t.visible))
    const known = aliases.get(alias.aliasname)
    if (known && known !== table) ambiguous.add(alias.aliasname)
    if (table) aliases.set(alias.aliasname, table)
    return true
  })
  for (const name of ambiguous) aliases.delete(name)
  return aliases
}
