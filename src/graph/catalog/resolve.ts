// Looks up what the user says in the catalog: tags per column, keys, links. The file wins over comments, both over what we find;
// what names nothing becomes a warning.

import type { Notice } from '../../pg-error.js'
import type { Column } from '../../pql/catalog.js'
import { typed } from '../../pql/typed.js'
import type { LinkTarget, Statement, UserSchema } from './declared.js'
import { type Ignored, warning } from './graph.js'
import { folded, parsePath } from './identifier.js'
import { findKey, isUnique } from './keys.js'
import type { RawCatalog, RawLink, RawTable } from './raw.js'
import { parseComment, parseUserTable, type Tags } from './tags.js'
import { comparable } from './type-class.js'

export interface Facts {
  readonly key: readonly number[] | null
  readonly keyOnTrust: boolean
  readonly tags: ReadonlyMap<number, NonNullable<Column['tag']>>
  /** Columns that count as NOT NULL on the user's word. */
  readonly trusted: ReadonlySet<number>
}

export interface Resolved {
  readonly facts: ReadonlyMap<RawTable, Facts>
  readonly links: readonly RawLink[]
  /** Parts of declarations that name nothing. */
  readonly ignored: readonly Ignored[]
  /** Declarations about tables that are not there. */
  readonly warnings: readonly Notice[]
}

interface Draft {
  key: readonly number[] | null
  keyOnTrust: boolean
  tags: Map<number, NonNullable<Column['tag']>>
  trusted: Set<number>
}

type Source = 'the comment' | 'the configuration'

export function resolve(catalog: RawCatalog, declared: UserSchema): Resolved {
  const warnings: Notice[] = []
  const unread: Ignored[] = []
  const drafts = new Map<RawTable, Draft>()
  for (const table of catalog.tables.values())
    drafts.set(table, { key: findKey(table), keyOnTrust: false, tags: new Map(), trusted: new Set() })
  const links = [...catalog.links]
  const pending: (() => void)[] = []
  const ignored = (table: RawTable, source: Source, problem: string) => {
    const told = warning(`ignoring part of ${source} on table ${label(table)}: ${problem}`)
    unread.push({ ...told, relation: table.name })
  }

  const apply = (table: RawTable, source: Source, { statements, problems }: Tags) => {
    for (const problem of problems) ignored(table, source, problem)
    for (const statement of statements) {
      const columns = statement.columns.map(name => findColumn(table, name))
      const missing = statement.columns.find((_, i) => columns[i] === undefined)
      if (missing !== undefined) {
        ignored(table, source, `${statement.kind}: column ${typed(missing)} does not exist`)
        continue
      }
      const attnums = columns as number[]
      const draft = drafts.get(table)!
      const { kind } = statement
      if (kind === 'key') {
        draft.key = attnums
        draft.keyOnTrust = !isUnique(table, attnums)
      }
      // a link may lean on a key that is still to be read
      else if (kind === 'link') pending.push(() => addLink(table, source, attnums, statement))
      else if (kind !== 'notnull') setTags(draft, table, kind, attnums, problem => ignored(table, source, problem))
      if (kind === 'notnull' || (kind === 'key' && cannotSay(table))) trust(draft, attnums)
    }
  }

  const addLink = (from: RawTable, source: Source, columns: readonly number[], statement: Statement) => {
    const found = findTarget(catalog, from, statement.target!, table => drafts.get(table)!.key)
    if (typeof found === 'string') return ignored(from, source, `link: ${found}`)
    const { table: to, columns: toColumns } = found
    if (columns.length !== toColumns.length)
      return ignored(
        from,
        source,
        `link: ${columns.length} columns cannot refer to ${toColumns.length} of ${label(to)}`,
      )
    const mismatch = columns.findIndex(
      (attnum, i) => !comparable(from.column.get(attnum)!.type.typeClass, to.column.get(toColumns[i])!.type.typeClass),
    )
    if (mismatch >= 0) {
      const [a, b] = [from.column.get(columns[mismatch])!, to.column.get(toColumns[mismatch])!]
      const types = `${a.type.typeName} and ${b.type.typeName}`
      return ignored(from, source, `link: ${typed(a.name)} and ${typed(b.name)} cannot be compared, being ${types}`)
    }
    const same = (link: RawLink) =>
      link.from === from && link.to === to && pairs(link.columns, link.toColumns) === pairs(columns, toColumns)
    if (links.some(same)) return
    if (cannotSay(from)) trust(drafts.get(from)!, columns)
    const names = columns.map(attnum => typed(from.column.get(attnum)!.name))
    links.push({ name: `link(${names.join(', ')})`, from, columns, to, toColumns, declared: false })
  }

  for (const table of catalog.tables.values()) {
    if (table.comment) apply(table, 'the comment', parseComment(table.comment, null))
    for (const column of table.columns)
      if (column.comment) apply(table, 'the comment', parseComment(column.comment, column.name))
  }
  for (const entry of declared.tables) {
    const table = findUserTable(catalog, entry.table)
    if (table) apply(table, 'the configuration', parseUserTable(entry))
    else
      warnings.push(warning(`ignoring the configuration of table ${entry.table}: it does not exist or is not readable`))
  }
  for (const add of pending) add()
  return { facts: drafts, links, ignored: unread, warnings }
}

/** A view cannot declare NOT NULL: what the user makes a key or a link of it is taken to be. */
const cannotSay = ({ kind }: RawTable) => kind === 'v' || kind === 'm'

const trust = (draft: Draft, attnums: readonly number[]) => {
  for (const attnum of attnums) draft.trusted.add(attnum)
}

function setTags(
  draft: Draft,
  table: RawTable,
  kind: NonNullable<Column['tag']>,
  attnums: readonly number[],
  ignored: (problem: string) => void,
): void {
  for (const attnum of attnums) {
    const { name, type } = table.column.get(attnum)!
    const temporal = ['date', 'timestamp', 'timestamptz'].includes(type.typeClass)
    if ((kind === 'time' || kind === 'end') && !temporal)
      ignored(`${kind}: column ${typed(name)} is ${type.typeName}, not a date or timestamp`)
    else {
      // one time column a table: the last word replaces an earlier one
      if (kind === 'time') for (const [other, tag] of draft.tags) if (tag === 'time') draft.tags.delete(other)
      draft.tags.set(attnum, kind)
    }
  }
}

const pairs = (from: readonly number[], to: readonly number[]) =>
  from
    .map((attnum, i) => `${attnum}>${to[i]}`)
    .sort()
    .join()

const label = (table: RawTable) => `${typed(table.schema)}.${typed(table.name)}`

/** Exact, else folded as an unquoted identifier, else with its quotes read. */
function findColumn(table: RawTable, name: string): number | undefined {
  const path = parsePath(name)
  for (const candidate of [name, folded(name), path?.length === 1 ? path[0] : null]) {
    const column = table.columns.find(column => column.name === candidate)
    if (column) return column.attnum
  }
  return undefined
}

/** `near`: the schema a comment stands in, looked in first; then search_path; then any schema that has the only such table. */
function findTable(catalog: RawCatalog, path: readonly string[], near: string | null): RawTable | undefined {
  const tables = [...catalog.tables.values()]
  if (path.length === 2) return tables.find(table => table.schema === path[0] && table.name === path[1])
  if (path.length !== 1) return undefined
  const named = tables.filter(table => table.name === path[0])
  return (
    named.find(table => table.schema === near) ??
    named.find(table => table.visible) ??
    (named.length === 1 ? named[0] : undefined)
  )
}

function findUserTable(catalog: RawCatalog, text: string): RawTable | undefined {
  const exact = findTable(catalog, [text], null) ?? findTable(catalog, text.split('.'), null)
  const path = parsePath(text)
  return exact ?? (path ? findTable(catalog, path, null) : undefined)
}

/** What an arrow points at; a string says what is wrong. */
function findTarget(
  catalog: RawCatalog,
  from: RawTable,
  { path, columns }: LinkTarget,
  keyOf: (table: RawTable) => readonly number[] | null,
): { table: RawTable; columns: readonly number[] } | string {
  const named = findTable(catalog, path, from.schema)
  if (named && !columns) {
    const key = keyOf(named)
    return key
      ? { table: named, columns: key }
      : `table ${label(named)} has no key: name the column, as in ${path.join('.')}.id`
  }
  const table = named ?? (columns ? undefined : findTable(catalog, path.slice(0, -1), from.schema))
  if (!table) return `table ${path.map(typed).join('.')} does not exist`
  const names = columns ?? path.slice(-1)
  const found = names.map(name => findColumn(table, name))
  const missing = names.find((_, i) => found[i] === undefined)
  return missing === undefined
    ? { table, columns: found as number[] }
    : `column ${typed(missing)} of table ${label(table)} does not exist`
}
