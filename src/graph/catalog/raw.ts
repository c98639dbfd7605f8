// The catalog's rows, sorted by table: what declarations are resolved against before there are any frozen tables. Columns are
// attribute numbers here. Tables that are only parts of another are already gone.

import type { CatalogRows } from './catalog-sql.js'
import { type ColumnType, readTypes } from './type-class.js'

export interface RawColumn {
  readonly attnum: number
  readonly name: string
  readonly type: ColumnType
  readonly notNull: boolean
  readonly comment: string | null
  readonly declared: string | null
}

export interface RawTable {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: 'r' | 'p' | 'v' | 'm' | 'f'
  readonly visible: boolean
  readonly rows: number
  readonly cacheable: boolean
  readonly fragile: boolean
  readonly comment: string | null
  readonly columns: readonly RawColumn[]
  readonly column: ReadonlyMap<number, RawColumn>
  readonly indexes: readonly RawIndex[]
}

export interface RawIndex {
  readonly attnums: readonly number[]
  readonly primary: boolean
  readonly unique: boolean
  readonly lookup: boolean
  readonly ordered: boolean
  readonly predicate: string | null
}

export interface RawLink {
  readonly name: string
  readonly from: RawTable
  readonly columns: readonly number[]
  readonly to: RawTable
  readonly toColumns: readonly number[]
  readonly declared: boolean
}

export interface RawCatalog {
  readonly tables: ReadonlyMap<number, RawTable>
  readonly links: readonly RawLink[]
}

export function readRows(rows: CatalogRows): RawCatalog {
  const types = readTypes(rows.types ?? [])
  const columns = group(rows.columns ?? [], row => row[0])
  const indexes = group(rows.indexes ?? [], row => row[0])
  const parts = partsOfOthers(rows)
  const tables = new Map<number, RawTable>()
  for (const [oid, schema, name, kind, visible, estimate, cacheable, comment, fragile] of rows.tables ?? []) {
    if (parts.has(oid)) continue
    const own = (columns.get(oid) ?? [])
      .map(([, attnum, name, type, notNull, , comment, declared]) => ({
        attnum,
        name,
        type: types.get(type)!,
        notNull,
        comment,
        declared,
      }))
      .sort((a, b) => a.attnum - b.attnum)
    tables.set(oid, {
      oid,
      schema,
      name,
      kind,
      visible,
      rows: estimate,
      cacheable,
      fragile,
      comment,
      columns: own,
      column: new Map(own.map(column => [column.attnum, column])),
      indexes: (indexes.get(oid) ?? []).map(([, attnums, primary, unique, lookup, ordered, predicate]) => ({
        attnums,
        primary,
        unique,
        lookup,
        ordered,
        predicate,
      })),
    })
  }
  return { tables, links: readForeignKeys(rows, tables) }
}

function readForeignKeys(rows: CatalogRows, tables: ReadonlyMap<number, RawTable>): RawLink[] {
  const links: RawLink[] = []
  const ancestors = ancestry(rows)
  const foreignKeys = [...(rows.foreignKeys ?? [])].sort((a, b) => a[0] - b[0])
  const target = (fk: CatalogRows['foreignKeys'][number], table: number) =>
    JSON.stringify([fk[3].map(attnum => tables.get(table)?.column.get(attnum)?.name), fk[4], fk[5]])
  for (const fk of foreignKeys) {
    const [, name, fromOid, columns, toOid, toColumns] = fk
    const [from, to] = [tables.get(fromOid), tables.get(toOid)]
    if (!from || !to) continue
    if (!columns.every(attnum => from.column.has(attnum)) || !toColumns.every(attnum => to.column.has(attnum))) continue
    // rows of a child are read through its parent as well: a key that both declare is counted once, at the parent
    const repeated = foreignKeys.some(
      other => ancestors.get(fromOid)?.has(other[2]) && target(other, other[2]) === target(fk, fromOid),
    )
    if (!repeated) links.push({ name, from, columns, to, toColumns, declared: true })
  }
  return links
}

/**
 * Inheritance counts once: a child's rows are read through its parent. It stands for itself only if it adds columns and takes
 * part in foreign keys; then it is a thing of its own that shares some columns.
 */
function partsOfOthers(rows: CatalogRows): ReadonlySet<number> {
  const known = new Set((rows.tables ?? []).map(row => row[0]))
  const linked = new Set((rows.foreignKeys ?? []).flatMap(row => [row[2], row[4]]))
  const extended = new Set((rows.columns ?? []).filter(row => !row[5]).map(row => row[0]))
  const children = (rows.inherits ?? []).filter(([, parent]) => known.has(parent)).map(([child]) => child)
  return new Set(children.filter(child => !(extended.has(child) && linked.has(child))))
}

function ancestry(rows: CatalogRows): ReadonlyMap<number, ReadonlySet<number>> {
  const parents = group(rows.inherits ?? [], row => row[0])
  const result = new Map<number, Set<number>>()
  for (const child of parents.keys()) {
    const seen = new Set<number>()
    const queue = [child]
    for (let next = queue.pop(); next !== undefined; next = queue.pop())
      for (const [, parent] of parents.get(next) ?? [])
        if (!seen.has(parent)) {
          seen.add(parent)
          queue.push(parent)
        }
    result.set(child, seen)
  }
  return result
}

function group<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>()
  for (const item of items) {
    const list = groups.get(key(item))
    if (list) list.push(item)
    else groups.set(key(item), [item])
  }
  return groups
}
