// When a question stands: its anchor, where the data begins and ends, and what is said where no window has closed yet.

import { anchorSql, gridOf, least } from '../graph/extract/anchors.js'
import { SqlParams } from '../graph/extract/sql.js'
import { PgError } from '../pg-error.js'
import { fullTableText } from '../pql/context.js'
import type { Task } from '../pql/task.js'
import { typed } from '../pql/typed.js'
import { isTime } from '../pql/types.js'
import type { Param, Upstream } from './plan.js'

/** Microseconds since 2000-01-01 UTC. */
export interface Times {
  readonly anchor: bigint
  readonly oldest: bigint
  readonly newest: bigint
  readonly now: bigint
}

/** Beyond these, infinities included, there are no windows to speak of: 4714 BC and 10000 AD. */
const [EARLIEST, LATEST] = [-211_813_488_000_000_000n, 252_455_616_000_000_000n]

export async function readTimes(task: Task, client: readonly Param[], upstream: Upstream): Promise<Times> {
  const params = new SqlParams(client)
  const sql = anchorSql(task, params)
  const [row] = await upstream.query(sql, params.list)
  const [anchor, oldest, newest, now] = row!.map(value => value?.readBigInt64BE() ?? null)
  if (task.temporal && (oldest === null || newest === null)) throw emptyTarget(task)
  if (anchor === null) {
    throw new PgError({
      code: '22004',
      message: 'AS OF must not be null',
      hint: `Give a time, as in AS OF '2026-01-01', or leave AS OF out.`,
    })
  }
  if (anchor < EARLIEST || anchor > LATEST) {
    throw new PgError({
      code: '22008',
      message: 'AS OF is out of range',
      hint: `Give a time, as in AS OF '2026-01-01'.`,
    })
  }
  return { anchor: anchor!, oldest: oldest ?? anchor!, newest: newest ?? anchor!, now: now! }
}

function emptyTarget(task: Task): PgError {
  const tables = [...new Set(task.aggregates.map(a => `${a.table.schema}.${a.table.name}`))]
  return new PgError({
    code: 'PQ004',
    message: `there is nothing to learn from: ${tables.join(', ')} has no rows with a time`,
    hint: 'Predict over a table that has rows; SELECT count(*) tells.',
  })
}

export function nothingClosed(task: Task, times: Times): PgError {
  const { oldest, newest, anchor } = times
  // windows that reach beyond the end of the data have not closed, wherever the anchor lies
  const known = least(anchor, newest)
  const later = gridOf(newest, oldest, task.horizon!, task.reach!).context.length > 0
  return new PgError({
    code: 'PQ004',
    message: 'no past window has closed, so there are no examples to learn from',
    detail:
      oldest === newest
        ? `All rows are of one instant, ${instant(oldest)}: there is no past to learn from.`
        : `The data goes from ${instant(oldest)} to ${instant(newest)}, the anchor is ${instant(anchor)}: no window of the asked length lies between them.`,
    hint:
      oldest === newest
        ? otherTime(task)
        : anchor < newest && later
          ? `Ask about a later time: AS OF '${instant(newest)}'`
          : known > oldest
            ? `Ask about a shorter window, one that ends within ${longest(known - oldest)} of the anchor.`
            : `Ask about a later time and a shorter window: AS OF '${instant(newest)}', ending within ${longest(newest - oldest)} of it.`,
  })
}

/** Another column that may say when a row came to be. */
function otherTime({ aggregates }: Task): string | undefined {
  for (const { table } of aggregates) {
    const own = table.time.kind === 'own' ? table.time.column : null
    const other = table.columns.find(column => isTime(column) && column !== own)
    if (other) return `COMMENT ON COLUMN ${fullTableText(table)}.${typed(other.name)} IS '@predict time'`
  }
  return undefined
}

/** A third of what is known leaves a few windows to learn from. */
function longest(known: bigint): string {
  const seconds = Math.max(1, Number(known / 3_000_000n))
  const [unit, size] = seconds >= 172_800 ? ['days', 86_400] : seconds >= 7_200 ? ['hours', 3_600] : ['seconds', 1]
  return `${Math.floor(seconds / Number(size))} ${unit}`
}

/** An instant as it may be typed. */
export const instant = (us: bigint): string =>
  `${new Date(Number(us / 1000n) + 946_684_800_000).toISOString().slice(0, 19).replace('T', ' ')}+00`
