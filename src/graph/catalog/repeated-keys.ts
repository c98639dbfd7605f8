// Keys that are the user's word alone, looked at in the rows: for the start-up report.

import type { Notice } from '../../pg-error.js'
import { type Graph, warning } from './graph.js'
import { written, writtenTable } from './identifier.js'
import { numbers, type Query } from './impression.js'
import { uniqueSql } from './proposals-sql.js'

/** A warning for each table whose rows repeat the key that it is said to have. Large tables are sampled. */
export async function repeatedKeys(upstream: Query, graph: Graph): Promise<readonly Notice[]> {
  const warnings: Notice[] = []
  for (const table of graph.tables) {
    if (!table.key || !table.keyOnTrust) continue
    const [unique] = await numbers(upstream, uniqueSql(table, [table.key]))
    if (unique === 1) continue
    const names = table.key.map(({ name }) => written(name)).join(', ')
    warnings.push(
      warning(
        `key (${names}) of table ${writtenTable(table)} repeats`,
        'It is declared, and no unique index stands behind it: PREDICT for rows that share it is refused.',
        `COMMENT ON TABLE ${writtenTable(table)} IS '@predict key(…)', with columns that tell its rows apart.`,
      ),
    )
  }
  return warnings
}
