// PREDICT statements for a schema nobody here has seen: which entities have dated rows that refer to them, and what could be
// asked about those.

import { writtenTable } from '../graph/catalog/index.js'
import type { Catalog, Column, Link, Table } from '../pql/catalog.js'
import { typed } from '../pql/typed.js'
import { type Activity, HORIZONS, numbersOf } from './activity.js'

export interface Suggestion {
  readonly question: string
  readonly sql: string
}

export interface SuggestionSet {
  readonly queries: readonly Suggestion[]
  /** The same questions about a few entities each: cheap to try, and failing, or giving one answer to all, where the full ones would. */
  readonly probes: readonly string[]
}

/** Links that may be looked at. */
const LOOKED_AT = 12
const TRIED = 4

/**
 * Sets of three statements, likeliest first: who falls silent, how much comes, and the first joined to its table.
 * @param seen what a look at the rows of `candidates` has shown; without it the schema alone decides. A caller should try each set's probes
 *   and show the first whose answers differ.
 */
export function suggest(catalog: Catalog, seen: ReadonlyMap<Link, Activity> = new Map()): SuggestionSet[] {
  const score = (link: Link): number => {
    const activity = seen.get(link)
    if (!activity) return seen.size > 0 ? 0 : plausible(link)
    const { recurs, balance, amounts } = activity
    return plausible(link) * recurs * Math.sqrt(balance) * (amounts.length > 0 ? 1.3 : 1)
  }
  const links = candidates(catalog).sort((a, b) => score(b) - score(a))
  return links.slice(0, TRIED).flatMap(link => {
    const { horizons, amounts } = seen.get(link) ?? { horizons: HORIZONS.slice(0, 3), amounts: numbersOf(link.from) }
    return (horizons.length > 0 ? horizons : HORIZONS).slice(0, 3).map(days => threeQueries(link, days, amounts[0]))
  })
}

/** Links from dated tables to keyed ones worth a look, by how much there is to learn from. */
export function candidates(catalog: Catalog): Link[] {
  const usable = catalog.links.filter(
    ({ from, to }) => from !== to && to.key !== null && from.time.kind !== 'static' && !isDetail(from, to),
  )
  return usable.sort((a, b) => plausible(b) - plausible(a)).slice(0, LOOKED_AT)
}

/** Rows that have their time from the very row they refer to came with it, and will not come again. */
const isDetail = (from: Table, to: Table): boolean =>
  from.time.kind === 'inherited' && to.time.kind !== 'static' && from.time.through.some(link => link.to === to)

function plausible(link: Link): number {
  const rows = Math.max(1, link.from.estimatedRows)
  const entities = Math.max(1, link.to.estimatedRows)
  const own = link.from.time.kind === 'own' ? 2 : 1
  // something that happens again and again to many: one row an entity, or three entities, teach little
  const often = rows / entities < 1.5 ? 0.1 : 1
  const many = entities < 50 ? 0.1 : entities < 100 ? 0.5 : 1
  // the lines of an order are parts of what happens, the orders are what happens
  const part = link.from.parents.some(({ to }) => to !== link.to && to.time.kind !== 'static') ? 0.4 : 1
  return part * own * often * many * (link.indexed ? 1.5 : 1) * Math.log(entities + 1) * Math.log(rows + 1)
}

function threeQueries(link: Link, days: number, amount: Column | undefined): SuggestionSet {
  const { from, to } = link
  const child = writtenTable(from)
  const key = to.key!
  const entity =
    key.length === 1 ? column(to, key[0]!) : `${writtenTable(to)}.(${key.map(part => typed(part.name)).join(', ')})`
  // two foreign keys between the same tables: the question must say which
  const several = to.children.filter(other => other.from === from).length > 1
  const via = several ? ` VIA ${typed(link.columns[0]!.name)}` : ''
  const window = `0, ${days}, days`
  const much = amount ? `SUM(${column(from, amount)}${via}, ${window})` : `COUNT(${child}.*${via}, ${window})`
  const parts = key.map(part => typed(part.name)).join(', ')
  const busiest = (n: number) => `IN (${busiestSql(link, n)})`
  const silence = `PREDICT COUNT(${child}.*${via}, ${window}) = 0`
  const silent = `${silence} FOR EACH ${entity}`
  const amountOf5 = `PREDICT ${much} FOR ${entity}`
  const period = `in the next ${days} days`
  const queries = [
    {
      question: `which ${to.name} will have no ${from.name} ${period}?`,
      sql: `${silent}\nORDER BY probability DESC LIMIT 10`,
    },
    {
      question: amount
        ? `what will ${from.name}.${amount.name} add up to ${period}, for the five ${to.name} with most ${from.name}?`
        : `how many ${from.name} will there be ${period}, for the five ${to.name} with most of them?`,
      sql: `${amountOf5}\n${busiest(5)}`,
    },
    {
      question: 'the first again, beside the columns you know',
      sql: `SELECT t.*, p.probability\nFROM ${writtenTable(to)} t JOIN (${silent}) p USING (${parts})\nORDER BY p.probability DESC LIMIT 10`,
    },
  ]
  return { queries, probes: [`${silence} FOR ${entity} ${busiest(50)}`, `${amountOf5} ${busiest(5)}`] }
}

/** Keys of the entities with most rows; in the key's order. */
function busiestSql({ from, to, columns, toColumns }: Link, n: number): string {
  const names = to.key!.map(part => columns[toColumns.indexOf(part)])
  // a link that leans on another key than the one that FOR names
  if (names.some(part => part === undefined) || columns.length !== names.length) {
    const parts = to.key!.map(part => typed(part.name)).join(', ')
    return `SELECT ${parts} FROM ${writtenTable(to)} ORDER BY ${parts} LIMIT ${n}`
  }
  const list = names.map(part => typed(part!.name)).join(', ')
  const nullable = columns.filter(part => !part.notNull).map(part => `${typed(part.name)} IS NOT NULL`)
  const where = nullable.length > 0 ? ` WHERE ${nullable.join(' AND ')}` : ''
  return `SELECT ${list} FROM ${writtenTable(from)}${where} GROUP BY ${list} ORDER BY count(*) DESC, ${list} LIMIT ${n}`
}

const column = (table: Table, { name }: Column): string => `${writtenTable(table)}.${typed(name)}`
