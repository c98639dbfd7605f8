// Which column says when a row came to be (DESIGN 2.6). The user's word; else the one NOT NULL timestamp, or where there is none the
// one nullable column without a NULL; of several, the one that is the smallest of its row in 99 % of sampled rows; dates only where
// there is no timestamp. What rows say against a candidate is found out in time-evidence.ts. Dates that lie over five years apart
// (95 %) are a birthday beside a hiring day, or a start beside a distant end: then only the user knows.
// Nothing is read from views (the user's word only), foreign tables (a server may be down) or behind row-level security that
// needs a setting: an unrelated table must not fail a query.

import type { Notice } from '../../pg-error.js'
import type { Column } from '../../pql/catalog.js'
import { typed } from '../../pql/typed.js'
import type { OpenTable, Skeleton } from './build.js'
import { warning } from './graph.js'
import { literal, writtenTable } from './identifier.js'
import { temporal } from './impression.js'
import { inheritTimes } from './inherit-time.js'
import {
  type Candidates,
  dateEvidence,
  earlierProbes,
  type Findings,
  filledProbes,
  likeBirthday,
  type Probe,
  varietyProbes,
  yearsShare,
} from './time-evidence.js'
import { orderProbe, probesSql } from './time-sql.js'

export interface Dated {
  readonly warnings: readonly Notice[]
  /** Tables told from fewer rows than a full sample. */
  readonly unsettled: readonly number[]
}

type Query = (sql: string) => Promise<(Buffer | null)[][]>

const smallestShare = 0.99
/** Beyond so many foreign keys, planning the joins of a sample costs seconds: times are then taken as they are. */
const mostJoins = 500

/** Sets `time` of every table. At most three statements, none where no table leaves a choice. */
export async function dateTables({ tables, fragile }: Skeleton, query: Query): Promise<Dated> {
  const findings: Findings = { filled: new Set(), uniform: new Set(), earlier: new Map(), unsettled: new Set() }
  const toldOf = (table: OpenTable) => table.columns.find(column => column.tag === 'time')
  const readable = (table: OpenTable) => table.kind !== 'view' && table.kind !== 'foreign' && !fragile.has(table)
  const open = tables.filter(table => !toldOf(table) && readable(table))
  const sure = ({ notNull }: Column) => notNull
  await run(
    open
      .filter(table => !table.columns.some(column => temporal(column) && sure(column)))
      .flatMap(table => filledProbes(table, findings)),
    query,
  )
  const candidates: Candidates = new Map(
    tables.map(table => {
      const told = toldOf(table)
      return [table, told ? [told] : findCandidates(table, column => sure(column) || findings.filled.has(column))]
    }),
  )

  const dates = open.filter(table => candidates.get(table)![0]?.typeClass === 'date')
  const evidence = dates.flatMap(table => dateEvidence(table, candidates, readable, findings))
  await run(
    [
      ...evidence.flatMap(({ probes }) => probes),
      ...open.flatMap(table => varietyProbes(table, candidates.get(table)!, findings)),
    ],
    query,
  )
  const unlike = new Set(evidence.filter(likeBirthday).map(({ column }) => column))
  const likely: Candidates = new Map(
    tables.map(table => [
      table,
      candidates
        .get(table)!
        .filter(column => column.tag === 'time' || !(unlike.has(column) || findings.uniform.has(column))),
    ]),
  )

  const chosen = new Map<OpenTable, Column | null>(
    tables.map(table => [table, likely.get(table)!.length === 1 ? likely.get(table)![0] : null]),
  )
  const rivals = open
    .filter(table => likely.get(table)!.length > 1)
    .map(table => ({
      sql: (limit: number) => orderProbe(table, likely.get(table)!, limit),
      read: (counts: readonly number[], limit: number) => {
        chosen.set(table, choose(likely.get(table)!, counts))
        if (counts[0] < limit) findings.unsettled.add(table.oid)
      },
    }))
  const earlier = open.flatMap(table => earlierProbes(table, likely, readable, findings))
  await run([...rivals, ...(earlier.length <= mostJoins ? earlier : [])], query)

  const warnings: Notice[] = []
  const timeless = new Set<OpenTable>()
  for (const table of tables) {
    const column = chosen.get(table)
    const late =
      column?.tag !== 'time' && findings.earlier.get(column!)?.some(({ of, times }) => times.has(chosen.get(of)!))
    if (late) timeless.add(table)
    if (column && !late) table.time = { kind: 'own', column }
    else if (candidates.get(table)!.length > 0) warnings.push(undecided(table, candidates.get(table)!, readable(table)))
  }
  inheritTimes(tables, { filled: findings.filled, timeless })
  return { warnings, unsettled: [...findings.unsettled] }
}

/** Timestamps that are `usable`, or dates where there is none. A view's columns are never NOT NULL: the user names its time. */
function findCandidates(table: OpenTable, usable: (column: Column) => boolean): readonly Column[] {
  if (table.kind === 'view') return []
  const free = table.columns.filter(
    column => column.tag !== 'end' && column.tag !== 'exclude' && temporal(column) && usable(column),
  )
  const timestamps = free.filter(({ typeClass }) => typeClass !== 'date')
  return timestamps.length > 0 ? timestamps : free
}

async function run(probes: readonly Probe[], query: Query): Promise<void> {
  if (probes.length === 0) return
  // very many tables share the rows: the whole stays cheap
  const limit = Math.max(100, Math.min(1000, Math.floor(100_000 / probes.length)))
  for (const [number, counts] of await query(probesSql(probes.map(({ sql }) => sql(limit)))))
    probes[number!.readInt32BE()].read(counts!.toString().slice(1, -1).split(',').map(Number), limit)
}

/**
 * Of columns that are equal in every sampled row the first will do: they say the same. No rows, no choice.
 * `counts`: see orderProbe.
 */
export function choose(columns: readonly Column[], [rows, ...counts]: readonly number[]): Column | null {
  const smallest = counts.slice(0, columns.length)
  const best = smallest.indexOf(Math.max(...smallest))
  if (rows === 0 || smallest[best] < smallestShare * rows) return null
  const byYears = counts[columns.length + best]
  return columns[best].typeClass === 'date' && byYears >= yearsShare * rows ? null : columns[best]
}

function undecided(table: OpenTable, candidates: readonly Column[], sampled: boolean): Notice {
  const name = writtenTable(table)
  const reason = sampled
    ? 'its rows do not tell when they were written'
    : 'its rows are not sampled, being foreign or behind row-level security'
  return warning(
    `table ${name} has no time column of its own: ${reason}`,
    `Candidates: ${candidates.map(column => typed(column.name)).join(', ')}.`,
    `COMMENT ON COLUMN ${name}.${typed(candidates[0].name)} IS ${literal('@predict time')};`,
  )
}
