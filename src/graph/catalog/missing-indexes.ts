// Foreign keys that no index leads with: every walk from a row to its children reads the whole child table there.

import type { Catalog, Link } from '../../pql/catalog.js'
import { typed } from '../../pql/typed.js'
import { writtenTable } from './identifier.js'

/** One CREATE INDEX line for each; none for views and foreign tables, whose indexes are elsewhere. */
export function missingIndexes(graph: Catalog): readonly { readonly link: Link; readonly sql: string }[] {
  return graph.links
    .filter(({ indexed, from }) => !indexed && from.kind !== 'view' && from.kind !== 'foreign')
    .map(link => ({ link, sql: createIndex(link) }))
}

/** With the time behind the key where the table has its own: children are read by key and newest first. */
function createIndex({ from, columns }: Link): string {
  const own = from.time.kind === 'own' && !columns.includes(from.time.column) ? [from.time.column] : []
  const list = [...columns, ...own].map(column => typed(column.name)).join(', ')
  // a partitioned table refuses CONCURRENTLY
  const how = from.kind === 'partitioned' ? '' : 'CONCURRENTLY '
  return `CREATE INDEX ${how}ON ${writtenTable(from)} (${list});`
}
