// Proposals as a person would paste them, in three forms: constraints for whoever owns the tables, comments for whoever wants no
// constraint, and lines of pgpredict.toml for whoever may change nothing.

import type { Column, Table } from '../../pql/catalog.js'
import { typed } from '../../pql/typed.js'
import type { UserSchema, UserTable } from './declared.js'
import { literal, writtenTable } from './identifier.js'
import type { ProposedLink, ProposedTable } from './proposed.js'

/** ALTER TABLE statements, keys first. A materialised view takes no constraint: it gets its COMMENT line. */
export function constraintLines(proposals: readonly ProposedTable[]): readonly string[] {
  const tables = proposals.filter(({ table }) => table.kind === 'table' || table.kind === 'partitioned')
  const others = proposals.filter(proposal => !tables.includes(proposal))
  const add = ({ table }: ProposedTable, what: string) => `ALTER TABLE ${writtenTable(table)} ${what};`
  return [
    ...tables.flatMap(p => (p.key ? [add(p, `ADD PRIMARY KEY (${list(p.key.columns)})`)] : [])),
    ...tables.flatMap(p =>
      p.notNull
        .filter(column => !p.key?.columns.includes(column))
        .map(column => add(p, `ALTER COLUMN ${typed(column.name)} SET NOT NULL`)),
    ),
    ...tables.flatMap(p => p.links.map(link => add(p, foreignKey(p.table, link)))),
    ...commentLines(others),
  ]
}

/** One COMMENT ON TABLE statement each; what the comment says today is kept. */
export function commentLines(proposals: readonly ProposedTable[]): readonly string[] {
  return proposals.map(({ table, comment, key, links, notNull }) => {
    const tag = [
      '@predict',
      ...(key ? [`key(${list(key.columns)})`] : []),
      ...(notNull.length > 0 ? [`notnull(${list(notNull)})`] : []),
      ...links.map(link => `link(${arrow(link)})`),
    ].join(' ')
    const kind = table.kind === 'materialized view' ? 'MATERIALIZED VIEW' : 'TABLE'
    return `COMMENT ON ${kind} ${writtenTable(table)} IS ${literal(comment ? `${comment} ${tag}` : tag).trim()};`
  })
}

/** Tables of pgpredict.toml. */
export function tomlLines(proposals: readonly ProposedTable[]): readonly string[] {
  const strings = (items: readonly string[]) => `[${items.map(item => JSON.stringify(item)).join(', ')}]`
  return proposals.flatMap(proposal => {
    const { table, key, notnull, links } = asUserTable(proposal)
    return [
      `[tables.${/^[A-Za-z0-9_]+$/.test(table) ? table : JSON.stringify(table)}]`,
      ...(key ? [`key = ${strings(key)}`] : []),
      ...(notnull ? [`notnull = ${strings(notnull)}`] : []),
      ...(links ? [`links = ${strings(links)}`] : []),
    ]
  })
}

/** The user's declarations and every proposal, as --infer-links takes them; the user's own word stays the last. */
export function acceptProposals(declared: UserSchema, proposals: readonly ProposedTable[]): UserSchema {
  return { tables: [...proposals.map(asUserTable), ...declared.tables] }
}

function asUserTable({ table, key, notNull, links }: ProposedTable): UserTable {
  return {
    table: writtenTable(table),
    key: key?.columns.map(column => typed(column.name)),
    notnull: notNull.length > 0 ? notNull.map(column => typed(column.name)) : undefined,
    links: links.length > 0 ? links.map(arrow) : undefined,
  }
}

const list = (columns: readonly Column[]) => columns.map(column => typed(column.name)).join(', ')

const arrow = ({ columns, to, toColumns }: ProposedLink) =>
  columns.length === 1
    ? `${typed(columns[0].name)} -> ${writtenTable(to)}.${typed(toColumns[0].name)}`
    : `(${list(columns)}) -> ${writtenTable(to)}.(${list(toColumns)})`

function foreignKey(table: Table, { columns, to, toColumns, complete }: ProposedLink): string {
  // rows that refer to nothing would make the whole statement fail; a partitioned table knows no NOT VALID before Postgres 18
  const validity = complete || table.kind === 'partitioned' ? '' : ' NOT VALID'
  return `ADD FOREIGN KEY (${list(columns)}) REFERENCES ${writtenTable(to)} (${list(toColumns)})${validity}`
}
