// Names: `table.column`, `schema.table.column`, `table.*`, arrows upwards.

import type { ColumnName, Name } from './ast.js'
import type { Cursor } from './cursor.js'

export const parseName = (cursor: Cursor, expected: string): Name => {
  if (cursor.peek().kind !== 'word') throw cursor.unexpected(expected)
  const { text, quote, start, end } = cursor.next()
  return { text, quoted: quote !== null, start, end }
}

const MAX_PARTS = 3

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
    if (star || arrow.text === '->>') throw cursor.unexpected('->', { hint: star ? undefined : 'Write: ->' }, arrow)
    arrows.push(parseName(cursor, 'a column name'))
  }
  return { parts, star, arrows, ...cursor.spanFrom(start) }
}
