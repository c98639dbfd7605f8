// Constants: strings, numbers, true, false, null, bare dates, typed literals, parameters, and a cast behind them.

import { PgError } from '../pg-error.js'
import type { Constant, Late } from './ast.js'
import type { Cursor } from './cursor.js'
import { literal } from './typed.js'

const CLOCK = String.raw`\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?`
const BARE_DATE = new RegExp(
  String.raw`(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:(?:[ \t]+|T)(${CLOCK})[ \t]?(Z|[+-]\d{2}(?::?\d{2})?)?)?(?![\w.])`,
  'iy',
)

const bareDate = (cursor: Cursor, start: number): Constant | null => {
  BARE_DATE.lastIndex = start
  const found = BARE_DATE.exec(cursor.text)
  if (!found) return null
  const [whole, year, , month, day, time, zone] = found
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > last)
    throw new PgError({
      code: '22008',
      message: `date/time field value out of range: "${whole}"`,
      position: start,
    })
  cursor.seek(start + whole.length)
  const span = cursor.spanFrom(start)
  if (time === undefined) return { kind: 'typed', type: 'date', text: date, ...span }
  const text = `${date} ${time.padStart(time.indexOf(':') === 1 ? time.length + 1 : 0, '0')}`
  return zone === undefined
    ? { kind: 'typed', type: 'timestamp', text, ...span }
    : { kind: 'typed', type: 'timestamptz', text: `${text}${zone}`, ...span }
}

const TYPED = [
  ['date', 'date'],
  ['timestamptz', 'timestamptz'],
  ['timestamp with time zone', 'timestamptz'],
  ['timestamp without time zone', 'timestamp'],
  ['timestamp', 'timestamp'],
  ['interval', 'interval'],
] as const

/** DATE '…' and its kin. */
const typedLiteral = (cursor: Cursor, start: number): Constant | null => {
  for (const [words, type] of TYPED) {
    if (!cursor.isWord(words) || cursor.peek(words.split(' ').length).kind !== 'string') continue
    cursor.takeWord(words)
    const { text } = cursor.next()
    return { kind: 'typed', type, text, ...cursor.spanFrom(start) }
  }
  return null
}

const typeName = (cursor: Cursor): string => {
  if (cursor.peek().kind !== 'word') throw cursor.unexpected('a type name')
  let name = cursor.next().text
  for (const more of ['precision', 'varying', 'with time zone', 'without time zone'])
    if (cursor.takeWord(more)) name += ` ${more}`
  if (cursor.isOperator('(') && cursor.peek(1).kind === 'number') {
    throw cursor.unexpected('a type without a length')
  }
  while (cursor.isOperator('[') && cursor.isOperator(']', 1)) {
    cursor.next()
    cursor.next()
    name += '[]'
  }
  return name
}

/** Any constant may be followed by ::type. */
const withCast = (cursor: Cursor, constant: Constant): Constant => {
  const { start } = constant
  let result = constant
  while (cursor.takeOperator('::')) {
    const name = typeName(cursor)
    const type = TYPED.find(([words]) => words === name)?.[1]
    const span = cursor.spanFrom(start)
    if (type && result.kind === 'string') result = { kind: 'typed', type, text: result.text, ...span }
    else if (result.kind === 'string' || result.kind === 'number' || result.kind === 'param')
      result = { ...result, cast: name, ...span }
    else if (result.kind === 'typed' && result.type === type) result = { ...result, ...span }
    else if (!(result.kind === 'bool' && (name === 'bool' || name === 'boolean')) && result.kind !== 'null')
      throw new PgError({
        code: '42846',
        message: `cannot cast ${result.kind === 'typed' ? result.type : 'boolean'} to ${name}`,
        position: start,
      })
  }
  return result
}

/** A name where a constant must stand: most likely a string without its quotes. */
const notConstant = (cursor: Cursor): PgError => {
  const word = cursor.peek()
  const shown = cursor.text.slice(word.start, word.end)
  if (cursor.isOperator('.', 1))
    return new PgError({
      code: '0A000',
      message: 'a column can only be compared with a constant',
      detail: `"${shown}" stands where a constant must.`,
      hint: `For a text, put it in quotes: ${literal(`${shown}.${cursor.peek(2).text}`)}.`,
      position: word.start,
    })
  if (cursor.isOperator('(', 1))
    return new PgError({
      code: '0A000',
      message: 'a column can only be compared with a constant',
      detail: `"${shown}(" starts an expression; compute it first and pass its value.`,
      hint: 'Write: $1',
      position: word.start,
    })
  return cursor.unexpected('a constant', {
    detail: 'Expected a constant; a text needs quotes.',
    hint: `Write: ${literal(shown)}`,
  })
}

const number = (cursor: Cursor, start: number, sign: string): Constant => {
  const token = cursor.peek()
  if (token.junk)
    throw new PgError({
      code: '42601',
      message: `trailing junk after numeric literal at or near "${cursor.slice(token)}"`,
      hint: `Write: ${literal(sign + cursor.slice(token))}`,
      position: start,
    })
  cursor.next()
  return { kind: 'number', text: sign + token.text, ...cursor.spanFrom(start) }
}

const plainConstant = (cursor: Cursor): Constant => {
  const token = cursor.peek()
  const { start } = token
  switch (token.kind) {
    case 'string':
      cursor.next()
      return { kind: 'string', text: token.text, ...cursor.spanFrom(start) }
    case 'number':
      return bareDate(cursor, start) ?? number(cursor, start, '')
    case 'param': {
      const index = Number(token.text)
      if (index < 1 || index > 65535)
        throw new PgError({ code: '42P02', message: `there is no parameter $${token.text}`, position: start })
      cursor.next()
      return { kind: 'param', index, ...cursor.spanFrom(start) }
    }
    case 'operator':
      if ((token.text === '-' || token.text === '+') && cursor.peek(1).kind === 'number') {
        cursor.next()
        return number(cursor, start, token.text === '-' ? '-' : '')
      }
      // how drivers that put parameters into the text write each
      if (cursor.takeOperator('(')) {
        const inner = cursor.nested(() => parseConstant(cursor))
        cursor.expectOperator(')')
        return { ...inner, ...cursor.spanFrom(start) }
      }
      throw cursor.unexpected('a constant')
    case 'word':
      if (token.quote === '"') {
        cursor.next()
        cursor.notices.push({
          severity: 'NOTICE',
          code: '00000',
          message: `"${token.text}" is read as a string`,
          detail: 'Double quotes mark names in Postgres.',
          hint: `Write: ${literal(token.text)}`,
        })
        return { kind: 'string', text: token.text, ...cursor.spanFrom(start) }
      }
      if (token.quote === null && !cursor.isOperator('.', 1)) {
        if (cursor.takeWord('true')) return { kind: 'bool', value: true, ...cursor.spanFrom(start) }
        if (cursor.takeWord('false')) return { kind: 'bool', value: false, ...cursor.spanFrom(start) }
        if (cursor.takeWord('null')) return { kind: 'null', ...cursor.spanFrom(start) }
        const constant = typedLiteral(cursor, start)
        if (constant) return constant
      }
      throw notConstant(cursor)
    default:
      throw cursor.unexpected('a constant')
  }
}

/** @throws PgError where no constant stands */
export const parseConstant = (cursor: Cursor): Constant => withCast(cursor, plainConstant(cursor))

/** `(c, c, …)`, one at least. */
export const parseConstants = (cursor: Cursor): Constant[] => {
  cursor.expectOperator('(')
  if (cursor.isOperator(')')) throw cursor.unexpected('one constant at least')
  const items = [parseConstant(cursor)]
  while (cursor.takeOperator(',')) items.push(parseConstant(cursor))
  cursor.expectOperator(')', '"," or ")"')
  return items
}

/** $n, with a cast or without one, where its value decides what is asked. */
export const parseLate = (cursor: Cursor): Late => {
  const constant = parseConstant(cursor)
  if (constant.kind !== 'param') throw new Error('a parameter that is none')
  return lateOf(constant)
}

export const lateOf = ({ index, cast, start, end }: Extract<Constant, { kind: 'param' }>): Late => ({
  param: index,
  ...(cast === undefined ? {} : { cast }),
  start,
  end,
})
