// What rows say against a candidate for the time of its table. A date may be a birthday:
// - it lies before the rows it refers to (half of them, a day's grace: a date has no hour), or
// - rows that refer to it come years later (95 % of them over five years).
// Of several candidates, one with hardly any values beside others with many is the moment when rows were loaded. And a row cannot
// be younger than those that refer to it: a column that is (for 95 % of them, a day's grace) says when the row was last touched.

import type { Column, Link } from '../../pql/catalog.js'
import type { OpenTable } from './build.js'
import { temporal } from './impression.js'
import { childProbe, earlierProbe, filledProbe, parentProbe, varietyProbe } from './time-sql.js'

/** A bounded question to the rows; `read` gets the numbers it gave. */
export interface Probe {
  readonly sql: (limit: number) => string
  readonly read: (counts: readonly number[], limit: number) => void
}

export type Candidates = ReadonlyMap<OpenTable, readonly Column[]>

/** What probes found out, filled in as they are read. */
export interface Findings {
  /** Nullable columns that hold no NULL. */
  readonly filled: Set<Column>
  /** Columns with hardly any values, beside others with many. */
  readonly uniform: Set<Column>
  /** By candidate and table that refers to its own: the candidates there that lie before it. */
  readonly earlier: Map<Column, { readonly of: OpenTable; readonly times: ReadonlySet<Column> }[]>
  /** Tables told from fewer rows than a full sample. */
  readonly unsettled: Set<number>
}

export const yearsShare = 0.95
const laterShare = 0.95
/** A candidate with so many times fewer values than another is no time of single rows. */
const uniformRatio = 50

/** Nullable times of a table that has no other, and the foreign keys it may inherit one along. */
export function filledProbes(table: OpenTable, { filled, unsettled }: Findings): Probe[] {
  const links = table.parents.flatMap(link => link.columns)
  const columns = [...new Set([...table.columns.filter(temporal), ...links])].filter(
    ({ tag, notNull }) => !notNull && tag !== 'end' && tag !== 'exclude',
  )
  if (columns.length === 0) return []
  return [
    {
      sql: limit => filledProbe(table, columns, limit),
      read: ([rows, ...values], limit) => {
        if (rows < limit) unsettled.add(table.oid)
        for (const column of columns.filter((_, i) => rows > 0 && values[i] === rows)) filled.add(column)
      },
    },
  ]
}

export function varietyProbes(table: OpenTable, columns: readonly Column[], { uniform }: Findings): Probe[] {
  if (columns.length < 2) return []
  return [
    {
      sql: limit => varietyProbe(table, columns, limit),
      read: ([, ...distinct]) => {
        const most = Math.max(...distinct)
        const few = most < uniformRatio ? [] : columns.filter((_, i) => distinct[i] * uniformRatio <= most)
        for (const column of few) uniform.add(column)
      },
    },
  ]
}

export interface DateEvidence {
  readonly column: Column
  readonly probes: readonly Probe[]
  /** Rows that refer to the table's, and those that came over five years later. */
  children: number
  yearsLater: number
  /** The column lies before the rows referred to, along one foreign key at least. */
  beforeParents: boolean
}

export const likeBirthday = ({ children, yearsLater, beforeParents }: DateEvidence) =>
  beforeParents || (children > 0 && yearsLater >= yearsShare * children)

/** What is to be asked about each date of a table; filled in as the probes are read. */
export function dateEvidence(
  table: OpenTable,
  candidates: Candidates,
  readable: Readable,
  { unsettled }: Findings,
): DateEvidence[] {
  const below = table.children.filter(link => usable(link, link.from as OpenTable, candidates, readable))
  const above = table.parents.filter(link => link.notNull && usable(link, link.to as OpenTable, candidates, readable))
  return candidates.get(table)!.map(column => {
    const probes: Probe[] = []
    const evidence: DateEvidence = { column, probes, children: 0, yearsLater: 0, beforeParents: false }
    for (const link of below)
      probes.push({
        sql: limit => childProbe(column, link, candidates.get(link.from as OpenTable)!, limit),
        read: ([rows, yearsLater], limit) => {
          evidence.children += rows
          evidence.yearsLater += yearsLater
          if (rows < limit) unsettled.add(table.oid)
        },
      })
    for (const link of above)
      probes.push({
        sql: limit => parentProbe(column, link, candidates.get(link.to as OpenTable)!, limit),
        read: ([rows, notBefore], limit) => {
          evidence.beforeParents ||= notBefore < rows / 2
          if (rows < limit) unsettled.add(table.oid)
        },
      })
    return evidence
  })
}

/** How many rows that refer to a table come before it, by each time of theirs. */
export function earlierProbes(
  table: OpenTable,
  candidates: Candidates,
  readable: Readable,
  { earlier, unsettled }: Findings,
): Probe[] {
  const below = table.children.filter(link => usable(link, link.from as OpenTable, candidates, readable))
  return candidates.get(table)!.flatMap(column =>
    below.map(link => ({
      sql: (limit: number) => earlierProbe(column, link, candidates.get(link.from as OpenTable)!, limit),
      read: ([rows, ...before]: readonly number[], limit: number) => {
        if (rows < limit) unsettled.add(table.oid)
        const times = candidates.get(link.from as OpenTable)!
        const found = times.filter((_, i) => rows > 0 && before[i] >= laterShare * rows)
        earlier.set(column, [...(earlier.get(column) ?? []), { of: link.from as OpenTable, times: new Set(found) }])
      },
    })),
  )
}

type Readable = (table: OpenTable) => boolean

/** Only along declared keys: their targets are indexed. */
const usable = (link: Link, other: OpenTable, candidates: Candidates, readable: Readable) =>
  link.declared && link.from !== link.to && readable(other) && candidates.get(other)!.length > 0
