// A first look at a table's rows: how many values each column has, how many of them differ.

import type { Column, Table } from '../../pql/catalog.js'
import type { Upstream } from '../../rewrite/plan.js'
import { columnsSql } from './proposals-sql.js'

export type Query = Pick<Upstream, 'query'>

export interface Impression {
  readonly rows: number
  readonly columns: ReadonlyMap<Column, { readonly values: number; readonly distinct: number; readonly length: number }>
}

/** Types that people make keys of. */
export const keyable = ({ typeClass, baseType }: Column) =>
  typeClass === 'integer' || typeClass === 'text' || typeClass === 'uuid' || baseType === 1700
/** As a foreign key wants it: the same type, or another width of it. */
export const sameType = (a: Column, b: Column) =>
  a.baseType === b.baseType || (a.typeClass === b.typeClass && (a.typeClass === 'integer' || a.typeClass === 'text'))
export const temporal = ({ typeClass }: Column) =>
  typeClass === 'timestamp' || typeClass === 'timestamptz' || typeClass === 'date'

/** The one int8[] of a statement, which it gives as text. */
export async function numbers(upstream: Query, sql: string): Promise<number[]> {
  const [[counts]] = await upstream.query(sql)
  return counts!.toString().slice(1, -1).split(',').map(Number)
}

export async function look(upstream: Query, table: Table): Promise<Impression> {
  const columns = table.columns.filter(column => keyable(column) || temporal(column))
  if (columns.length === 0) return { rows: 0, columns: new Map() }
  const [rows, ...counts] = await numbers(upstream, columnsSql(table, columns))
  const seen = columns.map((column, i) => {
    const [values, distinct, length] = counts.slice(3 * i)
    return [column, { values, distinct, length }] as const
  })
  return { rows, columns: new Map(seen) }
}
