// Constants get a type as in Postgres: a quoted one takes its operand's, a number its own, and what cannot be compared is said so.

import { PgError } from '../pg-error.js'
import type { Constant } from './ast.js'
import type { Context } from './context.js'
import { slice } from './context.js'
import { listed } from './names.js'
import { nearest } from './nearest.js'
import type { TypedConstant } from './task.js'
import { literal } from './typed.js'
import type { ValueType } from './types.js'
import { BIGINT, BOOL, columnType, comparable, DOUBLE, isNumber, NUMERIC, TEXT, typeByName } from './types.js'

const typedAs = (constant: Constant, { typeName, type }: ValueType): TypedConstant => ({ constant, typeName, type })

/** An operator between an operand and a constant that Postgres does not have. */
export const noOperator = (
  left: ValueType,
  op: string,
  right: string,
  position: number,
  hint?: string,
  detail?: string,
): PgError =>
  new PgError({
    code: '42883',
    message: `operator does not exist: ${left.typeName} ${op} ${right}`,
    detail,
    hint,
    position,
  })

const invalid = (type: ValueType, text: string, position: number, hint?: string, code = '22P02'): PgError =>
  new PgError({ code, message: `invalid input syntax for type ${type.typeName}: "${text}"`, hint, position })

const LIMITS: Readonly<Record<number, bigint>> = { 21: 2n ** 15n, 23: 2n ** 31n, 20: 2n ** 63n }

const checkInteger = (text: string, type: ValueType, position: number): void => {
  // Newer servers read 0x1F and 1_000 too.
  if (/^\s*[-+]?(0[xob]\w+|\d+(_\d+)+)\s*$/i.test(text)) return
  if (!/^\s*[-+]?\d+\s*$/.test(text)) throw invalid(type, text, position)
  const value = BigInt(text.trim().replace(/^\+/, ''))
  const limit = LIMITS[type.type] ?? LIMITS[20]
  if (value < -limit || value >= limit)
    throw new PgError({ code: '22003', message: `value "${text}" is out of range for type ${type.typeName}`, position })
}

const NUMBER = /^\s*[-+]?(0[xob]\w+|[\d_]+\.?[\d_]*|\.[\d_]+)(e[-+]?\d+)?\s*$/i
const SPECIAL = /^\s*[-+]?(nan|inf|infinity)\s*$/i
const BOOLS = ['true', 'false', 'yes', 'no', 'on', 'off']
const UUID = /^\s*\{?[0-9a-f]{4}(-?[0-9a-f]{4}){7}\}?\s*$/i
const TIME_WORDS = /^\s*[-+]?(now|today|tomorrow|yesterday|epoch|infinity|allballs)\s*$/i

/** Refuses here, with a position, what Postgres would refuse without one. Nothing that it would take is refused. */
const checkText = (text: string, type: ValueType, position: number): void => {
  switch (type.typeClass) {
    case 'integer':
      checkInteger(text, type, position)
      return
    case 'number':
      // Money is written as the locale has it.
      if (type.type !== 790 && !NUMBER.test(text) && !SPECIAL.test(text)) throw invalid(type, text, position)
      return
    case 'bool': {
      const word = text.trim().toLowerCase()
      const known = word === '1' || word === '0' || (word !== '' && word !== 'o' && BOOLS.some(b => b.startsWith(word)))
      if (!known) throw invalid(type, text, position, 'Write: true')
      return
    }
    case 'uuid':
      if (!UUID.test(text)) throw invalid(type, text, position)
      return
    case 'enum': {
      const { labels } = type
      if (!labels || labels.includes(text)) return
      const close = nearest(text, labels)
      throw new PgError({
        code: '22P02',
        message: `invalid input value for enum ${type.typeName}: "${text}"`,
        detail: `Values are ${listed(labels.map(literal))}.`,
        hint: close ? `Write: ${literal(close)}` : undefined,
        position,
      })
    }
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      if (!/\d/.test(text) && !TIME_WORDS.test(text))
        throw invalid(type, text, position, "Write: '2024-01-31'", '22007')
      return
    case 'interval':
      if (!/\d/.test(text)) throw invalid(type, text, position, "Write: '30 days'", '22007')
      return
    default:
  }
}

const numberType = (text: string, operand: ValueType): ValueType => {
  if (operand.type === 700 || operand.type === 701) return DOUBLE
  if (operand.type === 790) return operand
  if (!/^-?\d+$/.test(text)) return NUMERIC
  const value = BigInt(text)
  if (value >= -(2n ** 31n) && value < 2n ** 31n) return typeByName('integer')!
  return value >= -(2n ** 63n) && value < 2n ** 63n ? BIGINT : NUMERIC
}

const castType = ({ catalog }: Context, name: string, position: number): ValueType => {
  const builtIn = typeByName(name)
  if (builtIn) return builtIn
  for (const { columns } of catalog.tables)
    for (const column of columns) {
      const type = columnType(column)
      if (type.typeName === name) return type
      if (type.arrayType !== 0 && `${type.typeName}[]` === name)
        return { typeName: name, type: type.arrayType, arrayType: 0, typeClass: 'array' }
    }
  throw new PgError({
    code: '42704',
    message: `type "${name}" does not exist`,
    detail: 'A constant can be cast to the types of Postgres itself and of the columns of this database.',
    hint: 'Leave the cast away: a constant takes the type of what it is compared with.',
    position,
  })
}

/**
 * A number that names a row by a key of whole numbers: another one names none.
 * @throws PgError 22P02, 22003
 */
export const checkKeyNumber = (constant: Constant, key: ValueType): void => {
  if (key.typeClass !== 'integer' || constant.kind !== 'number' || constant.cast !== undefined) return
  const [, whole] = /^(-?\d+)\.0*$/.exec(constant.text) ?? []
  if (whole !== undefined || !/^-?\d/.test(constant.text) || /[.e]/i.test(constant.text))
    throw invalid(key, constant.text, constant.start, whole && `Write: ${whole}`)
  checkInteger(constant.text, key, constant.start)
}

/** How a number that stands where none can be compared is to be written. */
const insteadOfNumber = (operand: ValueType, shown: string): string | undefined => {
  if (operand.typeClass === 'bool') return `Write: ${/^0*$/.test(shown) ? 'false' : 'true'}`
  if (['text', 'enum', 'uuid'].includes(operand.typeClass)) return `Write: ${literal(shown)}`
  return ['date', 'timestamp', 'timestamptz'].includes(operand.typeClass) ? "Write: '2024-01-31'" : undefined
}

/**
 * The type a constant is read as beside an operand of type `operand`.
 * @throws PgError 42883 where Postgres has no such operator, 22P02, 22003, 22007 where a text is no value of the type
 */
export const typeConstant = (context: Context, constant: Constant, operand: ValueType, op: string): TypedConstant => {
  const { start } = constant
  const shown = slice(context, constant)
  if ('cast' in constant && constant.cast !== undefined) {
    const type = castType(context, constant.cast, start)
    if (!comparable(operand, type)) throw noOperator(operand, op, type.typeName, start)
    if (constant.kind === 'param') context.params.read(constant.index, type, start)
    else if (constant.kind === 'string') checkText(constant.text, type, start)
    return typedAs(constant, type)
  }
  switch (constant.kind) {
    case 'null':
      return typedAs(constant, operand)
    case 'bool':
      if (operand.typeClass === 'bool') return typedAs(constant, BOOL)
      throw noOperator(
        operand,
        op,
        'boolean',
        start,
        operand.typeClass === 'text' ? `Write: ${literal(shown)}` : undefined,
      )
    case 'number':
      if (isNumber(operand)) return typedAs(constant, numberType(constant.text, operand))
      throw noOperator(operand, op, numberType(constant.text, NUMERIC).typeName, start, insteadOfNumber(operand, shown))
    case 'string':
      checkText(constant.text, operand, start)
      return typedAs(constant, operand)
    case 'typed': {
      const type = typeByName(constant.type)!
      if (comparable(operand, type)) return typedAs(constant, type)
      throw noOperator(
        operand,
        op,
        type.typeName,
        start,
        operand.typeClass === 'text' ? `Write: ${literal(constant.text)}` : undefined,
      )
    }
    case 'param': {
      const type = context.params.read(constant.index, operand, start)
      if (comparable(operand, type)) return typedAs(constant, type)
      throw noOperator(operand, op, type.typeName, start, `Write: $${constant.index}::${operand.typeName}`)
    }
  }
}

/** The array of `x = ANY (…)`: a parameter or a quoted array of values of type `operand`. */
export const typeArray = (context: Context, constant: Constant, operand: ValueType): TypedConstant => {
  const { start } = constant
  const wanted: ValueType = {
    typeName: `${operand.typeName}[]`,
    type: operand.arrayType,
    arrayType: 0,
    typeClass: 'array',
  }
  if (operand.arrayType === 0)
    throw new PgError({
      code: '42704',
      message: `could not find array type for data type ${operand.typeName}`,
      position: start,
    })
  const cast = 'cast' in constant && constant.cast !== undefined ? castType(context, constant.cast, start) : null
  const quoted = constant.kind === 'string' && (cast === null || cast.typeClass === 'array')
  if (quoted && !/^\s*(\[[-+\d:\][]+=)?\{[\s\S]*\}\s*$/.test(constant.text))
    throw new PgError({
      code: '22P02',
      message: `malformed array literal: "${constant.text}"`,
      hint: `Write: '{${constant.text}}'`,
      position: start,
    })
  const type = constant.kind === 'param' ? context.params.read(constant.index, cast ?? wanted, start) : wanted
  if (quoted || constant.kind === 'param') {
    const result = cast ?? type
    const element = typeByName(result.typeName.replace(/\[\]$/, ''))
    const fits =
      result.type === wanted.type ||
      (result.typeClass === 'array' && element !== undefined && comparable(operand, element))
    if (fits) return typedAs(constant, result)
    const value = constant.kind === 'param' ? `$${constant.index}` : literal(constant.text)
    throw noOperator(operand, '= ANY', result.typeName, start, `Write: ${value}::${wanted.typeName}`)
  }
  throw new PgError({
    code: '42809',
    message: 'op ANY/ALL (array) requires array on right side',
    hint: `Write: IN (${slice(context, constant)})`,
    position: start,
  })
}

/** A pattern or substring is a text whatever it is matched with. */
export const typePattern = (context: Context, constant: Constant, op: string): TypedConstant =>
  typeConstant(context, constant, TEXT, op)
