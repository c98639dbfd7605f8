// The window of an aggregate: `, start, end [, unit]`, each bound a whole number, an INTERVAL or -INF.

import { PgError } from '../pg-error.js'
import type { Interval, Late, LateBound, WindowSyntax } from './ast.js'
import type { Cursor } from './cursor.js'
import { multiply, parseInterval, UNITS, windowUnit } from './interval.js'
import { asWindowBound } from './late.js'
import { nearest } from './nearest.js'
import { parseLate } from './parse-constant.js'

const MAX_INT = 2_147_483_647

/** What people write for a unit we do not have, as so many of one that we have. */
const OTHER_UNITS: Readonly<Record<string, readonly [number, string]>> = {
  fortnight: [2, 'weeks'],
  quarter: [3, 'months'],
  decade: [10, 'years'],
  century: [100, 'years'],
}

interface Bound {
  readonly start: number
  readonly end: number
  /** A number still waiting for its unit, an interval or what is to be one of both; null: -INF. */
  readonly value: number | Interval | Omit<LateBound, 'unit'> | null
}

const fractional = (start: number, text: string): PgError =>
  new PgError({
    code: '22023',
    message: 'a window bound must be a whole number',
    detail: `It is ${text}.`,
    hint: `Write: INTERVAL '${Math.round(Number(text) * 24)} hours'`,
    position: start,
  })

const intervalBound = (cursor: Cursor, start: number): Bound => {
  const token = cursor.next()
  const value = parseInterval(token.text)
  if (!value)
    throw new PgError({
      code: '22007',
      message: `invalid input syntax for type interval: "${token.text}"`,
      hint: "Write: INTERVAL '30 days'",
      position: token.start,
    })
  return { value, ...cursor.spanFrom(start) }
}

const parseBound = (cursor: Cursor): Bound => {
  const { start } = cursor.peek()
  if (cursor.isWord('interval') && cursor.peek(1).kind === 'string') {
    cursor.next()
    return intervalBound(cursor, start)
  }
  if (cursor.peek().kind === 'string') return intervalBound(cursor, start)
  const negative = cursor.takeOperator('-')
  if (!negative) cursor.takeOperator('+')
  if (cursor.takeWord('inf') || cursor.takeWord('infinity')) {
    if (negative) return { value: null, ...cursor.spanFrom(start) }
    throw new PgError({
      code: '22023',
      message: 'a window must have an end',
      hint: 'Only its start may be open, as -INF.',
      position: start,
    })
  }
  const token = cursor.peek()
  if (token.kind === 'param') {
    const late: Late = parseLate(cursor)
    return { value: { ...late, negative }, ...cursor.spanFrom(start) }
  }
  if (token.kind !== 'number' || token.junk) throw cursor.unexpected("a whole number, -INF or INTERVAL '…'")
  cursor.next()
  const text = `${negative ? '-' : ''}${token.text}`
  if (!/^-?\d+$/.test(text)) throw fractional(start, text)
  if (Math.abs(Number(text)) > MAX_INT)
    throw new PgError({ code: '22003', message: `value "${text}" is out of range for type integer`, position: start })
  return { value: Number(text), ...cursor.spanFrom(start) }
}

const UNIT_LIST = [...UNITS.keys()].map(unit => `${unit}s`)

const parseUnit = (cursor: Cursor, first: Bound, last: Bound): Interval => {
  const token = cursor.peek()
  if (token.kind !== 'word') throw cursor.unexpected('a unit of time')
  const unit = windowUnit(token.text)
  if (unit) {
    cursor.next()
    return unit
  }
  const other = OTHER_UNITS[token.text.replace(/ies$/, 'y').replace(/s$/, '')]
  const scale = (bound: Bound) => (typeof bound.value === 'number' ? bound.value * other![0] : cursor.slice(bound))
  const close = nearest(token.text, UNIT_LIST)
  throw new PgError({
    code: '42601',
    message: `unit "${token.text}" is not recognized`,
    detail: `Units are ${UNIT_LIST.join(', ')}.`,
    hint: other
      ? `Write: ${scale(first)}, ${scale(last)}, ${other[1]}`
      : `Write: ${cursor.slice(first)}, ${cursor.slice(last)}, ${close ?? 'days'}`,
    position: token.start,
  })
}

const inUnit = ({ value, start }: Bound, unit: Interval): Interval | LateBound | null => {
  if (value === null) return null
  if (typeof value === 'number') return asWindowBound(multiply(unit, value), start)
  return 'param' in value ? { ...value, unit } : asWindowBound(value, start)
}

/** Reads from behind the comma that opens the window. */
export const parseWindow = (cursor: Cursor): WindowSyntax => {
  const first = parseBound(cursor)
  if (cursor.isOperator(')'))
    throw cursor.unexpected('the end of the window', {
      detail: 'A window has a start and an end.',
      hint: `Write: ${first.value === 0 ? '0, 30' : `0, ${cursor.slice(first)}`}, days`,
    })
  cursor.expectOperator(',', '"," and the end of the window')
  const last = parseBound(cursor)
  if (cursor.peek().kind === 'word' && windowUnit(cursor.peek().text))
    throw cursor.unexpected('"," or ")"', { hint: `Write: ${cursor.slice(last)}, ${cursor.peek().text}` })
  const unit = cursor.takeOperator(',') ? parseUnit(cursor, first, last) : UNITS.get('day')!
  const end = inUnit(last, unit)
  if (end === null)
    throw new PgError({
      code: '22023',
      message: 'a window must have an end',
      hint: 'Only its start may be open, as -INF.',
      position: last.start,
    })
  return { from: inUnit(first, unit), to: end, ...cursor.spanFrom(first.start) }
}
