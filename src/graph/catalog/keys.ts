// Which columns identify a row: the primary key, else the unique index over NOT NULL columns that comes first by structure.

import type { RawTable } from './raw.js'

/** Attribute numbers in the key's order, or null. Of several unique indexes: the one of fewest, then of leftmost columns. */
export function findKey(table: RawTable): readonly number[] | null {
  const usable = (attnums: readonly number[]) => attnums.every(attnum => table.column.has(attnum))
  const primary = table.indexes.find(index => index.primary)
  if (primary && usable(primary.attnums)) return primary.attnums
  const unique = table.indexes
    .filter(index => index.unique && usable(index.attnums))
    .map(index => index.attnums)
    .filter(attnums => attnums.every(attnum => table.column.get(attnum)!.notNull))
  const position = (attnums: readonly number[]) => attnums.map(n => String(n).padStart(5, '0')).join()
  unique.sort((a, b) => a.length - b.length || (position(a) < position(b) ? -1 : 1))
  return unique[0] ?? null
}

/** Whether a unique index vouches that no two rows agree in all of these columns. */
export function isUnique(table: RawTable, attnums: readonly number[]): boolean {
  return table.indexes.some(
    index =>
      (index.primary || index.unique) &&
      index.attnums.every(attnum => attnums.includes(attnum) && table.column.get(attnum)?.notNull),
  )
}

/** Whether an index of the table finds rows by equality on exactly these columns: they lead it, in any order. */
export function isIndexed(table: RawTable, attnums: readonly number[]): boolean {
  return table.indexes.some(({ attnums: leading, lookup, predicate }) => {
    if (!lookup || leading.length < attnums.length) return false
    if (!leading.slice(0, attnums.length).every(attnum => attnums.includes(attnum))) return false
    if (predicate === null) return true
    // equality with a value implies `column IS NOT NULL`, so such a partial index serves as well
    const match = /^\(("?)(.+)\1 IS NOT NULL\)$/.exec(predicate)
    return attnums.some(attnum => table.column.get(attnum)!.name === match?.[2].replaceAll('""', '"'))
  })
}
