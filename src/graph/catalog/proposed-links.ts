// Lost links: columns whose values are another table's keys. Rows prove, names rank: small integers are contained in every serial
// key, so without a fitting name they prove nothing.

import type { Column, Table } from '../../pql/catalog.js'
import { type Impression, keyable, numbers, type Query, sameType } from './impression.js'
import { keyFit, nameFit } from './name-match.js'
import { type Containment, containmentSql } from './proposals-sql.js'
import type { ProposedLink } from './proposed.js'

const containmentShare = 0.99

/** Links of `table` to any of `tables`, at most one a set of columns. */
export async function findLinks(
  upstream: Query,
  table: Table,
  tables: readonly Table[],
  keyOf: (table: Table) => readonly Column[] | null,
  { columns }: Impression,
): Promise<readonly ProposedLink[]> {
  const ownKey = keyOf(table)
  const candidates = tables.flatMap(to => {
    const key = keyOf(to)
    const common = key !== null && everyTables(ownKey, key, tables, keyOf)
    return key
      ? pairsWith(table, to, key, ownKey).filter(
          ({ columns: [own] }) => columns.has(own) && !(common && own === ownKey![0]),
        )
      : []
  })
  if (candidates.length === 0) return []
  const counts = await numbers(upstream, containmentSql(table, candidates))
  const measured = candidates.map((candidate, i) => {
    const [distinct, found, keys] = counts.slice(3 * i)
    return { ...candidate, distinct, found, keys }
  })
  const possible = measured.filter(({ distinct, found }) => distinct > 0 && found >= containmentShare * distinct)
  const links: ProposedLink[] = []
  for (const set of new Set(possible.map(({ columns }) => columns.map(({ name }) => name).join()))) {
    const rivals = possible.filter(({ columns }) => columns.map(({ name }) => name).join() === set)
    const best = pick(table, rivals, columns)
    if (best)
      links.push({
        columns: best.columns,
        to: best.to,
        toColumns: best.toColumns,
        evidence: `${best.found} of ${best.distinct} distinct values found`,
        complete: best.found === best.distinct,
      })
  }
  return links.filter(link => !links.some(wider => wider !== link && includes(wider, link)))
}

/** A name that is the key's in many a table (`row_id`) says as little as `id`: what two such have in common is counting from one. */
const everyTables = (
  ownKey: readonly Column[] | null,
  key: readonly Column[],
  tables: readonly Table[],
  keyOf: (table: Table) => readonly Column[] | null,
) => {
  const [name] = key.map(column => column.name)
  const bears = (columns: readonly Column[] | null) => columns?.length === 1 && columns[0].name === name
  return (
    bears(key) &&
    bears(ownKey) &&
    key[0].typeClass === 'integer' &&
    tables.filter(other => bears(keyOf(other))).length > 2
  )
}

interface Candidate extends Containment {
  readonly fit: number
}

interface Measured extends Candidate {
  readonly distinct: number
  readonly found: number
  readonly keys: number
}

/** Column sets of `table` that may refer to `key` of `to`, by type and name alone. */
function pairsWith(
  table: Table,
  to: Table,
  key: readonly Column[],
  ownKey: readonly Column[] | null,
): readonly Candidate[] {
  if (key.length > 1) {
    // a composite key is referred to by columns of the same names
    const same = key.map(target =>
      table.columns.find(column => column.name === target.name && sameType(column, target)),
    )
    const missing = table === to || same.some(column => column === undefined)
    const linked = table.parents.some(link => link.to === to && link.columns.length === key.length)
    return missing || linked ? [] : [{ columns: same as Column[], to, toColumns: key, fit: 5 }]
  }
  const [target] = key
  return table.columns
    .filter(column => {
      const linked = table.parents.some(({ columns }) => columns.length === 1 && columns[0] === column)
      // its own identity, unless it has another's name: user_profiles.user_id
      const own = ownKey?.length === 1 && ownKey[0] === column && (table === to || keyFit(column, table) > 2)
      return keyable(column) && sameType(column, target) && !linked && !own
    })
    .map(column => ({ columns: [column], to, toColumns: key, fit: nameFit(column, table, to, target) }))
    .filter(({ columns: [column], fit }) => fit >= 4 || ownKey?.length !== 1 || ownKey[0] !== column)
    .filter(({ columns: [column], fit }) => fit > 0 || column.typeClass === 'text' || column.typeClass === 'uuid')
    .filter(({ columns: [column], fit }) => table !== to || fit >= 3 || column.typeClass === 'uuid')
}

/** The one that a person would have meant, or none. */
function pick(table: Table, rivals: readonly Measured[], seen: Impression['columns']): Measured | null {
  const toItself = ({ to }: Measured) => Number(to === table)
  const named = rivals
    .filter(({ fit }) => fit >= 2)
    // a reference to the own table is guessed from less: manager_staff_id is of staff
    .sort((a, b) => b.fit - a.fit || toItself(a) - toItself(b) || b.distinct / b.keys - a.distinct / a.keys)
  if (named.length > 0) return named[0]
  if (rivals.length !== 1) return null
  const [{ columns, fit, distinct, keys }] = rivals
  const { typeClass } = columns[0]
  // values that nothing but a reference could explain
  if (typeClass === 'uuid') return distinct >= 3 ? rivals[0] : null
  if (typeClass === 'text') return distinct >= 20 && seen.get(columns[0])!.length >= 4 ? rivals[0] : null
  return fit === 1 && distinct >= 10 && distinct >= 0.2 * keys ? rivals[0] : null
}

const includes = (wider: ProposedLink, link: ProposedLink) =>
  wider.to === link.to &&
  wider.columns.length > link.columns.length &&
  link.columns.every(c => wider.columns.includes(c))
