// What the proxy found in the database, said once at start-up: what it will use, what it will not, and the lines to paste
// where the user knows better.

import {
  commentLines,
  constraintLines,
  missingIndexes,
  missingTimeIndex,
  type ProposedTable,
  writtenTable,
} from '../graph/catalog/index.js'
import type { Notice } from '../pg-error.js'
import type { Catalog, Column, Table } from '../pql/catalog.js'
import { typed } from '../pql/typed.js'
import type { Suggestion } from './suggest.js'

export interface ReportFacts {
  /** pgpredict's own. */
  readonly version: string
  /** server_version, as the server writes it. */
  readonly server: string
  readonly database: string
  readonly role: string
  readonly catalog: Catalog
  /** Keys and links that nobody declared but the rows show. */
  readonly proposals: readonly ProposedTable[]
  /** Proposals are in use, by --infer-links. */
  readonly inferred: boolean
  /** The graph's own, and what a PREDICT tried here had to say: columns set aside, old data. */
  readonly notices: readonly Notice[]
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
    keyless(facts),
    proposed(facts),
    unindexed(facts.catalog),
    unordered(facts.catalog),
    noticed(facts.notices),
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

function keyless({ catalog, proposals }: ReportFacts): string[] {
  const proposed = new Set(proposals.filter(({ key }) => key).map(({ table }) => table))
  const without = catalog.tables.filter(table => table.key === null && !proposed.has(table))
  if (without.length === 0) return []
  return [
    'no primary key or unique not-null index, so nothing can be predicted for a row of:',
    ...without.map(table => `  COMMENT ON TABLE ${writtenTable(table)} IS '@predict key(…)';`),
  ]
}

function proposed({ proposals, inferred }: ReportFacts): string[] {
  if (proposals.length === 0) return []
  const evidence = proposals.flatMap(({ table, key, links }) => [
    ...(key ? [`  ${writtenTable(table)}: key (${names(key.columns)}), ${key.evidence}`] : []),
    ...links.map(
      link =>
        `  ${writtenTable(table)} (${names(link.columns)}) -> ${writtenTable(link.to)} (${names(link.toColumns)}): ${link.evidence}`,
    ),
  ])
  return [
    inferred
      ? 'keys and links that nobody declared, used all the same (--infer-links):'
      : 'keys and links that nobody declared, but the rows show; not used until you say so (or start with --infer-links):',
    ...evidence,
    '',
    '  to declare them:',
    ...constraintLines(proposals).map(line => `  ${line}`),
    '',
    '  or, leaving the tables as they are:',
    ...commentLines(proposals).map(line => `  ${line}`),
  ]
}

const names = (columns: readonly Column[]): string => columns.map(column => typed(column.name)).join(', ')

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

function unordered({ tables }: Catalog): string[] {
  const slow = tables.flatMap(table => missingTimeIndex(table) ?? [])
  if (slow.length === 0) return []
  return [
    'times without an index, so that every PREDICT about their table reads all of it to find its end:',
    ...slow.map(sql => `  ${sql}`),
  ]
}

function noticed(notices: readonly Notice[]): string[] {
  return notices.flatMap(({ severity, message, detail, hint }) => [
    `${severity.toLowerCase()}: ${message}`,
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

/** A URL a client can paste: of the proxy, for this user and database. */
export function proxyUrl(host: string, port: number, user: string | null, database: string | null): string {
  const name = user ? `${encodeURIComponent(user)}@` : ''
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `postgres://${name}${shown}:${port}/${database ? encodeURIComponent(database) : ''}`
}
