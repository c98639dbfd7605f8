// Conditions: NOT before AND before OR, and what may follow a column or an aggregate.

import { PgError } from '../pg-error.js'
import type { CompareOp, Constant, MatchOp, OperandSyntax, Span, Syntax } from './ast.js'
import type { Cursor } from './cursor.js'
import { atCall, parseAggregate } from './parse-aggregate.js'
import { parseColumn } from './parse-column.js'
import { parseConstant, parseConstants } from './parse-constant.js'

const COMPARE: Readonly<Record<string, CompareOp>> = {
  '=': '=', '<>': '<>', '!=': '<>', '<': '<', '<=': '<=', '>': '>', '>=': '>=',
} // biome-ignore format: one table

const FLIPPED: Readonly<Record<CompareOp, CompareOp>> = {
  '=': '=', '<>': '<>', '<': '>', '<=': '>=', '>': '<', '>=': '<=',
} // biome-ignore format: one table

const MATCHES: readonly MatchOp[] = ['LIKE', 'ILIKE', 'CONTAINS', 'STARTS WITH', 'ENDS WITH']

export const ARITHMETIC: readonly string[] = ['+', '-', '*', '/', '%', '||', '^']

const isOperand = (item: Syntax): item is OperandSyntax => item.kind === 'aggregate' || item.kind === 'column'

const compareOp = (cursor: Cursor): CompareOp | undefined =>
  cursor.peek().kind === 'operator' ? COMPARE[cursor.peek().text] : undefined

/** `30 < COUNT(…)`: only the other way round is part of the language. */
const constantFirst = (cursor: Cursor): PgError => {
  const { start } = cursor.peek()
  const constant = cursor.slice(parseConstant(cursor))
  const op = compareOp(cursor)
  if (!op)
    return cursor.unexpected(
      'a column or an aggregate',
      {},
      { ...cursor.peek(), start, kind: 'word', end: start + constant.length },
    )
  cursor.next()
  const operand = cursor.slice(parseOperand(cursor))
  return new PgError({
    code: '42601',
    message: 'a comparison starts with a column or an aggregate',
    hint: `Write: ${operand} ${FLIPPED[op]} ${constant}`,
    position: start,
  })
}

const parseOperand = (cursor: Cursor): OperandSyntax => {
  const token = cursor.peek()
  if (atCall(cursor)) return cursor.nested(() => parseAggregate(cursor, parseCondition))
  if (token.kind === 'word' || cursor.isOperator('*')) {
    const column = parseColumn(cursor)
    return { kind: 'column', column, start: column.start, end: column.end }
  }
  if (token.kind === 'string' || token.kind === 'number' || token.kind === 'param') throw constantFirst(cursor)
  throw cursor.unexpected('a column or an aggregate')
}

const parseAny = (cursor: Cursor, left: OperandSyntax, op: CompareOp, at: Span): Syntax => {
  const word = cursor.next()
  const negated = word.text === 'all'
  if (op !== (negated ? '<>' : '='))
    throw new PgError({
      code: '0A000',
      message: `${op} ${word.text.toUpperCase()} is not part of a condition`,
      hint: `Write: ${negated ? '<> ALL' : '= ANY'}`,
      position: at.start,
    })
  cursor.expectOperator('(')
  if (cursor.isWord('array') && cursor.isOperator('[', 1)) {
    const array = cursor.next()
    cursor.next()
    const items = cursor.slice(cursor.sql(() => false))
    throw cursor.unexpected('a parameter', { hint: `Write: ${negated ? 'NOT IN' : 'IN'} (${items})` }, array)
  }
  const array = parseConstant(cursor)
  cursor.expectOperator(')')
  return { kind: 'any', negated, left, array, ...cursor.spanFrom(left.start) }
}

const parseCompare = (cursor: Cursor, left: OperandSyntax, op: CompareOp): Syntax => {
  const sign = cursor.next()
  const anyWord = ['any', 'some', 'all'].some(word => cursor.isWord(word))
  if (anyWord && cursor.isOperator('(', 1)) return parseAny(cursor, left, op, sign)
  if (cursor.isOperator('(')) {
    const open = cursor.peek()
    if (cursor.isWord('select', 1)) throw subquery(open.start)
    const { length } = parseConstants(cursor)
    const list = cursor.spanFrom(open.start)
    if (length > 1)
      throw new PgError({
        code: '42601',
        message: `operator ${op} takes one constant, not a list`,
        hint: `Write: ${cursor.slice(left)} ${op === '<>' ? 'NOT IN' : 'IN'} ${cursor.slice(list)}`,
        position: open.start,
      })
    cursor.seek(open.start)
  }
  const right = parseConstant(cursor)
  return { kind: 'compare', op, left, right, ...cursor.spanFrom(left.start) }
}

const subquery = (position: number): PgError =>
  new PgError({
    code: '0A000',
    message: 'a condition cannot hold a subquery',
    hint: 'Compute the values first and pass them as an array: = ANY($1).',
    position,
  })

const parseIn = (cursor: Cursor, left: OperandSyntax, negated: boolean): Syntax => {
  if (!cursor.isOperator('(')) {
    const { start } = cursor.peek()
    const value = cursor.slice(parseConstant(cursor))
    throw new PgError({
      code: '42601',
      message: 'IN takes a list in parentheses',
      hint: `Write: ${negated ? 'NOT IN' : 'IN'} (${value})`,
      position: start,
    })
  }
  if (cursor.isWord('select', 1) || cursor.isWord('with', 1)) throw subquery(cursor.peek(1).start)
  const items = parseConstants(cursor)
  return { kind: 'in', negated, left, items, ...cursor.spanFrom(left.start) }
}

const parseIs = (cursor: Cursor, left: OperandSyntax): Syntax => {
  const negated = cursor.takeWord('not')
  if (cursor.isWord('in')) {
    cursor.next()
    cursor.notices.push({
      severity: 'NOTICE',
      code: '00000',
      message: 'IS IN is read as IN',
      hint: `Write: ${negated ? 'NOT IN' : 'IN'}`,
    })
    return parseIn(cursor, left, negated)
  }
  for (const value of ['null', 'true', 'false'] as const)
    if (cursor.takeWord(value)) return { kind: 'is', negated, left, value, ...cursor.spanFrom(left.start) }
  const { kind } = cursor.peek()
  const constant = kind === 'string' || kind === 'number' || kind === 'param' || cursor.peek().quote === '"'
  throw cursor.unexpected('NULL, TRUE or FALSE', {
    hint: constant ? `Write: ${negated ? '<>' : '='} ${cursor.slice(cursor.peek())}` : undefined,
  })
}

const parseBetween = (cursor: Cursor, left: OperandSyntax, negated: boolean): Syntax => {
  const low = parseConstant(cursor)
  if (!cursor.takeWord('and')) throw cursor.unexpected('AND and the upper end')
  const high: Constant = parseConstant(cursor)
  return { kind: 'between', negated, left, low, high, ...cursor.spanFrom(left.start) }
}

/** What may follow an operand: a comparison, a test, or nothing at all. */
const parsePredicate = (cursor: Cursor, left: OperandSyntax): Syntax => {
  const op = compareOp(cursor)
  if (op) return parseCompare(cursor, left, op)
  if (cursor.isOperator('==')) throw cursor.unexpected('an operator', { hint: 'Write: =' })
  if (cursor.takeWord('is')) return parseIs(cursor, left)
  const negated = cursor.takeWord('not')
  if (cursor.takeWord('in')) return parseIn(cursor, left, negated)
  if (cursor.takeWord('between')) return parseBetween(cursor, left, negated)
  for (const matchOp of MATCHES) {
    if (!cursor.takeWord(matchOp.toLowerCase())) continue
    const pattern = parseConstant(cursor)
    return { kind: 'match', negated, op: matchOp, left, pattern, ...cursor.spanFrom(left.start) }
  }
  if (negated) throw cursor.unexpected('IN, BETWEEN, LIKE, ILIKE, CONTAINS, STARTS WITH or ENDS WITH')
  return left
}

const parsePrimary = (cursor: Cursor): Syntax => {
  if (cursor.isOperator('(')) {
    const { start } = cursor.next()
    if (cursor.isWord('select')) throw subquery(start)
    const inner = parseCondition(cursor)
    if (cursor.isOperator(')')) cursor.next()
    else throw arithmeticOr(cursor, '")"')
    return isOperand(inner) ? parsePredicate(cursor, inner) : { ...inner, ...cursor.spanFrom(start) }
  }
  return parsePredicate(cursor, parseOperand(cursor))
}

/** An unexpected token inside a condition, arithmetic said by name. */
const arithmeticOr = (cursor: Cursor, expected: string): PgError => {
  const token = cursor.peek()
  if (token.kind !== 'operator' || !ARITHMETIC.includes(token.text)) return cursor.unexpected(expected)
  return cursor.unexpected(expected, { detail: 'A condition holds no arithmetic.' })
}

const parseNot = (cursor: Cursor): Syntax => {
  if (!cursor.isWord('not')) return cursor.nested(() => parsePrimary(cursor))
  const { start } = cursor.next()
  const item = cursor.nested(() => parseNot(cursor))
  return { kind: 'not', item, ...cursor.spanFrom(start) }
}

const parseChain = (cursor: Cursor, kind: 'and' | 'or', next: (cursor: Cursor) => Syntax): Syntax => {
  const { start } = cursor.peek()
  const items = [next(cursor)]
  while (cursor.takeWord(kind)) items.push(next(cursor))
  return items.length === 1 ? items[0] : { kind, items, ...cursor.spanFrom(start) }
}

const parseAnd = (cursor: Cursor): Syntax => parseChain(cursor, 'and', parseNot)

/** A whole condition, or a bare column or aggregate. */
export const parseCondition = (cursor: Cursor): Syntax => parseChain(cursor, 'or', parseAnd)
