// A key that only a tag vouches for may be none: two rows of an answer that cannot be told apart are refused.

import { PgError } from '../pg-error.js'
import { fullTableText } from '../pql/context.js'
import type { Task } from '../pql/task.js'
import { typed } from '../pql/typed.js'

/** Rows and the arrays of their key columns. */
interface Keyed {
  readonly keys: readonly (Buffer | { readonly value: Buffer | null })[] | null
  readonly count: number
}

/** @throws PgError PQ001 where scored rows share a key that no index makes unique */
export const refuseRepeatedKeys = ({ entity: { table, key } }: Task, parts: readonly Keyed[]): void => {
  const count = parts.reduce((sum, part) => sum + part.count, 0)
  if (!table.keyOnTrust || count === 0) return
  const seen = new Set<string>()
  for (const { keys, count } of parts) {
    const columns = (keys ?? []).map(array => elementsOf(Buffer.isBuffer(array) ? array : array.value!))
    // rows of an entity that has several repeat its key
    if (columns.some(({ length }) => length !== count)) return
    for (let row = 0; row < count; row++) seen.add(columns.map(column => column[row]).join())
  }
  if (seen.size === count) return
  const names = key.map(({ name }) => typed(name)).join(', ')
  throw new PgError({
    code: 'PQ001',
    message: `key (${names}) of table "${table.name}" repeats, so its rows cannot be told apart`,
    detail: `It is declared (@predict key), and no unique index stands behind it: ${count} rows have ${seen.size} keys.`,
    hint: `SELECT ${names}, count(*) FROM ${fullTableText(table)} GROUP BY ${names} HAVING count(*) > 1`,
  })
}

/** The elements of an array in Postgres' binary format, with their lengths, each as text that is equal for equal ones. */
const elementsOf = (array: Buffer): string[] => {
  const out: string[] = []
  // dimensions, flags, type; then size and lower bound of the only dimension
  for (let at = 20; at < array.length; ) {
    const end = at + 4 + Math.max(0, array.readInt32BE(at))
    out.push(array.toString('latin1', at, end))
    at = end
  }
  return out
}
