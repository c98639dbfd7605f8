// Parameters whose values decide what is asked: a window's bound, TOP $n, FORECAST $n, an option. Until the client has sent them (Parse and
// Describe come before), the rest is checked without.

import { PgError } from '../pg-error.js'
import type { Interval, Late, LateBound } from './ast.js'
import type { Context } from './context.js'
import { interval, multiply, nominal, parseInterval, spoken } from './interval.js'
import type { ValueType } from './types.js'
import { isNumber, typeByName } from './types.js'

/** Postgres' timestamps end in the year 294276; a window of more than this is a slip of the finger. */
const MAX_NOMINAL = nominal(interval(12 * 10_000, 0, 0n))

const MAX_INT = 2_147_483_647

const INTEGER = typeByName('integer')!

/** @throws PgError 22008 where no window reaches as far */
export const asWindowBound = (value: Interval, position: number): Interval => {
  const size = nominal(value)
  if (size <= MAX_NOMINAL && size >= -MAX_NOMINAL) return value
  throw new PgError({
    code: '22008',
    message: 'interval out of range',
    detail: `A window may reach 10000 years; this one reaches ${spoken(value)}.`,
    position,
  })
}

/**
 * The text of a parameter's value in a place called `what`.
 * @returns undefined while it has none
 * @throws PgError 42804 where the client's type cannot stand there, 22004 for NULL
 */
export const lateText = (
  { params }: Context,
  { param, cast, start }: Late,
  what: string,
  wanted: ValueType,
  fits: (type: ValueType) => boolean,
): { readonly text: string; readonly type: ValueType } | undefined => {
  const named = cast === undefined ? wanted : typeByName(cast)
  if (!named || !fits(named)) throw notOfType(param, what, wanted, cast!, start)
  const given = params.read(param, named, start)
  // what is cast is read as it is written
  const type = cast !== undefined && given.typeClass === 'text' ? named : given
  if (!fits(type)) throw notOfType(param, what, wanted, type.typeName, start)
  const text = params.late(param)
  if (text === null) throw new PgError({ code: '22004', message: `${what} must not be null`, position: start })
  return text === undefined ? undefined : { text, type }
}

const notOfType = (param: number, what: string, wanted: ValueType, given: string, position: number): PgError =>
  new PgError({
    code: '42804',
    message: `${what} must be type ${wanted.typeName}, not type ${given}`,
    hint: `Write: $${param}::${wanted.typeName}`,
    position,
  })

/**
 * A whole number.
 * @throws PgError 22P02, 22003, 22023, 22004, 42804
 */
export const lateCount = (
  context: Context,
  late: Late,
  what: string,
  intervals = false,
): number | Interval | undefined => {
  const fits = (type: ValueType) => isNumber(type) || (intervals && type.typeClass === 'interval')
  const given = lateText(context, late, what, INTEGER, fits)
  if (given === undefined) return undefined
  const { text, type } = given
  const position = late.start
  const invalid = (code: string, hint?: string) =>
    new PgError({ code, message: `invalid input syntax for type ${type.typeName}: "${text}"`, hint, position })
  if (type.typeClass === 'interval') {
    const value = parseInterval(text)
    if (value) return value
    throw invalid('22007')
  }
  if (!/^\s*[-+]?\d+(\.0*)?\s*$/.test(text)) {
    if (type.typeClass === 'number' && Number.isFinite(Number(text)))
      throw new PgError({
        code: '22023',
        message: `${what} must be a whole number`,
        detail: `It is ${text}.`,
        position,
      })
    throw invalid('22P02', intervals && parseInterval(text) ? `Write: $${late.param}::interval` : undefined)
  }
  if (Math.abs(Number(text)) > MAX_INT)
    throw new PgError({ code: '22003', message: `value "${text}" is out of range for type integer`, position })
  return Number(text)
}

/** A bound of a window; undefined while its value is not known. */
export const lateBound = (context: Context, bound: LateBound): Interval | undefined => {
  const value = lateCount(context, bound, 'a window bound', true)
  if (value === undefined) return undefined
  const length = typeof value === 'number' ? multiply(bound.unit, value) : value
  return asWindowBound(bound.negative ? multiply(length, -1) : length, bound.start)
}
