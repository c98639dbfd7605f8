// Keys that are the user's word alone, looked at in the rows.

import type { Notice } from '../../pg-error.js'
import type { Table } from '../../pql/catalog.js'
import { typed } from '../../pql/typed.js'
import { warning } from './graph.js'
import { writtenTable } from './identifier.js'
import { numbers, type Query } from './impression.js'
import { uniqueSql } from './proposals-sql.js'

/** Tables whose rows repeat the key that they are said to have. Large ones are sampled. */
export async function repeatedKeys(upstream: Query, tables: readonly Table[]): Promise<readonly Table[]> {
  const repeated: Table[] = []
  for (const table of tables) {
    if (!table.key || !table.keyOnTrust) continue
    const [unique] = await numbers(upstream, uniqueSql(table, [table.key]))
    if (unique !== 1) repeated.push(table)
  }
  return repeated
}

/** For the start-up report. */
export function keyWarning(table: Table): Notice {
  const names = table.key!.map(({ name }) => typed(name)).join(', ')
  return warning(
    `key (${names}) of table ${writtenTable(table)} repeats`,
    'It is declared, and no unique index stands behind it: PREDICT for rows that share it is refused.',
    `SELECT ${names}, count(*) FROM ${writtenTable(table)} GROUP BY ${names} HAVING count(*) > 1`,
  )
}
