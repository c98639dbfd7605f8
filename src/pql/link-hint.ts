// What to type where no foreign key leads from one table to another that it may well belong to.

import type { Column, Table } from './catalog.js'
import { fullTableText } from './context.js'
import { typed } from './typed.js'
import { columnType, comparable } from './types.js'

const words = (name: string): string[] => name.toLowerCase().split(/[^\p{L}\p{N}]+|(?<=\p{Ll})(?=\p{Lu})/u)

const singular = (word: string): string => word.replace(/(?<=..)(ies|s)$/, end => (end === 'ies' ? 'y' : ''))

/** The column of `from` that seems to hold values of a key column of `to`: of its name, or named after the table. */
const meant = (from: Table, to: Table, key: Column): Column | undefined => {
  const fits = from.columns.filter(
    column => comparable(columnType(column), columnType(key)) && !from.key?.includes(column),
  )
  const entity = words(to.name).map(singular)
  return (
    fits.find(({ name }) => name.toLowerCase() === key.name.toLowerCase()) ??
    fits.find(({ name }) => {
      const own = words(name).map(singular)
      return entity.every(word => own.includes(word))
    })
  )
}

/** A comment that declares the link, where columns for it are there; a foreign key with columns of its own where none are. */
export const linkHint = (from: Table, to: Table): string | undefined => {
  const { key } = to
  if (!key) return undefined
  const listed = (names: readonly string[]) => names.map(typed).join(', ')
  const keys = key.map(({ name }) => name)
  const columns = key.map(column => meant(from, to, column)?.name)
  const known = columns.filter(name => name !== undefined)
  const [table, target] = [fullTableText(from), fullTableText(to)]
  if (known.length === key.length && new Set(known).size === key.length) {
    const ends = key.length === 1 ? [typed(known[0]), typed(keys[0])] : [`(${listed(known)})`, `(${listed(keys)})`]
    return `COMMENT ON TABLE ${table} IS '@predict link(${ends[0]} -> ${target}.${ends[1]})'`
  }
  const taken = new Set(from.columns.map(({ name }) => name))
  const fresh = keys.map(name => (taken.has(name) ? `${to.name}_${name}` : name))
  const added = key.map(({ declared, typeName }, i) => `ADD COLUMN ${typed(fresh[i])} ${declared ?? typeName}`)
  return `ALTER TABLE ${table} ${added.join(', ')}, ADD FOREIGN KEY (${listed(fresh)}) REFERENCES ${target} (${listed(keys)})`
}
