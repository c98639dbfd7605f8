// Bounded questions to the rows: is a column unique, are its values found among a key's?

import type { Column, Table } from '../../pql/catalog.js'
import { quoted, quotedTable } from './identifier.js'

/** Rows read for a first impression. */
export const sampleRows = 10_000
/** Up to this many rows a key is checked in full. */
const fullCheckRows = 1_000_000

/** int8[] as text: rows of a sample; then per column its values, its distinct values, and their mean length. */
export function columnsSql(table: Table, columns: readonly Column[]): string {
  const names = columns.map(column => quoted(column.name))
  const counts = names.flatMap(name => [
    `pg_catalog.count(${name})`,
    `pg_catalog.count(DISTINCT ${name})`,
    `coalesce(pg_catalog.avg(pg_catalog.length(${name}::text)), 0)`,
  ])
  return `SELECT ARRAY[${['pg_catalog.count(*)', ...counts].join(', ')}]::int8[]::text
    FROM (SELECT ${names.join(', ')} FROM ${quotedTable(table)} LIMIT ${sampleRows}) s`
}

/** int8[] as text: per set of columns 1 where no two rows (of all, or of a sample of a very large table) agree in it; then the rows. */
export function uniqueSql(table: Table, sets: readonly (readonly Column[])[]): string {
  const all = [...new Set(sets.flat())].map(column => quoted(column.name)).join(', ')
  const limit = checkedInFull(table) ? '' : ` LIMIT ${10 * sampleRows}`
  const checks = sets.map(set => {
    const list = set.map(column => quoted(column.name)).join(', ')
    return `(NOT EXISTS (SELECT FROM s GROUP BY ${list} HAVING pg_catalog.count(*) > 1))::int4`
  })
  return `WITH s AS MATERIALIZED (SELECT ${all} FROM ${quotedTable(table)}${limit})
    SELECT ARRAY[${[...checks, '(SELECT pg_catalog.count(*) FROM s)'].join(', ')}]::int8[]::text`
}

export const checkedInFull = (table: Table): boolean => table.estimatedRows <= fullCheckRows

export interface Containment {
  readonly columns: readonly Column[]
  readonly to: Table
  readonly toColumns: readonly Column[]
}

/** int8[] as text: per pair the distinct values of a sample, those found in the key, and the key's rows (an estimate's stand-in: capped). */
export function containmentSql(table: Table, pairs: readonly Containment[]): string {
  const samples = pairs.map(({ columns }, i) => {
    const list = columns.map((column, j) => `${quoted(column.name)} AS k${j}`).join(', ')
    const present = columns.map(column => `${quoted(column.name)} IS NOT NULL`).join(' AND ')
    return `s${i} AS MATERIALIZED (SELECT DISTINCT * FROM (
      SELECT ${list} FROM ${quotedTable(table)} WHERE ${present} LIMIT ${sampleRows}) r)`
  })
  const counts = pairs.flatMap(({ to, toColumns }, i) => {
    const match = toColumns.map((column, j) => `p.${quoted(column.name)} = s.k${j}`).join(' AND ')
    return [
      `(SELECT pg_catalog.count(*) FROM s${i})`,
      `(SELECT pg_catalog.count(*) FROM s${i} s WHERE EXISTS (SELECT FROM ${quotedTable(to)} p WHERE ${match}))`,
      `(SELECT pg_catalog.count(*) FROM (SELECT FROM ${quotedTable(to)} LIMIT ${sampleRows}) p)`,
    ]
  })
  return `WITH ${samples.join(', ')} SELECT ARRAY[${counts.join(', ')}]::int8[]::text`
}

/** One row a table with a comment: oid int8, comment text. $1 oid[]. */
export const commentsSql = `
  SELECT objoid::int8, description FROM pg_catalog.pg_description
   WHERE classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid = 0 AND objoid = ANY ($1::oid[])`
