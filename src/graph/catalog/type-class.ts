// How a column's values may be used, told from pg_type. Domains count as what they rest on.

import type { TypeClass } from '../../pql/catalog.js'
import type { CatalogRows } from './catalog-sql.js'

const byOid: Readonly<Record<number, TypeClass>> = {
  16: 'bool',
  20: 'integer',
  21: 'integer',
  23: 'integer',
  700: 'number',
  701: 'number',
  790: 'number',
  1700: 'number',
  18: 'text',
  19: 'text',
  25: 'text',
  1042: 'text',
  1043: 'text',
  2950: 'uuid',
  1082: 'date',
  1114: 'timestamp',
  1184: 'timestamptz',
  1083: 'time',
  1266: 'time',
  1186: 'interval',
  114: 'json',
  3802: 'json',
}

export interface ColumnType {
  readonly oid: number
  readonly base: number
  readonly typeName: string
  readonly typeClass: TypeClass
  readonly arrayType: number
  readonly labels: readonly string[] | undefined
  /** The same in every database that has the type: oids of user types are not. */
  readonly stable: string
}

export function readTypes(rows: CatalogRows['types']): ReadonlyMap<number, ColumnType> {
  const byId = new Map(rows.map(row => [row[0], row]))
  const types = new Map<number, ColumnType>()
  for (const row of rows) {
    let base = row
    while (base[2] === 'd' && byId.has(base[3])) base = byId.get(base[3])!
    const [oid, name, typtype, , category, , , labels] = base
    const typeClass =
      byOid[oid] ?? (typtype === 'e' ? 'enum' : category === 'A' ? 'array' : name === 'citext' ? 'text' : 'other')
    types.set(row[0], {
      oid: row[0],
      base: oid,
      typeName: row[5],
      typeClass,
      arrayType: row[6],
      labels: labels ?? undefined,
      stable: oid < 16384 ? String(oid) : typeClass,
    })
  }
  return types
}

/** Whether `=` between the two is Postgres' own and means what a foreign key means. */
export function comparable(a: TypeClass, b: TypeClass): boolean {
  const family = (c: TypeClass) =>
    c === 'integer' ? 'number' : c === 'date' || c === 'timestamp' || c === 'timestamptz' ? 'time' : c
  return family(a) === family(b)
}
