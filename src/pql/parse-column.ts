// Names: `table.column`, `schema.table.column`, `table.*`, arrows upwards.

import { PgError } from '../pg-error.js'
import type { ColumnName, Name, Span } from './ast.js'
import type { Cursor } from './cursor.js'
import { typed } from './typed.js'

export const parseName = (cursor: Cursor, expected: string): Name => {
  if (cursor.peek().kind !== 'word') throw cursor.unexpected(expected)
  const { text, quote, start, end } = cursor.next()
  return { text, quoted: quote !== null, start, end }
}

const MAX_PARTS = 3

/** `t.doc->>'key'`: reading JSON is for SQL; a generated column brings what is read here. */
const jsonOperator = (cursor: Cursor, arrow: Span, parts: readonly Name[]): PgError => {
  const key = cursor.peek()
  const table = parts.slice(0, -1).map(part => typed(part.text))
  const column = parts[parts.length - 1]
  const read = `${typed(column.text)}${cursor.slice(arrow)}${cursor.slice(key)}`
  return new PgError({
    code: '0A000',
    message: 'JSON operators are not part of a PREDICT',
    detail: 'An arrow goes from a foreign key to the row that it refers to.',
    hint:
      table.length > 0 && key.kind === 'string' && cursor.slice(arrow) === '->>'
        ? `ALTER TABLE ${table.join('.')} ADD COLUMN ${typed(key.text)} text GENERATED ALWAYS AS (${read}) STORED`
        : undefined,
    position: arrow.start,
  })
}

/** A column name; whether its parts make one is for `check` to say, which knows the tables. */
export const parseColumn = (cursor: Cursor, expected = 'a column, as table.column'): ColumnName => {
  const { start } = cursor.peek()
  if (cursor.takeOperator('*')) return { parts: [], star: true, arrows: [], ...cursor.spanFrom(start) }
  const parts = [parseName(cursor, expected)]
  let star = false
  while (!star && cursor.isOperator('.') && !cursor.isOperator('(', 1)) {
    cursor.next()
    if (cursor.takeOperator('*')) star = true
    else parts.push(parseName(cursor, 'a column name or "*"'))
    if (parts.length + (star ? 1 : 0) > MAX_PARTS)
      throw cursor.unexpected(
        'schema.table.column at most',
        { hint: undefined },
        { ...cursor.peek(), start, end: cursor.end, kind: 'word' },
      )
  }
  const arrows: Name[] = []
  while (cursor.isOperator('->') || cursor.isOperator('->>')) {
    const arrow = cursor.next()
    if (cursor.peek().kind === 'string' || cursor.peek().kind === 'number') throw jsonOperator(cursor, arrow, parts)
    if (star || arrow.text === '->>') throw cursor.unexpected('->', { hint: star ? undefined : 'Write: ->' }, arrow)
    arrows.push(parseName(cursor, 'a column name'))
  }
  return { parts, star, arrows, ...cursor.spanFrom(start) }
}
