// A question about the past is asked of tables that have moved on since: a column that is updated in place shows there what nobody knew
// then, and shows it evenly, so that the past alone does not give it away. Such columns are looked for where the data ends, and left out.

import { gridOf, least } from '../graph/extract/anchors.js'
import { extractionOf } from '../graph/extract/statement.js'
import type { Source } from '../graph/neighbourhood.js'
import type { InferClient } from '../infer/client.js'
import type { Table } from '../pql/catalog.js'
import type { ColumnRef, Task } from '../pql/task.js'
import type { Times } from './answer-times.js'
import type { Param, Upstream } from './plan.js'

/** Examples read beside the reference population, which is what columns are judged on. */
const FEW = { newest: 200, older: 0 } as const

/** Whether the data goes on for so long after the anchor that columns may have changed meanwhile. */
export const asksThePast = (task: Task, { anchor, newest, oldest, now }: Times): boolean =>
  task.temporal &&
  task.asOf.kind !== 'default' &&
  gridOf(least(now, newest), oldest, task.horizon!, task.reach!).cell > anchor

/** Columns among `tables` that a question at the end of the data would set aside. */
export async function changingColumns(
  task: Task,
  times: Times,
  tables: ReadonlySet<Table>,
  params: readonly Param[],
  infer: InferClient,
  upstream: Upstream,
): Promise<readonly ColumnRef[]> {
  const { seed = 42 } = task.options
  const grid = gridOf(least(times.now, times.newest), times.oldest, task.horizon!, task.reach!)
  const extraction = extractionOf({ task, grid, context: FEW, seed, mostEntities: 0, use: null, client: params })
  const options = { mode: 'fast', seed, statistic: 'median', contextRows: FEW.newest } as const
  const job = infer.job(
    { contextKey: null, spec: extraction.spec, options, purpose: 'suspects', cold: true },
    upstream.signal,
  )
  try {
    await upstream.stream(extraction.sql, extraction.params, payload => job.push(payload))
    const { summary } = await job.end()
    return (summary.setAside as readonly { readonly source: Source }[]).flatMap(({ source }) => refTo(source, tables))
  } catch (error) {
    job.cancel()
    throw error
  }
}

/** The column that a source is, of one of `tables`; none where it is what the query itself defines. */
export function refTo(source: Source, tables: ReadonlySet<Table>): ColumnRef[] {
  for (const table of tables) {
    if (`${table.schema}.${table.name}` !== source.table) continue
    const column = table.columns.find(({ name }) => name === source.column)
    if (column) return [{ kind: 'column', up: [], table, column }]
  }
  return []
}

/** The same columns in another reading of the catalog, as under another search_path: they are told apart by identity. */
export const asIn = (
  tables: ReadonlySet<Table>,
  columns: readonly ColumnRef[] | undefined,
): readonly ColumnRef[] | undefined =>
  columns?.flatMap(ref => {
    const table = [...tables].find(({ oid }) => oid === ref.table.oid)
    const column = table?.columns.find(({ attnum }) => attnum === ref.column.attnum)
    return table && column ? [{ ...ref, table, column }] : []
  })
