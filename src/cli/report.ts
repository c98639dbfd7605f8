// What the proxy found in the database, said once at start-up: what it will use, what it will not, and the lines to paste
// where the user knows better.

import { missingIndexes, written, writtenTable } from '../graph/catalog/index.js'
import type { Notice } from '../pg-error.js'
import type { Catalog, Column, Table } from '../pql/catalog.js'
import type { Suggestion } from './suggest.js'

/** A link with no foreign key that the data supports. */
export interface ProposedLink {
  readonly from: Table
  readonly columns: readonly Column[]
  readonly to: Table
  readonly toColumns: readonly Column[]
  /** Share of sampled values found on the other side. */
  readonly containment: number
}

/** A column that is not used by default, since its values change after the row was written. */
export interface SetAside {
  readonly table: Table
  readonly column: Column
  readonly reason: string
}

export interface ReportFacts {
  /** pgpredict's own. */
  readonly version: string
  /** server_version, as the server writes it. */
  readonly server: string
  readonly database: string
  readonly role: string
  readonly catalog: Catalog
  readonly proposals: readonly ProposedLink[]
  /** Proposals are in use, by --infer-links. */
  readonly inferred: boolean
  readonly setAside: readonly SetAside[]
  readonly warnings: readonly Notice[]
  readonly suggestions: readonly Suggestion[]
}

/** Plain text, without a final newline. */
export function formatReport(facts: ReportFacts): string {
  const { tables, links } = facts.catalog
  const head = [
    `pgpredict ${facts.version} before PostgreSQL ${facts.server}: database ${facts.database}, as ${facts.role}`,
    `${count(tables.length, 'table')}, ${count(links.filter(link => link.declared).length, 'foreign key')}`,
  ]
  const sections = [
    head,
    tableList(tables),
    keyless(tables),
    proposed(facts),
    unindexed(facts.catalog),
    aside(facts.setAside),
    warned(facts.warnings),
    tries(facts.suggestions),
  ]
  return sections
    .filter(lines => lines.length > 0)
    .map(lines => lines.join('\n'))
    .join('\n\n')
}

function tableList(tables: readonly Table[]): string[] {
  const rows = [...tables]
    .sort((a, b) => b.estimatedRows - a.estimatedRows || (a.name < b.name ? -1 : 1))
    .map(table => [
      writtenTable(table),
      size(table),
      table.key?.map(column => column.name).join(', ') ?? '-',
      timeOf(table),
    ])
  return aligned([['table', 'rows', 'key', 'time'], ...rows], [1])
}

const size = ({ estimatedRows }: Table): string =>
  estimatedRows < 0 ? '?' : `~${Math.round(estimatedRows).toLocaleString('en')}`

function timeOf({ time }: Table): string {
  if (time.kind === 'own') return time.column.tag === 'time' ? `${time.column.name} (yours)` : time.column.name
  if (time.kind === 'static') return 'none: taken to be always there'
  return `the latest of ${[...new Set(time.through.map(link => writtenTable(link.to)))].join(', ')}`
}

function keyless(tables: readonly Table[]): string[] {
  const without = tables.filter(table => table.key === null)
  if (without.length === 0) return []
  return [
    'no primary key or unique not-null index, so nothing can be predicted for a row of:',
    ...without.map(table => `  COMMENT ON TABLE ${writtenTable(table)} IS '@predict key(…)';`),
  ]
}

function proposed({ proposals, inferred }: ReportFacts): string[] {
  if (proposals.length === 0) return []
  return [
    inferred
      ? 'used although no foreign key says so (--infer-links); to declare them:'
      : 'these look like foreign keys and are not used until you say so (or start with --infer-links):',
    ...proposals.map(({ from, columns, to, toColumns, containment }) => {
      const names = (list: readonly Column[]) => list.map(column => written(column.name))
      const left = columns.length === 1 ? names(columns)[0] : `(${names(columns).join(', ')})`
      const right = toColumns.length === 1 ? names(toColumns)[0] : `(${names(toColumns).join(', ')})`
      const line = `@predict link(${left} -> ${writtenTable(to)}.${right})`.replaceAll("'", "''")
      return `  COMMENT ON TABLE ${writtenTable(from)} IS '${line}';  -- ${percent(containment)} of values found`
    }),
  ]
}

function unindexed(catalog: Catalog): string[] {
  // small tables are read whole anyway
  const slow = missingIndexes(catalog).filter(
    ({ link }) => link.from.estimatedRows < 0 || link.from.estimatedRows > 10_000,
  )
  if (slow.length === 0) return []
  return [
    'foreign keys without an index, which every PREDICT through them has to scan for:',
    ...slow.map(({ sql }) => `  ${sql}`),
  ]
}

function aside(columns: readonly SetAside[]): string[] {
  if (columns.length === 0) return []
  return [
    'set aside, since they seem to change after their row was written; if one does not, say so:',
    ...columns.map(({ table, column, reason }) => {
      const name = `${writtenTable(table)}.${written(column.name)}`
      return `  COMMENT ON COLUMN ${name} IS '@predict immutable';  -- ${reason}`
    }),
  ]
}

function warned(warnings: readonly Notice[]): string[] {
  return warnings.flatMap(({ message, detail, hint }) => [
    `warning: ${message}`,
    ...(detail ? [`  ${detail}`] : []),
    ...(hint ? [`  ${hint}`] : []),
  ])
}

function tries(suggestions: readonly Suggestion[]): string[] {
  if (suggestions.length === 0) return []
  return [
    'try:',
    ...suggestions.flatMap(({ question, sql }) => ['', `  -- ${question}`, `${sql.replace(/^/gm, '  ')};`]),
  ]
}

function aligned(rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map(row => [...row[i]!].length)))
  return rows.map(row =>
    row
      .map((cell, i) => {
        const space = ' '.repeat(widths[i]! - [...cell].length)
        return right.includes(i) ? space + cell : cell + space
      })
      .join('   ')
      .trimEnd(),
  )
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
const percent = (share: number): string => `${(100 * share).toFixed(share < 1 ? 1 : 0)} %`

/** A URL a client can paste: of the proxy, for this user and database. */
export function proxyUrl(host: string, port: number, user: string | null, database: string | null): string {
  const name = user ? `${encodeURIComponent(user)}@` : ''
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `postgres://${name}${shown}:${port}/${database ? encodeURIComponent(database) : ''}`
}
