// What the rows say about a link before anything is suggested over it: whether what refers to an entity happens again and again, how many
// entities are active in a window of some length, and which columns are amounts. A few hundred entities are looked at.

import pg from 'pg'
import { looksLikeLine, quoted, quotedTable } from '../graph/catalog/index.js'
import { RowSource } from '../graph/extract/rows.js'
import type { Column, Link } from '../pql/catalog.js'

export interface Activity {
  /** Share of the entities with any rows that have rows on three days or more. */
  readonly recurs: number
  /** Days, the most telling window first: where about half of the entities have rows, over data that holds several such windows. */
  readonly horizons: readonly number[]
  /** Of the first of them: 1 where half of the entities have rows, 0 where all or none. */
  readonly balance: number
  /** Worth adding up, the likeliest first. */
  readonly amounts: readonly Column[]
}

export const HORIZONS: readonly number[] = [30, 7, 90, 365]

const ENTITIES = 300
const ROWS = 10_000
/** Of the sort that makes a sample fair; larger tables are read from their start. */
const SORTED = 500_000
const PATIENCE = 5_000

/** A look through the proxy at `url` at each of `links`; those that cannot be looked at in a few seconds are left out. */
export async function lookAt(
  url: string,
  password: string | null,
  links: readonly Link[],
): Promise<ReadonlyMap<Link, Activity>> {
  const seen = new Map<Link, Activity>()
  const client = new pg.Client({
    connectionString: url,
    password: password ?? undefined,
    application_name: 'pgpredict',
    statement_timeout: PATIENCE,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    for (const link of links) {
      const activity = await look(client, link).catch(() => null)
      if (activity) seen.set(link, activity)
    }
  } catch {
    // a database that cannot be looked at gets suggestions from its schema
  } finally {
    await client.end().catch(() => {})
  }
  return seen
}

async function look(client: pg.Client, link: Link): Promise<Activity | null> {
  const { rows } = await client.query<{ entities: number; often: number; days: number; active: number[] }>(
    activitySql(link),
  )
  const [found] = rows
  if (!found || found.entities === 0) return null
  const horizons = HORIZONS.map((days, i) => {
    const share = (found.active[i] ?? 0) / found.entities
    return { days, balance: found.days < 5 * days ? 0 : 4 * share * (1 - share) }
  }).sort((a, b) => b.balance - a.balance)
  return {
    recurs: found.often / found.entities,
    horizons: horizons.filter(({ balance }) => balance > 0).map(({ days }) => days),
    balance: horizons[0]!.balance,
    amounts: await amountsOf(client, link).catch(() => []),
  }
}

/** Entities with rows, those with rows on three days or more, days of data, and the entities active in the last days of it. */
function activitySql(link: Link): string {
  const rows = new RowSource(link.from, 'r')
  const time = rows.time()
  const keys = link.toColumns.map(({ name }, i) => `p.${quoted(name)} AS k${i}`).join(', ')
  const order = link.toColumns.map(({ name }) => `pg_catalog.md5(p.${quoted(name)}::pg_catalog.text)`).join(', ')
  const sorted = link.to.estimatedRows <= SORTED ? `ORDER BY ${order}` : ''
  const match = link.columns.map((column, i) => `${rows.own(column)} = e.k${i}`).join(' AND ')
  const group = link.toColumns.map((_, i) => `e.k${i}`).join(', ')
  const past = `pg_catalog.isfinite(${time}) AND ${time} <= pg_catalog.now()`
  const active = HORIZONS.map(days => `pg_catalog.count(*) FILTER (WHERE g.last > s.hi - interval '${days} days')`)
  return `WITH e AS MATERIALIZED (SELECT ${keys} FROM ${quotedTable(link.to)} p ${sorted} LIMIT ${ENTITIES}),
    g AS (SELECT pg_catalog.count(DISTINCT (${time})::pg_catalog.date) AS d, pg_catalog.max(${time}) AS last
      FROM ${rows.from} JOIN e ON ${match} WHERE ${past} GROUP BY ${group}),
    s AS (SELECT pg_catalog.min(${time}) AS lo, pg_catalog.max(${time}) AS hi FROM ${rows.from} WHERE ${past})
    SELECT pg_catalog.count(*)::float8 AS entities, (pg_catalog.count(*) FILTER (WHERE g.d >= 3))::float8 AS often,
      (extract(epoch FROM s.hi - s.lo) / 86400)::float8 AS days, ARRAY[${active.join(', ')}]::float8[] AS active
    FROM g, s GROUP BY s.hi, s.lo`
}

/** Numbers that are neither key, link, nor said to be a class. */
export function numbersOf({ columns, key, parents }: Link['from']): Column[] {
  const keyed = new Set([...(key ?? []), ...parents.flatMap(link => link.columns)])
  return columns.filter(
    column =>
      (column.typeClass === 'number' || column.typeClass === 'integer') &&
      column.tag !== 'class' &&
      column.tag !== 'exclude' &&
      !keyed.has(column),
  )
}

async function amountsOf(client: pg.Client, { from }: Link): Promise<Column[]> {
  const columns = numbersOf(from)
  if (columns.length === 0) return []
  const counts = columns.flatMap(({ name }) => {
    const value = `${quoted(name)}::pg_catalog.numeric`
    return [
      `pg_catalog.count(${value})`,
      `pg_catalog.count(DISTINCT ${value})`,
      `pg_catalog.count(*) FILTER (WHERE ${value} <> pg_catalog.trunc(${value}))`,
      `coalesce(pg_catalog.avg(pg_catalog.abs(${value})), 0)`,
      `coalesce(pg_catalog.stddev_pop(${value}), 0)`,
    ]
  })
  const names = columns.map(({ name }) => quoted(name)).join(', ')
  const { rows } = await client.query<{ counts: number[] }>(
    `SELECT ARRAY[${counts.join(', ')}]::float8[] AS counts FROM (SELECT ${names} FROM ${quotedTable(from)} LIMIT ${ROWS}) s`,
  )
  const weighed = columns.map((column, i) => {
    const [values = 0, distinct = 0, fractions = 0, size = 0, spread = 0] = rows[0]!.counts.slice(5 * i)
    return { column, weight: weightOf(column, { values, distinct, fractions, size, spread }) }
  })
  return weighed
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ column }) => column)
}

interface Figures {
  readonly values: number
  readonly distinct: number
  readonly fractions: number
  /** Mean of the absolute values, and standard deviation. */
  readonly size: number
  readonly spread: number
}

/**
 * Numbers with fractions are amounts, the larger the likelier; whole ones may be, where they repeat. What is much the same in every row, as
 * a year or a rating, is not there to be added up; what differs in each is a name; a place in a list adds up to nothing.
 */
function weightOf(column: Column, { values, distinct, fractions, size, spread }: Figures): number {
  if (distinct < 2 || spread < size / 2) return 0
  if (fractions > 0) return 2 + Math.log1p(size) / 100
  if (looksLikeLine(column.name) || distinct === values) return 0
  return distinct > 20 ? 1 : 0.5
}
