// Keys and links that nobody declared but the rows show, looked for table by table: single keys first, since links point at them,
// then links, then keys made of links.

import type { Table } from '../../pql/catalog.js'
import type { Graph } from './graph.js'
import { type Impression, look, type Query } from './impression.js'
import { commentsSql } from './proposals-sql.js'
import type { ProposedKey, ProposedLink, ProposedTable } from './proposed.js'
import { compositeKey, singleKey } from './proposed-keys.js'
import { findLinks } from './proposed-links.js'
import { lostNotNull } from './proposed-not-null.js'
import { repeatedKeys } from './repeated-keys.js'
import { arrayLiteral, oidArray, text } from './text-param.js'

/**
 * Looks at every table whose rows may be kept (no views, foreign tables, row-level security). Reads at most ten thousand rows of
 * a column, and a table of up to a million in full to be sure of its key.
 */
export async function proposeSchema(upstream: Query, graph: Graph): Promise<readonly ProposedTable[]> {
  const tables = graph.tables.filter(({ cacheable, columns }) => cacheable && columns.length > 0)
  const impressions = new Map<Table, Impression>()
  for (const table of tables) impressions.set(table, await look(upstream, table))
  const keys = new Map<Table, ProposedKey>()
  for (const table of tables) {
    const key = table.key ? null : await singleKey(upstream, table, impressions.get(table)!)
    if (key) keys.set(table, key)
  }
  const repeated = await repeatedKeys(upstream, tables)
  const keyOf = (table: Table) => (repeated.includes(table) ? null : (table.key ?? keys.get(table)?.columns ?? null))
  const links = new Map<Table, readonly ProposedLink[]>()
  for (const table of tables) links.set(table, await findLinks(upstream, table, tables, keyOf, impressions.get(table)!))
  for (const table of tables) {
    if (table.key || keyOf(table)) continue
    const key = await compositeKey(upstream, table, links.get(table)!, impressions.get(table)!)
    if (key) keys.set(table, key)
  }
  const notNull = await lostNotNull(upstream, tables, keys, links, impressions)
  const comments = await commentsOf(upstream, tables)
  return tables
    .map(table => ({
      table,
      comment: comments.get(table.oid) ?? null,
      key: keys.get(table) ?? null,
      links: links.get(table)!,
      notNull: notNull.get(table) ?? [],
    }))
    .filter(({ key, links }) => key || links.length > 0)
}

async function commentsOf(upstream: Query, tables: readonly Table[]): Promise<ReadonlyMap<number, string>> {
  const oids = arrayLiteral(tables.map(({ oid }) => String(oid)))
  const rows = await upstream.query(commentsSql, [text(oidArray, oids)])
  return new Map(rows.map(([oid, comment]) => [Number(oid!.readBigInt64BE()), comment!.toString()]))
}
