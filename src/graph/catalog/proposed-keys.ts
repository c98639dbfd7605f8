// Lost keys: of the columns that are unique without a NULL, the one that reads as its table's key; else a pair that is.

import type { Column, Table } from '../../pql/catalog.js'
import { type Impression, keyable, numbers, type Query, temporal } from './impression.js'
import { keyFit, looksLikeLine } from './name-match.js'
import { checkedInFull, uniqueSql } from './proposals-sql.js'
import type { ProposedKey, ProposedLink } from './proposed.js'

export async function singleKey(
  upstream: Query,
  table: Table,
  { rows, columns }: Impression,
): Promise<ProposedKey | null> {
  const unique = [...columns]
    .filter(([column, { values, distinct, length }]) => {
      return keyable(column) && rows > 1 && values === rows && distinct === rows && length <= 64
    })
    .map(([column]) => ({ column, fit: keyFit(column, table) }))
    .filter(({ fit }) => fit > 0)
    .sort((a, b) => b.fit - a.fit || a.column.attnum - b.column.attnum)
  return firstUnique(
    upstream,
    table,
    unique.map(({ column }) => [column]),
  )
}

async function firstUnique(
  upstream: Query,
  table: Table,
  sets: readonly (readonly Column[])[],
): Promise<ProposedKey | null> {
  if (sets.length === 0) return null
  const counts = await numbers(upstream, uniqueSql(table, sets))
  const columns = sets.find((_, i) => counts[i] === 1)
  const rows = counts.at(-1)!
  return columns
    ? { columns, evidence: `unique in ${checkedInFull(table) ? 'all' : 'a sample of'} ${rows} rows` }
    : null
}

/** Of tables that only join others: two of its links, else a link and a number or time within it, else all its links. */
export function compositeKey(
  upstream: Query,
  table: Table,
  proposed: readonly ProposedLink[],
  { rows, columns }: Impression,
): Promise<ProposedKey | null> {
  const full = (column: Column) => rows > 1 && columns.get(column)?.values === rows
  const linked = [...table.parents.map(link => link.columns), ...proposed.map(link => link.columns)]
    .filter(set => set.length === 1)
    .map(([column]) => column)
  const references = [...new Set(linked)].filter(full).sort((a, b) => a.attnum - b.attnum)
  const within = table.columns.filter(
    column => full(column) && !references.includes(column) && (temporal(column) || looksLikeLine(column.name)),
  )
  const lines = within.filter(column => !temporal(column))
  const times = within.filter(temporal)
  const sets = [
    ...references.flatMap((a, i) => references.slice(i + 1).map(b => [a, b])),
    ...references.flatMap(a => [...lines, ...times].map(b => [a, b])),
    ...(references.length > 2 ? [references] : []),
  ]
  return firstUnique(upstream, table, sets.slice(0, 12))
}
