// Errors for what is right elsewhere or right in a SELECT: each hint is the statement with everything in its place.

import type { PgError } from '../pg-error.js'
import type { Span } from './ast.js'
import type { Cursor } from './cursor.js'
import { isKeyword } from './cursor.js'
import { ARITHMETIC } from './parse-condition.js'
import { parseTask } from './parse-task.js'

const tidy = (text: string): string => text.trim().replace(/;$/, '').trim()

/** Where ORDER BY and the like start, or where the text ends. */
const endOfClauses = (cursor: Cursor, from: number): number => {
  const tail = cursor.find(['order', 'limit', 'offset', 'fetch'], from)
  return tail < 0 ? cursor.text.length : tail
}

/** FOR and its clauses, and the tail behind them, from anywhere before; empty where there is no FOR. */
const forText = (cursor: Cursor, from: number): { clauses: string; tail: string } => {
  const at = cursor.find(['for'], from)
  if (at < 0) return { clauses: '', tail: '' }
  const end = endOfClauses(cursor, at)
  const tail = tidy(cursor.text.slice(end))
  return { clauses: tidy(cursor.text.slice(at, end)), tail: tail && ` ${tail}` }
}

/** The key columns that FOR names, as USING takes them. */
const keyOf = (clauses: string): string =>
  /^for\s+(?:each\s+)?(?:[^\s.=(]+\.)+\(?([^\s)]+(?:,\s*[^\s)]+)*)/i.exec(clauses)?.[1] ?? ''

const predict = (target: string, rest: string): string => `PREDICT ${target}${rest ? ` ${rest}` : ''}`

const arithmetic = (cursor: Cursor): PgError => {
  const operator = cursor.peek()
  const forAt = cursor.find(['for'], operator.start)
  const rest = tidy(cursor.text.slice(operator.end, forAt < 0 ? undefined : forAt))
  const { clauses, tail } = forText(cursor, operator.start)
  const target = cursor.slice(cursor.target)
  const other = /^[\d.]+$/.test(rest)
  const hint = other
    ? `Write: SELECT p.*, p.prediction ${operator.text} ${rest} FROM (${predict(target, clauses)}) AS p${tail}`
    : `Write: SELECT a.prediction ${operator.text} b.prediction FROM (${predict(target, clauses)}) AS a JOIN (${predict(rest, clauses)}) AS b USING (${keyOf(clauses)})${tail}`
  return cursor.unexpected('FOR', {
    detail: 'A target is one aggregate, column or condition; expressions over predictions are plain SQL.',
    hint: cursor.aggregate === null && rest !== '' && clauses !== '' ? hint : undefined,
  })
}

const secondTarget = (cursor: Cursor): PgError => {
  const comma = cursor.peek()
  const forAt = cursor.find(['for'], comma.end)
  const other = tidy(cursor.text.slice(comma.end, forAt < 0 ? undefined : forAt))
  const { clauses, tail } = forText(cursor, comma.end)
  return cursor.unexpected('FOR', {
    detail: 'A PREDICT has one target; several are joined.',
    hint:
      other === '' || clauses === ''
        ? undefined
        : `Write: SELECT * FROM (${predict(cursor.slice(cursor.target), clauses)}) AS a JOIN (${predict(other, clauses)}) AS b USING (${keyOf(clauses)})${tail}`,
  })
}

/** A clause before FOR: the hint moves it behind. */
const clauseBeforeFor = (cursor: Cursor, head: string): PgError => {
  const { start } = cursor.peek()
  const forAt = cursor.find(['for'], start)
  if (forAt < 0) return missingFor(cursor)
  const end = endOfClauses(cursor, forAt)
  const clause = tidy(cursor.text.slice(start, forAt))
  const tail = tidy(cursor.text.slice(end))
  const named = tidy(cursor.text.slice(forAt, end))
  return cursor.unexpected('FOR', {
    detail: 'Clauses come behind FOR.',
    hint: `Write: ${[tidy(head), named, clause, tail].filter(Boolean).join(' ')}`,
  })
}

const missingFor = (cursor: Cursor): PgError =>
  cursor.unexpected('FOR EACH or FOR', {
    detail: 'FOR EACH names the rows to predict for, by the key of their table.',
    hint: `Write: ${cursor.text.slice(0, cursor.end).trim()} FOR EACH`,
  })

/** The error for a token between the target and FOR. */
export const beforeFor = (cursor: Cursor): PgError => {
  const token = cursor.peek()
  if (token.kind === 'operator' && ARITHMETIC.includes(token.text)) return arithmetic(cursor)
  if (cursor.isOperator(',')) return secondTarget(cursor)
  if (['where', 'assuming', 'with', 'as'].some(word => isKeyword(token, [word])))
    return clauseBeforeFor(cursor, cursor.text.slice(0, token.start))
  const forAt = token.kind === 'end' ? -1 : cursor.find(['for'], token.start)
  if (forAt < 0) return missingFor(cursor)
  const extra = tidy(cursor.text.slice(token.start, forAt))
  return cursor.unexpected('FOR', { detail: `"${extra}" stands between the target and FOR.` })
}

/** The whole statement as a relation, for hints that need SQL around it. */
const asRelation = (cursor: Cursor): string => `(${tidy(cursor.text.slice(0, cursor.end))}) AS p`

const groupBy = (cursor: Cursor): PgError => {
  const { start, end } = cursor.peek()
  const by = cursor.isWord('by', 1) ? cursor.peek(1).end : end
  const keys = tidy(cursor.text.slice(by, endOfClauses(cursor, by)))
  return cursor.unexpected('a clause or the end', {
    detail: 'Predictions are rows: they are grouped by a SELECT around them.',
    hint: `Write: SELECT ${keys}, count(*) FROM ${asRelation(cursor)} ${tidy(cursor.text.slice(start))}`,
  })
}

/** A task behind FOR: the hint moves it before. */
const taskAfterFor = (cursor: Cursor, forStart: number): PgError => {
  const token = cursor.peek()
  const before = tidy(cursor.text.slice(0, forStart))
  const named = tidy(cursor.text.slice(forStart, token.start))
  const task = parseTask(cursor)!
  const rest = tidy(cursor.text.slice(cursor.end))
  return cursor.unexpected(
    'a clause or the end',
    {
      detail: `${token.text.toUpperCase()} belongs to the target and comes before FOR.`,
      hint: `Write: ${[before, cursor.slice(task), named, rest].filter(Boolean).join(' ')}`,
    },
    token,
  )
}

const RENAMED: Readonly<Record<string, string>> = {
  using: 'WITH',
  options: 'WITH',
  at: 'AS OF',
  anchor: 'AS OF',
  asof: 'AS OF',
}

/** The error for a token behind the last clause. */
export const afterClauses = (cursor: Cursor, forStart: number): PgError => {
  const token = cursor.peek()
  if (token.kind === 'word' && token.quote === null) {
    if (['rank', 'classify', 'forecast', 'num', 'num_forecasts'].includes(token.text))
      return taskAfterFor(cursor, forStart)
    if (token.text === 'group') return groupBy(cursor)
    if (['having', 'union', 'intersect', 'except', 'window'].includes(token.text))
      return cursor.unexpected('a clause or the end', {
        detail: 'Predictions are rows: a SELECT around them takes the rest of SQL.',
        hint: `Write: SELECT * FROM ${asRelation(cursor)} ${tidy(cursor.text.slice(token.start))}`,
      })
    if (token.text === 'and' || token.text === 'or')
      return cursor.unexpected('a clause or the end', { hint: 'Write: WHERE' })
    if (token.text === 'as' && cursor.peek(1).kind === 'word') return aliasAfterFor(cursor)
    const renamed = RENAMED[token.text]
    if (renamed) return cursor.unexpected('a clause or the end', { hint: `Write: ${renamed}` })
  }
  return cursor.unexpected(
    cursor.statement
      ? 'WHERE, ASSUMING, AS OF, WITH, ORDER BY, LIMIT or the end'
      : 'WHERE, ASSUMING, AS OF, WITH or the end',
  )
}

const aliasAfterFor = (cursor: Cursor): PgError => {
  const alias: Span = { start: cursor.peek().start, end: cursor.peek(1).end }
  return cursor.unexpected('a clause or the end', {
    detail: 'A name for the prediction comes behind the target.',
    hint: `Write: ${cursor.slice(cursor.target)} ${cursor.slice(alias)}`,
  })
}
