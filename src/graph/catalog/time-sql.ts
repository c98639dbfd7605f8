// What a few rows say about a table's candidate time columns. All tables are asked in one statement; each reads at most `limit`
// rows, the first that a plain scan meets, and parents are looked up by their key.

import type { Column, Link } from '../../pql/catalog.js'
import { literal, quoted, quotedTable } from './identifier.js'

interface Named {
  readonly schema: string
  readonly name: string
}

/** Gives an int8[] as text: rows, then per candidate the rows without NULLs where it is the smallest, then where it is so by over five years. */
export function orderProbe(table: Named, candidates: readonly Column[], limit: number): string {
  const names = candidates.map(column => quoted(column.name))
  const smallest = names.map((name, i) => {
    const others = names.filter((_, j) => j !== i).map(other => `${name} <= ${other}`)
    return count([...others, ...names.map(other => `${other} IS NOT NULL`)])
  })
  const ages = names.map((name, i) => {
    const others = names.filter((_, j) => j !== i).map(other => `${name} + interval '5 years' < ${other}`)
    return others.length > 0 ? count(others) : '0'
  })
  return probe([...smallest, ...ages], `(SELECT ${names.join(', ')} FROM ${quotedTable(table)} LIMIT ${limit}) s`)
}

/**
 * Rows, then per column its values in them. 0 where statistics of the whole table know of NULLs, and for a date that rows were not
 * written in the order of (a quarter of them lie before the one above): it may be a birthday.
 */
export function filledProbe(table: Named, columns: readonly Column[], limit: number): string {
  const names = columns.map(column => quoted(column.name))
  const dates = columns.filter(({ typeClass }) => typeClass === 'date').map(({ name }) => quoted(name))
  const before = dates.map((name, i) => `, ${name} < pg_catalog.lag(${name}) OVER () AS before${i}`)
  const counts = columns.map(({ name, typeClass }) => {
    const unordered =
      typeClass === 'date' ? ` OR 4 * ${count([`before${dates.indexOf(quoted(name))}`])} > pg_catalog.count(*)` : ''
    return `CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_stats t WHERE t.schemaname = ${literal(table.schema)}
      AND t.tablename = ${literal(table.name)} AND t.attname = ${literal(name)} AND t.null_frac > 0)${unordered}
      THEN 0 ELSE pg_catalog.count(${quoted(name)}) END`
  })
  return probe(counts, `(SELECT ${names.join(', ')}${before.join('')} FROM ${quotedTable(table)} LIMIT ${limit}) s`)
}

/** Rows, then per column the values in them that differ. */
export function varietyProbe(table: Named, columns: readonly Column[], limit: number): string {
  const names = columns.map(column => quoted(column.name))
  const counts = names.map(name => `pg_catalog.count(DISTINCT ${name})`)
  return probe(counts, `(SELECT ${names.join(', ')} FROM ${quotedTable(table)} LIMIT ${limit}) s`)
}

/** Rows of a child table, then per column of `times` those that came over a day before `column` of the row they refer to. */
export function earlierProbe(column: Column, link: Link, times: readonly Column[], limit: number): string {
  const own = [...new Set([...link.columns, ...times])].map(({ name }) => quoted(name))
  const pairs = link.columns.map(({ name }, i) => `p.${quoted(link.toColumns[i].name)} = c.${quoted(name)}`)
  return probe(
    times.map(({ name }) => count([`c.${quoted(name)} < p.${quoted(column.name)} - interval '1 day'`])),
    `(SELECT ${own.join(', ')} FROM ${quotedTable(link.from)} LIMIT ${limit}) c
      JOIN ${quotedTable(link.to)} p ON ${pairs.join(' AND ')}`,
  )
}

/** Rows of a child table, and those that came over five years after `date` of the row they refer to. */
export function childProbe(date: Column, link: Link, childTimes: readonly Column[], limit: number): string {
  return probe(
    [count([`c.t > p.${quoted(date.name)} + interval '5 years'`])],
    `${sampled(link, earliest(childTimes), limit)} JOIN ${quotedTable(link.to)} p ON ${match(link)}`,
  )
}

/** Rows, and those whose `date` is not before the row they refer to by over a day. */
export function parentProbe(date: Column, link: Link, parentTimes: readonly Column[], limit: number): string {
  return probe(
    [count([`c.t >= ${earliest(parentTimes, 'p.')} - interval '1 day'`])],
    `${sampled(link, quoted(date.name), limit)} JOIN ${quotedTable(link.to)} p ON ${match(link)}`,
  )
}

/** $-free; one row of (probe's number int4, its int8[] as text) each. One flat list: a long UNION would overflow the parser's stack. */
export const probesSql = (probes: readonly string[]): string =>
  `SELECT * FROM (VALUES ${probes.map((sql, i) => `(${i}, (${sql}))`).join(', ')}) probes (number, counts)`

const probe = (counts: readonly string[], from: string) =>
  `SELECT ARRAY[pg_catalog.count(*), ${counts.join(', ')}]::int8[]::text FROM ${from}`

const count = (conditions: readonly string[]) =>
  `pg_catalog.count(*) FILTER (WHERE ${conditions.length > 0 ? conditions.join(' AND ') : 'true'})`

const earliest = (columns: readonly Column[], prefix = '') =>
  columns.length === 1
    ? prefix + quoted(columns[0].name)
    : `least(${columns.map(column => prefix + quoted(column.name)).join(', ')})`

const sampled = (link: Link, time: string, limit: number) =>
  `(SELECT ${link.columns.map((column, i) => `${quoted(column.name)} AS k${i}`).join(', ')}, ${time} AS t FROM ${quotedTable(link.from)} LIMIT ${limit}) c`

const match = (link: Link) => link.toColumns.map((column, i) => `p.${quoted(column.name)} = c.k${i}`).join(' AND ')
