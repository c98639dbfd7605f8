// Names as Postgres reads and writes them: parsing `a."B".c`, quoting for a statement.

import { typed } from '../../pql/typed.js'

/** Always quoted: for statements we run ourselves. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** `'…'` as a literal, whatever standard_conforming_strings says. */
export const literal = (text: string): string => {
  const body = text.replaceAll("'", "''")
  return body.includes('\\') ? ` E'${body.replaceAll('\\', '\\\\')}'` : `'${body}'`
}

export const quotedTable = (table: { readonly schema: string; readonly name: string }): string =>
  `${quoted(table.schema)}.${quoted(table.name)}`

/** As a person would type it: the schema only where the bare name would not find the table. */
export const writtenTable = (table: {
  readonly schema: string
  readonly name: string
  readonly visible: boolean
}): string => (table.visible ? typed(table.name) : `${typed(table.schema)}.${typed(table.name)}`)

/** Upper-case ASCII letters of an unquoted name fold; other letters stay, as in a UTF-8 database. */
export const folded = (name: string): string => name.replace(/[A-Z]+/g, letters => letters.toLowerCase())

const identifier = /\s*(?:"((?:[^"]|"")+)"|([\p{L}_][\p{L}\p{N}\p{M}_$]*))\s*/uy

/** Reads identifiers, dots and other single characters from left to right. Every method skips white space first. */
export class NameReader {
  position = 0

  constructor(readonly text: string) {}

  /** The next identifier, folded unless quoted; null where there is none. */
  name(): string | null {
    identifier.lastIndex = this.position
    const match = identifier.exec(this.text)
    if (!match) return null
    this.position = identifier.lastIndex
    return match[1] !== undefined ? match[1].replaceAll('""', '"') : folded(match[2])
  }

  /** Takes `token` if it comes next. */
  take(token: string): boolean {
    const start = this.position + this.text.slice(this.position).search(/\S|$/)
    if (!this.text.startsWith(token, start)) return false
    this.position = start + token.length
    return true
  }

  /** `a`, `a.b`, `a.b.c`; null where no name comes next or a dot leads nowhere. */
  path(): string[] | null {
    const parts: string[] = []
    do {
      const part = this.name()
      if (part === null) return null
      parts.push(part)
    } while (this.take('.'))
    return parts
  }

  get done(): boolean {
    return /^\s*$/.test(this.text.slice(this.position))
  }
}

/** `a`, `s.a`, `s."A b"` as its parts; null where the text is not a name. */
export function parsePath(text: string): string[] | null {
  const reader = new NameReader(text)
  const parts = reader.path()
  return parts && reader.done ? parts : null
}
