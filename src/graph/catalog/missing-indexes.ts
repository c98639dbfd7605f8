// Foreign keys that no index leads with: every walk from a row to its children reads the whole child table there. And times of large tables:
// where they end is asked by every PREDICT, and without an index it takes a look at every row.

import type { Catalog, Column, Link, Table } from '../../pql/catalog.js'
import { typed } from '../../pql/typed.js'
import { writtenTable } from './identifier.js'

/** One CREATE INDEX line for each; none for views and foreign tables, whose indexes are elsewhere. */
export function missingIndexes(graph: Catalog): readonly { readonly link: Link; readonly sql: string }[] {
  return graph.links
    .filter(({ indexed, from }) => !indexed && from.kind !== 'view' && from.kind !== 'foreign')
    .map(link => ({ link, sql: createIndex(link) }))
}

/** Tables with fewer rows are read faster than anybody notices. */
const LARGE = 1_000_000

/** The CREATE INDEX line that spares a PREDICT the reading of the whole table to find its newest row; null where it is short, or there is one. */
export function missingTimeIndex(table: Table): string | null {
  const { kind, time, estimatedRows } = table
  if (time.kind !== 'own' || time.column.ordered || estimatedRows < LARGE) return null
  return kind === 'view' || kind === 'foreign' ? null : indexOn(table, [time.column])
}

/** With the time behind the key where the table has its own: children are read by key and newest first. */
function createIndex({ from, columns }: Link): string {
  const own = from.time.kind === 'own' && !columns.includes(from.time.column) ? [from.time.column] : []
  return indexOn(from, [...columns, ...own])
}

function indexOn(table: Table, columns: readonly Column[]): string {
  const list = columns.map(column => typed(column.name)).join(', ')
  // a partitioned table refuses CONCURRENTLY
  const how = table.kind === 'partitioned' ? '' : 'CONCURRENTLY '
  return `CREATE INDEX ${how}ON ${writtenTable(table)} (${list});`
}
