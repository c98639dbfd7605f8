// What follows FOR, in any order: WHERE, ASSUMING, AS OF, WITH. Then the statement's own tail.

import { PgError } from '../pg-error.js'
import type { AsOfSyntax, OptionSyntax, Span, Syntax } from './ast.js'
import type { Cursor } from './cursor.js'
import { isKeyword } from './cursor.js'
import type { Token } from './lexer.js'
import { parseName } from './parse-column.js'
import { parseCondition } from './parse-condition.js'
import { parseConstant } from './parse-constant.js'

export interface ClausesSyntax {
  readonly where: Syntax | null
  readonly assuming: Syntax | null
  readonly asOf: AsOfSyntax
  readonly options: readonly OptionSyntax[]
}

const TAIL = ['order', 'limit', 'offset', 'fetch']
const NEVER_IN_AN_EXPRESSION = ['where', 'assuming', 'group', 'having', 'union', 'intersect', 'except', 'window']

/** Whether a clause of PREDICT starts at a token of an SQL slice. */
const startsClause = (token: Token, following: Token): boolean =>
  isKeyword(token, NEVER_IN_AN_EXPRESSION) ||
  (isKeyword(token, ['with']) && following.kind === 'operator' && following.text === '(') ||
  (isKeyword(token, ['as']) && isKeyword(following, ['of']))

const startsTail = (token: Token, following: Token): boolean =>
  isKeyword(token, ['limit', 'offset', 'fetch']) || (isKeyword(token, ['order']) && isKeyword(following, ['by']))

const parseAsOf = (cursor: Cursor, start: number): AsOfSyntax => {
  if (cursor.takeWord('entity time')) return { kind: 'entity time', ...cursor.spanFrom(start) }
  const from = cursor.peek()
  const constant = tryConstant(cursor)
  if (constant) return constant
  cursor.seek(from.start)
  const span = cursor.sql((token, following) => startsClause(token, following) || startsTail(token, following))
  if (span.end <= span.start) throw cursor.unexpected('a point in time or ENTITY TIME')
  return { kind: 'expression', sql: cursor.slice(span), ...span }
}

/** A constant and nothing behind it; otherwise the place is an expression for Postgres to read. */
const tryConstant = (cursor: Cursor): AsOfSyntax | null => {
  const { kind, start, quote } = cursor.peek()
  if (kind === 'end' || kind === 'operator') return null
  if (kind === 'word' && (quote !== null || cursor.peek(1).kind === 'operator')) return null
  const notices = cursor.notices.length
  try {
    const value = parseConstant(cursor)
    const token = cursor.peek()
    const ended =
      token.kind === 'end' ||
      (token.kind === 'operator' && (token.text === ';' || token.text === ')')) ||
      startsClause(token, cursor.peek(1)) ||
      startsTail(token, cursor.peek(1))
    if (ended && value.kind !== 'null') return { kind: 'constant', value, ...cursor.spanFrom(start) }
  } catch (error) {
    // A date that is none is an error; anything else may still be an expression.
    if (!(error instanceof PgError) || error.code === '22008') throw error
  }
  cursor.notices.length = notices
  return null
}

const parseOption = (cursor: Cursor): OptionSyntax => {
  const { start } = cursor.peek()
  const name = parseName(cursor, 'an option')
  if (!cursor.takeOperator('=')) {
    if (!cursor.isOperator(',') && !cursor.isOperator(')')) throw cursor.unexpected('"="')
    return { name, value: { kind: 'bool', value: true, start: name.start, end: name.end }, ...cursor.spanFrom(start) }
  }
  const token = cursor.peek()
  if (token.kind === 'word' && !isKeyword(token, ['true', 'false', 'null'])) {
    cursor.next()
    return {
      name,
      value: { kind: 'string', text: token.text, start: token.start, end: token.end },
      ...cursor.spanFrom(start),
    }
  }
  return { name, value: parseConstant(cursor), ...cursor.spanFrom(start) }
}

const parseOptions = (cursor: Cursor): OptionSyntax[] => {
  cursor.expectOperator('(')
  const options = [parseOption(cursor)]
  while (cursor.takeOperator(',')) options.push(parseOption(cursor))
  cursor.expectOperator(')', '"," or ")"')
  return options
}

const twice = (clause: string, position: number, hint: string): PgError =>
  new PgError({ code: '42601', message: `${clause} is given twice`, hint, position })

/** Reads clauses for as long as there are any. */
export const parseClauses = (cursor: Cursor): ClausesSyntax => {
  let where: Syntax | null = null
  let assuming: Syntax | null = null
  let asOf: AsOfSyntax = { kind: 'default' }
  let options: readonly OptionSyntax[] | null = null
  for (;;) {
    const { start } = cursor.peek()
    if (cursor.takeWord('where')) {
      if (where) throw twice('WHERE', start, 'Write: AND')
      where = parseCondition(cursor)
    } else if (cursor.takeWord('assuming')) {
      if (assuming) throw twice('ASSUMING', start, 'Write: AND')
      assuming = parseCondition(cursor)
    } else if (cursor.isWord('as') && cursor.isWord('of', 1)) {
      if (asOf.kind !== 'default') throw twice('AS OF', start, 'Keep one of them.')
      cursor.takeWord('as of')
      asOf = parseAsOf(cursor, start)
    } else if (cursor.isWord('with') && cursor.isOperator('(', 1)) {
      if (options) throw twice('WITH', start, 'Put every option into one list: WITH (a = 1, b = 2).')
      cursor.next()
      options = parseOptions(cursor)
    } else return { where, assuming, asOf, options: options ?? [] }
  }
}

/** ORDER BY, LIMIT, OFFSET and FETCH FIRST behind the clauses, verbatim; null where there is none. */
export const parseTail = (cursor: Cursor): (Span & { readonly sql: string }) | null => {
  if (!startsTail(cursor.peek(), cursor.peek(1))) return null
  if (!cursor.statement) {
    const tail = cursor.sql(() => false)
    throw cursor.unexpected(
      '")"',
      {
        detail: `Inside a query, ${cursor.peek().kind === 'end' ? '' : 'the '}PREDICT has clauses of its own only.`,
        hint: `Put it behind the parentheses: (PREDICT …) AS p ${cursor.slice(tail)}`,
      },
      { kind: 'word', text: '', quote: null, junk: false, ...tail, end: tail.start + firstWord(cursor.slice(tail)) },
    )
  }
  const span = cursor.sql(startsClause)
  const token = cursor.peek()
  if (
    startsClause(token, cursor.peek(1)) &&
    !isKeyword(token, ['group', 'having', 'union', 'intersect', 'except', 'window'])
  ) {
    const clause = cursor.sql(() => false)
    throw cursor.unexpected(
      '";" or the end',
      {
        detail: `${TAIL.map(word => word.toUpperCase()).join(', ')} come behind every other clause.`,
        hint: `Write: ${cursor.slice(clause)} ${cursor.slice(span)}`,
      },
      token,
    )
  }
  return { ...span, sql: cursor.slice(span) }
}

const firstWord = (text: string): number => /^\w*/.exec(text)![0].length
