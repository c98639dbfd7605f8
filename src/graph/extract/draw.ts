// Some rows of a large table, drawn by chance and alike for all who ask, without reading the table: pseudo-random keys are looked up in the
// index of its primary key until enough of them are found. Whether a row is drawn hangs on its key alone, not on where it lies on disk, nor on
// what the planner thinks. It needs keys that are whole numbers and fill a fair part of their range, as those of sequences do; other tables
// are read whole and put in order by a hash of the key.

import type { Table } from '../../pql/catalog.js'
import { conjunction, type Point, RowSource } from './rows.js'

/** Keys looked up for each row that is wanted: at first, and at most. A range that holds no more is read whole. */
const [FIRST, MOST] = [1.2, 6]
/** Products of two numbers of so many bits fit int8. */
const MOST_BITS = 31
const INTEGERS: readonly number[] = [20, 21, 23]

export interface Draw {
  readonly table: Table
  /** Only rows written by then tell how far keys go. */
  readonly latest: Point
  readonly wanted: number
  readonly seed: number
  /** SELECT of rows of `table` called `x`; `from` is joined to them, `columns` are added to its list and `condition` to its WHERE. */
  readonly select: (from: string, columns: string, condition: string) => string
  /** How rows are put in order where the table is read whole. */
  readonly order: string
}

/** CTEs that a draw needs, and a SELECT of at most `wanted` rows. */
export function drawSql(draw: Draw): { readonly ctes: readonly string[]; readonly sql: string } {
  const { table, wanted, select, order } = draw
  const whole = (condition: string) => `${select('', '', condition)} ORDER BY ${order} LIMIT ${wanted}`
  if (!hasKeysToDraw(table)) return { ctes: [], sql: whole('true') }
  const key = new RowSource(table, 'x').own(table.key![0]!)
  const hits = (keys: string) => select(` JOIN ${keys} p ON ${key} = p.k`, ', p.j', 'true')
  const found = (cte: string) => `(SELECT pg_catalog.count(*) FROM ${cte})`
  // so few at first that the rest would not make up for it
  const worthMore = `${found('hits1')} < ${wanted} AND ${found('hits1')} * ${Math.floor(MOST / FIRST)} >= ${wanted}`
  const enough = `${found('hits1')} + ${found('hits2')} >= ${wanted}`
  return {
    ctes: [
      `span AS MATERIALIZED (${spanSql(draw)})`,
      `keys1 AS MATERIALIZED (${keysSql('0', 'n1', draw.seed)})`,
      `hits1 AS MATERIALIZED (${hits('keys1')})`,
      `keys2 AS MATERIALIZED (${keysSql('n1', `CASE WHEN ${worthMore} THEN n2 END`, draw.seed)})`,
      `hits2 AS MATERIALIZED (${hits('keys2')})`,
    ],
    sql: `(SELECT * FROM (SELECT * FROM hits1 UNION ALL SELECT * FROM hits2) s WHERE ${enough} ORDER BY j LIMIT ${wanted}) UNION ALL (SELECT *, 0 FROM (${whole(`NOT (${enough})`)}) s)`,
  }
}

/** The key is one whole number, and there is an index on it. */
const hasKeysToDraw = ({ key, keyOnTrust, kind }: Table): boolean =>
  key?.length === 1 && !keyOnTrust && kind !== 'view' && kind !== 'foreign' && INTEGERS.includes(key[0]!.baseType)

/** Lowest and highest key, the bits that tell all between them apart, and how many of their numbers to look up; NULL: none. */
function spanSql({ table, latest, wanted }: Draw): string {
  const rows = new RowSource(table, 'x', latest)
  const key = rows.own(table.key![0]!)
  const written = rows.atMost(latest)
  const end = (order: string) =>
    `(SELECT ${key}::pg_catalog.int8 FROM ${rows.from} WHERE ${conjunction([written])} ORDER BY ${key}${order} LIMIT 1)`
  const few = wanted * MOST
  const width = `CASE WHEN hi / 2 - lo / 2 < ${2 ** (MOST_BITS - 2)} AND hi - lo >= ${few} THEN hi - lo + 1 END`
  const bits = `pg_catalog.length(pg_catalog.ltrim((width - 1)::pg_catalog.bit(64)::pg_catalog.text, '0'))`
  const share = (n: number) => `LEAST(numbers, ${n} * numbers / width)`
  return (
    `SELECT lo, hi, numbers - 1 AS mask, (bits + 1) / 2 AS half, ${share(Math.ceil(wanted * FIRST))} AS n1, ${share(few)} AS n2 FROM ` +
    `(SELECT *, 1::pg_catalog.int8 << bits AS numbers FROM (SELECT *, ${bits} AS bits FROM (SELECT *, ${width} AS width FROM ` +
    `(SELECT ${end('')} AS lo, ${end(' DESC')} AS hi OFFSET 0) s) s) s) s`
  )
}

/**
 * Numbers `from` <= j < `to` and the key k of each: a permutation of the range, by two multiplications with odd numbers and what folds
 * the upper half of the bits into the lower one.
 */
function keysSql(from: string, to: string, seed: number): string {
  const [a, b, c] = [1, 2, 3].map(n => mixed(seed, n))
  const folded = (x: string) => `(${x} # (${x} >> half))`
  const first = `SELECT j, lo, hi, mask, half, (j * ${a! | 1} + ${c}) & mask AS y FROM span, pg_catalog.generate_series(${from}::pg_catalog.int8, ${to} - 1) AS j`
  const second = `SELECT j, lo, hi, half, (${folded('y')} * ${b! | 1}) & mask AS z FROM (${first}) s`
  return `SELECT j, k FROM (SELECT j, hi, lo + ${folded('z')} AS k FROM (${second}) s) s WHERE k <= hi`
}

/** A number of 31 bits from a seed, the n-th of them. */
function mixed(seed: number, n: number): number {
  let x = (Math.imul(Math.trunc(seed), 0x9e3779b1) ^ Math.trunc(seed / 2 ** 32) ^ Math.imul(n, 0x85ebca6b)) >>> 0
  for (let round = 0; round < 2; round++) {
    x = Math.imul(x ^ (x >>> 16), 0x7feb352d) >>> 0
    x = Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0
  }
  return (x ^ (x >>> 16)) & 0x7fffffff
}
