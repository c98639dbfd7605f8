// Aggregates: `SUM(orders.amount VIA user_id WHERE orders.qty > 1, 0, 30, days)`.

import { PgError } from '../pg-error.js'
import type { AggregateName, AggregateSyntax, ColumnName, Name, Syntax } from './ast.js'
import type { Cursor } from './cursor.js'
import { nearest } from './nearest.js'
import { parseColumn, parseName } from './parse-column.js'
import { parseWindow } from './parse-window.js'

const NAMES: readonly AggregateName[] = [
  'COUNT', 'SUM', 'AVG', 'MIN', 'MAX', 'COUNT_DISTINCT', 'FIRST', 'LAST', 'LIST_DISTINCT',
] // biome-ignore format: one line

const MEANT: Readonly<Record<string, AggregateName>> = {
  mean: 'AVG',
  average: 'AVG',
  total: 'SUM',
  minimum: 'MIN',
  maximum: 'MAX',
  array_agg: 'LIST_DISTINCT',
  list: 'LIST_DISTINCT',
  approx_count_distinct: 'COUNT_DISTINCT',
}

const aggregateName = (cursor: Cursor): AggregateName => {
  const token = cursor.peek()
  const name = NAMES.find(known => known.toLowerCase() === token.text)
  if (!name) {
    if (token.text === 'rank') throw rankCall(cursor)
    const meant = MEANT[token.text] ?? nearest(token.text.toUpperCase(), NAMES)
    throw new PgError({
      code: '42883',
      message: `aggregate ${token.text} does not exist`,
      detail: `Aggregates are ${NAMES.join(', ')}.`,
      hint: meant ? `Write: ${meant}(` : undefined,
      position: token.start,
    })
  }
  if (cursor.aggregate !== null)
    throw new PgError({
      code: '42803',
      message: 'aggregate function calls cannot be nested',
      detail: `${name} stands inside ${cursor.aggregate}.`,
      hint: `Write: ${innerCall(cursor)}`,
      position: token.start,
    })
  cursor.next()
  return name
}

/** `RANK(t.c, 0, 30, days)`: RANK is a task, and what it ranks is a list. */
const rankCall = (cursor: Cursor): PgError => {
  const token = cursor.peek()
  const call = innerCall(cursor)
  const ranked = call.slice(call.indexOf('(') + 1, -1).trim()
  const [inner] = /^list_distinct\s*\([^()]*\)/i.exec(ranked) ?? []
  return new PgError({
    code: '42883',
    message: 'aggregate rank does not exist',
    detail: 'RANK TOP k stands behind the LIST_DISTINCT whose values it ranks.',
    hint: `Write: ${inner ?? `LIST_DISTINCT(${ranked})`} RANK TOP 10`,
    position: token.start,
  })
}

/** The text of the call that starts here, for the hint: it is an answerable target of its own. */
const innerCall = (cursor: Cursor): string => {
  const { start } = cursor.peek()
  let depth = 0
  for (let ahead = 1; cursor.peek(ahead).kind !== 'end'; ahead++) {
    if (cursor.isOperator('(', ahead)) depth++
    if (cursor.isOperator(')', ahead) && --depth === 0) return cursor.text.slice(start, cursor.peek(ahead).end)
  }
  return cursor.slice(cursor.peek())
}

/** Whether a call stands here: a word and an opening parenthesis. */
export const atCall = (cursor: Cursor): boolean =>
  cursor.peek().kind === 'word' && cursor.peek().quote === null && cursor.isOperator('(', 1)

const parseVia = (cursor: Cursor): Name | null => {
  if (!cursor.takeWord('via')) return null
  const name = parseName(cursor, 'the foreign-key column to go through')
  if (cursor.isOperator('.'))
    throw cursor.unexpected('a bare column name', { hint: `Write: VIA ${cursor.slice(cursor.peek(1))}` })
  return name
}

const parseArgument = (cursor: Cursor, name: AggregateName): ColumnName => {
  if (cursor.isWord('distinct')) {
    const distinct = cursor.next()
    throw cursor.unexpected('a column', { hint: name === 'COUNT' ? 'Write: COUNT_DISTINCT(' : undefined }, distinct)
  }
  if (atCall(cursor)) aggregateName(cursor)
  return parseColumn(cursor)
}

/**
 * Reads a call from its name to its `)`.
 * @param condition reads the WHERE inside; passed in, since conditions read aggregates too
 */
export const parseAggregate = (cursor: Cursor, condition: (cursor: Cursor) => Syntax): AggregateSyntax => {
  const { start } = cursor.peek()
  const name = aggregateName(cursor)
  cursor.expectOperator('(')
  cursor.aggregate = name
  const column = parseArgument(cursor, name)
  const via = parseVia(cursor)
  const where = cursor.takeWord('where') ? condition(cursor) : null
  if (where && cursor.isWord('via')) {
    const clause = `VIA ${cursor.slice(cursor.peek(1))}`
    const filter = cursor.slice(where)
    throw cursor.unexpected('"," or ")"', { hint: `Write: ${cursor.slice(column)} ${clause} WHERE ${filter}` })
  }
  const window = cursor.takeOperator(',') ? parseWindow(cursor) : null
  cursor.aggregate = null
  cursor.expectOperator(')', expectedAfter(via, where, window))
  return { kind: 'aggregate', name, column, via, where, window, ...cursor.spanFrom(start) }
}

const expectedAfter = (via: unknown, where: unknown, window: unknown): string =>
  window ? '")"' : where ? 'AND, OR, "," or ")"' : via ? 'WHERE, "," or ")"' : 'VIA, WHERE, "," or ")"'
