// Types: what Postgres' own are called, what an operand's value is, what an aggregate makes of a column.

import type { AggregateName } from './ast.js'
import type { Column, TypeClass } from './catalog.js'
import type { Aggregate, ColumnRef, Operand } from './task.js'

export interface ValueType {
  /** Safe after `::`, without a length: a constant is compared, never cut to fit. */
  readonly typeName: string
  readonly type: number
  readonly arrayType: number
  readonly typeClass: TypeClass
  readonly labels?: readonly string[]
}

// oid, oid of its array, name, class, other names
const BUILT_IN: readonly (readonly [number, number, string, TypeClass, ...string[]])[] = [
  [16, 1000, 'boolean', 'bool', 'bool'],
  [21, 1005, 'smallint', 'integer', 'int2'],
  [23, 1007, 'integer', 'integer', 'int', 'int4'],
  [20, 1016, 'bigint', 'integer', 'int8'],
  [700, 1021, 'real', 'number', 'float4'],
  [701, 1022, 'double precision', 'number', 'float8', 'float'],
  [1700, 1231, 'numeric', 'number', 'decimal'],
  [790, 791, 'money', 'number'],
  [25, 1009, 'text', 'text'],
  [1043, 1015, 'character varying', 'text', 'varchar'],
  [1042, 1014, 'bpchar', 'text'],
  [18, 1002, '"char"', 'text'],
  [19, 1003, 'name', 'text'],
  [2950, 2951, 'uuid', 'uuid'],
  [1082, 1182, 'date', 'date'],
  [1114, 1115, 'timestamp without time zone', 'timestamp', 'timestamp'],
  [1184, 1185, 'timestamp with time zone', 'timestamptz', 'timestamptz'],
  [1083, 1183, 'time without time zone', 'time', 'time'],
  [1266, 1270, 'time with time zone', 'time', 'timetz'],
  [1186, 1187, 'interval', 'interval'],
  [114, 199, 'json', 'json'],
  [3802, 3807, 'jsonb', 'json'],
]

const byOid = new Map<number, ValueType>()
const byName = new Map<string, ValueType>()
const elements = new Map<number, ValueType>()
for (const [type, arrayType, typeName, typeClass, ...names] of BUILT_IN) {
  const value: ValueType = { typeName, type, arrayType, typeClass }
  const array: ValueType = { typeName: `${typeName}[]`, type: arrayType, arrayType: 0, typeClass: 'array' }
  byOid.set(type, value).set(arrayType, array)
  elements.set(arrayType, value)
  for (const name of [typeName, ...names]) byName.set(name, value).set(`${name}[]`, array)
}

export const typeByOid = (oid: number): ValueType | undefined => byOid.get(oid)
export const typeByName = (name: string): ValueType | undefined => byName.get(name)

export const BOOL = byName.get('boolean')!
export const BIGINT = byName.get('bigint')!
export const NUMERIC = byName.get('numeric')!
export const DOUBLE = byName.get('double precision')!
export const TEXT = byName.get('text')!
export const TIMESTAMPTZ = byName.get('timestamptz')!

/** `character varying(10)` without its length. */
const withoutLength = (typeName: string): string => typeName.replace(/\(\d+(,\s*-?\d+)?\)/, '')

/** A column's values as they are compared; a domain counts as its base type. */
export const columnType = (column: Column): ValueType => {
  const base = byOid.get(column.baseType)
  if (base) return { ...base, typeClass: column.typeClass }
  const { type, arrayType, typeClass, labels } = column
  return { typeName: withoutLength(column.typeName), type, arrayType, typeClass, labels }
}

/** What the elements of an array type are; null where the type is no array. */
export const elementType = (type: ValueType): ValueType | null => {
  if (type.typeClass !== 'array') return null
  const typeName = type.typeName.replace(/(\[\])+$/, '')
  return elements.get(type.type) ?? { typeName, type: 0, arrayType: type.type, typeClass: 'other' }
}

const sumType = ({ type, typeClass }: ValueType): ValueType => {
  if (typeClass === 'bool') return BIGINT
  if (typeClass === 'integer') return type === 20 ? NUMERIC : BIGINT
  return type === 700 || type === 701 ? DOUBLE : NUMERIC
}

/** The type an aggregate answers in, money summed as numeric; of a LIST_DISTINCT its elements'. */
const aggregateType = (name: AggregateName, column: ColumnRef | null): ValueType => {
  if (name === 'COUNT' || name === 'COUNT_DISTINCT' || !column) return BIGINT
  const type = columnType(column.column)
  if (name === 'SUM') return sumType(type)
  if (name === 'AVG') return type.type === 700 || type.type === 701 ? DOUBLE : NUMERIC
  return type
}

export const operandType = (operand: Operand): ValueType =>
  operand.kind === 'aggregate' ? aggregateType(operand.name, operand.column) : columnType(operand.column)

export const isList = (operand: Operand): operand is Aggregate =>
  operand.kind === 'aggregate' && operand.name === 'LIST_DISTINCT'

const TIMES: readonly TypeClass[] = ['date', 'timestamp', 'timestamptz']
const NUMBERS: readonly TypeClass[] = ['integer', 'number']

export const isTime = ({ typeClass }: { typeClass: TypeClass }): boolean => TIMES.includes(typeClass)
export const isNumber = ({ typeClass }: { typeClass: TypeClass }): boolean => NUMBERS.includes(typeClass)

/** Whether Postgres compares values of two types without a cast in the text. */
export const comparable = (a: ValueType, b: ValueType): boolean =>
  (isNumber(a) && isNumber(b)) ||
  (isTime(a) && isTime(b)) ||
  (a.typeClass === b.typeClass && ['bool', 'text', 'uuid', 'time', 'interval'].includes(a.typeClass)) ||
  a.type === b.type
