// Which column says when a row came to be (DESIGN 2.6). The user's word; else the one NOT NULL timestamp; of several, the one that
// is the smallest of its row in 99 % of sampled rows; dates only where there is no timestamp. A date must also behave like the
// time a row was written and not like a birthday, by what the rows themselves show:
// - it does not lie before the rows it refers to (half of them, a day's grace: a date has no hour), and
// - rows that refer to it do not all come years later (95 % of them over five years), and
// - next to other dates it is not the smaller by over five years (95 %): a birthday beside a hiring day, or a start beside a
//   distant end; then only the user knows.
// Nothing is read from views (the user's word only), foreign tables (a server may be down) or behind row-level security that
// needs a setting: an unrelated table must not fail a query.

import type { Notice } from '../../pg-error.js'
import type { Column, Link } from '../../pql/catalog.js'
import type { OpenTable, Skeleton } from './build.js'
import { warning } from './graph.js'
import { literal, written, writtenTable } from './identifier.js'
import { inheritTimes } from './inherit-time.js'
import { childProbe, orderProbe, parentProbe, probesSql } from './time-sql.js'

export interface Dated {
  readonly warnings: readonly Notice[]
  /** Tables told from fewer rows than a full sample. */
  readonly unsettled: readonly number[]
}

type Query = (sql: string) => Promise<(Buffer | null)[][]>

interface Probe {
  readonly sql: (limit: number) => string
  readonly read: (counts: readonly number[], limit: number) => void
}

const smallestShare = 0.99
const yearsShare = 0.95

/** Sets `time` of every table. At most two statements, none where no table leaves a choice. */
export async function dateTables({ tables, fragile }: Skeleton, query: Query): Promise<Dated> {
  const warnings: Notice[] = []
  const unsettled = new Set<number>()
  const candidates = new Map<OpenTable, readonly Column[]>()
  for (const table of tables) {
    const told = table.columns.find(column => column.tag === 'time')
    candidates.set(table, told ? [told] : findCandidates(table))
  }
  const told = (table: OpenTable) => table.columns.some(column => column.tag === 'time')
  const readable = (table: OpenTable) => table.kind !== 'view' && table.kind !== 'foreign' && !fragile.has(table)
  const open = tables.filter(table => !told(table) && readable(table))
  const dates = open.filter(table => candidates.get(table)![0]?.typeClass === 'date')
  const evidence = dates.flatMap(table => dateEvidence(table, candidates, readable))
  await run(
    evidence.flatMap(({ probes }) => probes),
    query,
  )
  for (const { table, thin } of evidence) if (thin) unsettled.add(table.oid)
  const unlike = new Set(evidence.filter(likeBirthday).map(({ column }) => column))

  const likely = (table: OpenTable) => candidates.get(table)!.filter(column => !unlike.has(column))
  const choices = open.filter(table => likely(table).length > 1 || table.kind === 'materialized view')
  const chosen = new Map<OpenTable, Column | null>()
  const rivals = choices
    .filter(table => likely(table).length > 0)
    .map(table => ({
      sql: (limit: number) => orderProbe(table, likely(table), limit),
      read: (counts: readonly number[], limit: number) => {
        chosen.set(table, choose(likely(table), counts))
        if (counts[0] < limit) unsettled.add(table.oid)
      },
    }))
  await run(rivals, query)

  for (const table of tables) {
    const all = candidates.get(table)!
    const left = likely(table)
    const column = chosen.has(table) ? chosen.get(table)! : left.length === 1 ? left[0] : null
    if (column) table.time = { kind: 'own', column }
    else if (all.length > 0) warnings.push(undecided(table, all, readable(table)))
  }
  inheritTimes(tables)
  return { warnings, unsettled: [...unsettled] }
}

/** Timestamps, or dates where there is none. A view's columns are never NOT NULL: the user names its time. */
function findCandidates(table: OpenTable): readonly Column[] {
  if (table.kind === 'view') return []
  const free = table.columns.filter(
    ({ tag, notNull }) => tag !== 'end' && tag !== 'exclude' && (notNull || table.kind === 'materialized view'),
  )
  const timestamps = free.filter(({ typeClass }) => typeClass === 'timestamp' || typeClass === 'timestamptz')
  return timestamps.length > 0 ? timestamps : free.filter(({ typeClass }) => typeClass === 'date')
}

interface DateEvidence {
  readonly table: OpenTable
  readonly column: Column
  readonly probes: readonly Probe[]
  /** Rows that refer to the table's, and those that came over five years later. */
  children: number
  yearsLater: number
  /** The column lies before the rows referred to, along one foreign key at least. */
  beforeParents: boolean
  /** Some sample was not full. */
  thin: boolean
}

const likeBirthday = ({ children, yearsLater, beforeParents }: DateEvidence) =>
  beforeParents || (children > 0 && yearsLater >= yearsShare * children)

/** What is to be asked about each date of a table; filled in as the probes are read. */
function dateEvidence(
  table: OpenTable,
  candidates: ReadonlyMap<OpenTable, readonly Column[]>,
  readable: (table: OpenTable) => boolean,
): DateEvidence[] {
  // only along declared keys: their targets are indexed
  const usable = (link: Link, other: OpenTable) =>
    link.declared && link.from !== link.to && readable(other) && candidates.get(other)!.length > 0
  const below = table.children.filter(link => usable(link, link.from as OpenTable))
  const above = table.parents.filter(link => link.notNull && usable(link, link.to as OpenTable))
  return candidates.get(table)!.map(column => {
    const probes: Probe[] = []
    const evidence: DateEvidence = {
      table,
      column,
      probes,
      children: 0,
      yearsLater: 0,
      beforeParents: false,
      thin: false,
    }
    for (const link of below)
      probes.push({
        sql: limit => childProbe(column, link, candidates.get(link.from as OpenTable)!, limit),
        read: ([rows, yearsLater], limit) => {
          evidence.children += rows
          evidence.yearsLater += yearsLater
          evidence.thin ||= rows < limit
        },
      })
    for (const link of above)
      probes.push({
        sql: limit => parentProbe(column, link, candidates.get(link.to as OpenTable)!, limit),
        read: ([rows, notBefore], limit) => {
          evidence.beforeParents ||= notBefore < rows / 2
          evidence.thin ||= rows < limit
        },
      })
    return evidence
  })
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
    `Candidates: ${candidates.map(column => written(column.name)).join(', ')}.`,
    `COMMENT ON COLUMN ${name}.${written(candidates[0].name)} IS ${literal('@predict time')};`,
  )
}
