// Every column type has a rule (DESIGN 2.14): which numbers and codes a column becomes, and the SQL that makes them.

import type { Column, Table } from '../../pql/catalog.js'
import type { CodeChannel, NumberChannel, Source } from '../neighbourhood.js'

/** A channel with the expression that fills it. */
export interface NumberSql {
  readonly channel: NumberChannel
  readonly sql: string
}
export interface CodeSql {
  readonly channel: CodeChannel
  readonly sql: string
}

export interface ColumnChannels {
  readonly numbers: readonly NumberSql[]
  readonly codes: readonly CodeSql[]
}

export interface ColumnUse {
  /** The column's value, qualified. */
  readonly value: string
  readonly table: Table
  readonly column: Column
  readonly hop: number
  readonly own: boolean
  readonly trusted: boolean
  /** A parent's columns come without their sizes and presences. */
  readonly light: boolean
}

export function sourceOf(table: Table, column: Column | null, hop: number): Source {
  return { table: `${table.schema}.${table.name}`, column: column?.name ?? null, hop }
}

export function columnChannels(use: ColumnUse): ColumnChannels {
  const { value: v, column, own, trusted } = use
  const source = sourceOf(use.table, column, use.hop)
  const number = (kind: NumberChannel['kind'], sql: string): NumberSql => ({
    channel: { kind, source, own, trusted },
    sql,
  })
  const category = (sql: string): CodeSql => ({ channel: { kind: 'category', source, own, trusted }, sql })
  const presence = number('presence', `(pg_catalog.num_nonnulls(${v}))::pg_catalog.float8`)
  if (column.tag === 'class') return { numbers: [], codes: [category(hash(`${v}::pg_catalog.text`))] }
  switch (column.typeClass) {
    case 'bool':
      return { numbers: [number('flag', `${v}::pg_catalog.int4::pg_catalog.float8`)], codes: [] }
    case 'integer': {
      const numbers = [number('number', `${v}::pg_catalog.float8`)]
      if (column.tag === 'number') return { numbers, codes: [] }
      const code = column.baseType === 20 ? hash(`${v}::pg_catalog.text`) : `${v}::pg_catalog.int4`
      return { numbers, codes: [category(code)] }
    }
    case 'number':
      return { numbers: [number('number', toFloat(column, v))], codes: [] }
    case 'interval':
      return { numbers: [number('number', `pg_catalog.date_part('epoch', ${v})`)], codes: [] }
    case 'time':
      return { numbers: [number('number', `pg_catalog.date_part('epoch', ${v})`)], codes: [] }
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return { numbers: [number('time', microseconds(column, v))], codes: [] }
    case 'enum':
      return { numbers: [], codes: [category(hash(`${v}::pg_catalog.text`))] }
    case 'text': {
      const codes = [category(hash(`${v}::pg_catalog.text`))]
      return {
        numbers: use.light ? [] : [number('size', `pg_catalog.octet_length(${v}::pg_catalog.text)::pg_catalog.float8`)],
        codes,
      }
    }
    case 'array':
      return {
        numbers: use.light ? [] : [number('size', `pg_catalog.cardinality(${v})::pg_catalog.float8`)],
        codes: [category(hash(`${v}::pg_catalog.text`))],
      }
    case 'json':
      return {
        numbers: use.light ? [] : [number('size', `pg_catalog.octet_length(${v}::pg_catalog.text)::pg_catalog.float8`)],
        codes: [],
      }
    default:
      return { numbers: use.light || column.notNull ? [] : [presence], codes: [] }
  }
}

/** Equality is all a code keeps of a value; the hash is the server's own, the same on every connection. */
export const hash = (text: string): string => `pg_catalog.hashtext(${text})`

/** Values that float8 cannot hold read as missing, rather than failing the statement. */
export function toFloat(column: Column, v: string): string {
  if (column.baseType === 700 || column.baseType === 701) return `${v}::pg_catalog.float8`
  const n = column.baseType === 790 ? `${v}::pg_catalog.numeric` : v
  return `CASE WHEN pg_catalog.abs(${n}) < 1e300 THEN (${n})::pg_catalog.float8 END`
}

/** Microseconds since 2000-01-01, as Postgres itself counts; a date is its midnight in the session's time zone. */
function microseconds(column: Column, v: string): string {
  const safe =
    column.typeClass === 'date'
      ? `CASE WHEN ${v} < '200000-01-01'::pg_catalog.date AND ${v} > '4000-01-01 BC'::pg_catalog.date THEN ${v}::pg_catalog.timestamptz END`
      : `${v}::pg_catalog.timestamptz`
  return `((pg_catalog.date_part('epoch', ${safe}) - 946684800) * 1000000)`
}
