// Arrays as literals, for statements that Postgres plans without parameters. The server writes them itself, so that a type's own
// text form is used and nothing is rounded.

import type { Param, TypedParam, Upstream } from './plan.js'

export interface TypedArray {
  /** Type of its elements, safe to write in SQL. */
  readonly element: string
  readonly array: Param
}

/** Under these settings a value's text reads back as the same value, whatever the session's own are. */
const EXACT = [
  ['extra_float_digits', '1'],
  ['DateStyle', 'ISO, YMD'],
  ['IntervalStyle', 'postgres'],
] as const

/** A quoted literal for each array, without its type. The session's settings stay as they were. */
export const literalsOf = async (arrays: readonly TypedArray[], upstream: Upstream): Promise<readonly string[]> => {
  const old = EXACT.map(([name], i) => `pg_catalog.current_setting('${name}') AS o${i}`)
  const exact = EXACT.map(([name, value], i) => `pg_catalog.set_config('${name}', '${value}', true) AS n${i}`)
  const columns = [
    ...EXACT.flatMap((_, i) => [`s.o${i}`, `s.n${i}`]),
    // as bytes, which no client_encoding changes
    ...arrays.map(({ element }, i) => {
      const text = `$${i + 1}::${element}[]::pg_catalog.text`
      return `pg_catalog.convert_to(pg_catalog.quote_literal(${text}), 'UTF8')`
    }),
  ]
  const sql = `SELECT ${columns.join(', ')} FROM (SELECT ${[...old, ...exact].join(', ')} OFFSET 0) s`
  const params = arrays.map(({ array }): TypedParam => ({ ...array, type: 0 }))
  const [row] = await upstream.query(sql, params)
  const before = EXACT.map((_, i) => row[2 * i]!.toString())
  const restore = EXACT.map(([name], i) => `pg_catalog.set_config('${name}', $${i + 1}, true)`)
  await upstream.query(
    `SELECT ${restore.join(', ')}`,
    before.map(value => ({ type: 25, format: 0, value: Buffer.from(value) })),
  )
  return row.slice(2 * EXACT.length).map(value => value!.toString('utf8'))
}
