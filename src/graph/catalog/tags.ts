// The small language of `@predict` comments: COMMENT ON COLUMN … '@predict time', COMMENT ON TABLE … '@predict key(a,b) link(x -> t.y)'.
// Words before the tag, and after a full stop or semicolon, are the user's own prose.

import type { LinkTarget, Statement, UserTable } from './declared.js'
import { NameReader } from './identifier.js'

export interface Tags {
  readonly statements: readonly Statement[]
  /** What could not be read: `"@predict key(a)" is followed by "tme"`. */
  readonly problems: readonly string[]
}

const columnKinds = new Set(['time', 'end', 'exclude', 'immutable', 'class', 'number', 'notnull'] as const)
type ColumnKind = typeof columnKinds extends Set<infer T> ? T : never
const isColumnKind = (word: string | null): word is ColumnKind => columnKinds.has(word as ColumnKind)

/** Tags in a comment on column `column`, or on a table where `column` is null. */
export function parseComment(comment: string, column: string | null): Tags {
  const statements: Statement[] = []
  const problems: string[] = []
  for (const text of comment.split(/@predict\b/).slice(1)) {
    const reader = new NameReader(text)
    do {
      const before = reader.position
      const word = reader.name()
      const statement = word === null ? null : column === null ? onTable(word, reader) : onColumn(word, column)
      if (!statement) {
        problems.push(`"@predict${text.slice(0, before)}" is followed by "${text.slice(before).trim()}"`)
        break
      }
      statements.push(statement)
      reader.take(',')
    } while (!reader.done && !reader.take('.') && !reader.take(';'))
  }
  return { statements, problems }
}

function onColumn(word: string, column: string): Statement | null {
  return isColumnKind(word) ? { kind: word, columns: [column] } : null
}

function onTable(word: string, reader: NameReader): Statement | null {
  if (!reader.take('(')) return null
  if (word === 'link') {
    const link = readLink(reader)
    return link && reader.take(')') ? link : null
  }
  if (word !== 'key' && !isColumnKind(word)) return null
  const columns = readNames(reader)
  return columns && reader.take(')') ? { kind: word, columns } : null
}

function readNames(reader: NameReader): string[] | null {
  const names: string[] = []
  do {
    const name = reader.name()
    if (name === null) return null
    names.push(name)
  } while (reader.take(','))
  return names
}

function readLink(reader: NameReader): Statement | null {
  const bracket = reader.take('(')
  const columns = readNames(reader)
  if (!columns || (bracket && !reader.take(')')) || !reader.take('->')) return null
  const target = readTarget(reader)
  return target && { kind: 'link', columns, target }
}

function readTarget(reader: NameReader): LinkTarget | null {
  const path: string[] = []
  do {
    if (path.length > 0 && reader.take('(')) {
      const columns = readNames(reader)
      return columns && reader.take(')') ? { path, columns } : null
    }
    const name = reader.name()
    if (name === null) return null
    path.push(name)
  } while (reader.take('.'))
  return { path, columns: null }
}

/** The same statements from an entry of the file, where column names may also be exact. */
export function parseUserTable(entry: UserTable): Tags {
  const statements: Statement[] = []
  const problems: string[] = []
  if (entry.key?.length) statements.push({ kind: 'key', columns: entry.key })
  for (const kind of ['time', 'end'] as const) if (entry[kind]) statements.push({ kind, columns: [entry[kind]] })
  for (const kind of ['exclude', 'immutable', 'class', 'number', 'notnull'] as const)
    if (entry[kind]?.length) statements.push({ kind, columns: entry[kind] })
  for (const text of entry.links ?? []) {
    const reader = new NameReader(text)
    const link = readLink(reader)
    if (link && reader.done) statements.push(link)
    else problems.push(`link "${text}" cannot be read: write it as "column -> table.column"`)
  }
  return { statements, problems }
}
