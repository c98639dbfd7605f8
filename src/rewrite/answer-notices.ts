// What a user should know about an answer without asking: columns left out, data that ends long ago, entities nobody knows.

import { intervalBounds } from '../graph/extract/sql.js'
import type { InferResult } from '../infer/client.js'
import type { ColumnRef, Task } from '../pql/task.js'
import type { Times } from './answer.js'
import type { Upstream } from './plan.js'

interface Told {
  readonly task: Task
  readonly times: Times
  readonly result: InferResult
  /** Columns left out since they have changed after the anchor. */
  readonly outdated: readonly ColumnRef[]
  /** Distinct entities named, -1 where none were. */
  readonly asked: number
  readonly cold: boolean
}

export function tellUser({ task, times, result, outdated, asked }: Told, upstream: Upstream): void {
  const { summary } = result
  for (const warning of summary.warnings) upstream.notice({ severity: 'NOTICE', ...warning })
  const missing = asked - result.count
  if (asked >= 0 && missing > 0) {
    upstream.notice({
      severity: 'NOTICE',
      code: '01PQ7',
      message: `${missing} of ${asked} entities ${missing === 1 ? 'was' : 'were'} not found in ${task.entity.table.name}`,
    })
  }
  if (task.asOf.kind === 'default' && times.now - times.anchor > intervalBounds(task.horizon!).nominal) {
    upstream.notice({
      severity: 'NOTICE',
      code: '01PQ4',
      message: `the data ends at ${instant(times.anchor)}, so that is the anchor`,
      detail: 'The end lies more than one window before now().',
      hint: 'AS OF now() asks about the present all the same.',
    })
  }
  if (summary.setAside.length + outdated.length > 0) {
    const older = outdated.map(({ table, column }) => named(`${table.schema}.${table.name}`, column.name))
    const names = [...summary.setAside.map(nameOf), ...older]
    upstream.notice({
      severity: 'NOTICE',
      code: '01PQ3',
      message: `columns not used, since they seem to change after their row was written: ${names.join(', ')}`,
      hint: `To use them all the same: … WITH (include = '${names.join(', ')}').`,
    })
  }
}

const instant = (us: bigint): string =>
  `${new Date(Number(us / 1000n) + 946_684_800_000).toISOString().slice(0, 19).replace('T', ' ')}+00`

function nameOf(entry: unknown): string {
  const { source } = entry as { source: { table: string; column: string | null } }
  return named(source.table, source.column ?? '*')
}

const named = (table: string, column: string): string => `${table.replace(/^public\./, '')}.${column}`
