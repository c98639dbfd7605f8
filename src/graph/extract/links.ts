// Foreign keys as channels: a value like others, or a reference to a row that is read; and the columns that are keys.

import type { Column, Link, Table } from '../../pql/catalog.js'
import type { ColumnRef, Step } from '../../pql/task.js'
import type { CodeChannel } from '../neighbourhood.js'
import { type CodeSql, hash, sourceOf } from './channels.js'
import { identifier } from './sql.js'

export const refOf = (up: readonly Link[], table: Table, column: Column): ColumnRef => ({
  kind: 'column',
  up: up.map((link): Step => ({ link, direction: 'up' })),
  table,
  column,
})

/** Columns that are keys: they identify, and are never read as numbers. */
export function keyColumns(table: Table): Set<Column> {
  return new Set([
    ...(table.key ?? []),
    ...table.parents.flatMap(l => l.columns),
    ...table.children.flatMap(l => l.toColumns),
  ])
}

export const keyHash = (link: Link, alias: string): string =>
  hash(
    `(${link.columns.map(c => `${alias}.${identifier(c.name)}`).join(`::pg_catalog.text || ' ' || `)})::pg_catalog.text`,
  )

export const reference = (link: Link, node: number, hop: number, own: boolean): CodeChannel => ({
  kind: 'reference',
  source: sourceOf(link.from, link.columns[0]!, hop),
  own,
  trusted: false,
  node,
})

/** A foreign key as a value like others. */
export const category = (link: Link, alias: string): CodeSql => ({
  channel: { kind: 'category', source: sourceOf(link.from, link.columns[0]!, 0), own: true, trusted: false },
  sql: keyHash(link, alias),
})

/** The same columns to the same table twice (a declared and an accepted link) count once. */
export function dedupe(links: readonly Link[]): Link[] {
  const seen = new Set<string>()
  return links.filter(l => {
    const key = `${l.from.oid}:${l.columns.map(c => c.attnum)}>${l.to.oid}`
    return !seen.has(key) && seen.add(key)
  })
}
