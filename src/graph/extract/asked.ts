// Who is asked about, before anything is read of them: keys in output order, cut into slices. A question about many is answered slice by
// slice, so that memory, the server's sorts and the wait for the first row are those of a slice, however many there are.

import type { Task } from '../../pql/task.js'
import { identityColumns, keyName } from './rows.js'
import { scoredCtes } from './scored.js'
import { OID, type SqlParams, timestamp } from './sql.js'

/** Entities of the first slice, which somebody may be waiting for; each is twice the one before, as far as this. */
const FIRST = 1024
const MOST = 8192
/** An array of the client's that is no longer holds no more elements than the first slice. */
const SHORT = 2 * FIRST

/** Least entities of a first slice. */
const LEAST = 64

/** Rows that are read at their own time may go unanswered, so that only their answers tell when a LIMIT has as many as it wants. */
export const wantedAnswers = ({ asOf, first }: Task): number | null =>
  asOf.kind === 'entity time' && first !== undefined ? first : null

/** Entities of the first slice: where answers may be enough before all are scored, not many more than are wanted; a power of two. */
const firstSlice = (task: Task): number => {
  const wanted = wantedAnswers(task)
  return wanted === null ? FIRST : Math.min(FIRST, 2 ** Math.ceil(Math.log2(Math.max(LEAST, wanted))))
}

/** Whether the question may be about more than a slice. Keys travel as arrays, so each needs a type that has one. */
export function mayBeMany(task: Task, most: number, client: readonly { readonly value: Buffer | null }[]): boolean {
  const { ids, entity, asOf } = task
  // of rows that go unanswered only this tells how many they are
  if (most <= FIRST && asOf.kind !== 'entity time') return false
  if (entity.key.some(column => column.arrayType === 0)) return false
  switch (ids.kind) {
    case 'list':
      return ids.rows.length > FIRST
    case 'any': {
      const { constant } = ids.array
      const given = constant.kind === 'param' ? client[constant.index - 1]?.value : null
      return constant.kind !== 'param' || (given?.length ?? 0) > SHORT
    }
    default:
      return true
  }
}

/**
 * A row for each slice, in order: entities in it (int8), distinct entities named (int8, -1 where none are), then an array of each key
 * column. `most`: entities at most, in all.
 */
export function askedSql(task: Task, anchor: bigint, most: number, params: SqlParams): string {
  const at = params.text(OID.timestamptz, timestamp(anchor))
  const ctes = scoredCtes(task, { timestamptz: at, timestamp: `${at}::pg_catalog.timestamp` }, most, params)
  const { table, key } = task.entity
  const identity = identityColumns(table)
  const keys = key.map(column => `pg_catalog.array_agg(${keyName(identity.indexOf(column))} ORDER BY n)`)
  const named = task.ids.kind === 'each' ? '-1::pg_catalog.int8' : '(SELECT pg_catalog.count(*) FROM wanted)'
  // slice i < d holds n from first (2^i - 1) on
  const first = firstSlice(task)
  const doublings = Math.log2(MOST / first)
  const doubled = MOST - first
  const slice = `(CASE WHEN n < ${doubled} THEN pg_catalog.floor(pg_catalog.log(2::pg_catalog.numeric, n / ${first} + 1)) ELSE ${doublings} + (n - ${doubled}) / ${MOST} END)`
  return `WITH ${ctes.join(',\n')}\nSELECT pg_catalog.count(*), ${named}, ${keys.join(', ')} FROM scored GROUP BY ${slice} ORDER BY ${slice}`
}
