// PREDICT statements for a schema nobody here has seen: which entities have dated rows that refer to them, and what could be
// asked about those.

import { written, writtenTable } from '../graph/catalog/index.js'
import type { Catalog, Column, Link, Table } from '../pql/catalog.js'

export interface Suggestion {
  readonly question: string
  readonly sql: string
}

export interface SuggestionSet {
  readonly queries: readonly Suggestion[]
  /** The same questions about five entities each: cheap to try, and failing where the full ones would. */
  readonly probes: readonly string[]
}

/**
 * Sets of three statements, likeliest first: who falls silent, how much comes, and the first joined to its table. Nothing is
 * read here, so a caller should try each set's probes and show the first that answers.
 */
export function suggest(catalog: Catalog, horizons: readonly number[] = [30, 7, 90]): SuggestionSet[] {
  return candidates(catalog)
    .slice(0, 3)
    .flatMap(link => horizons.map(days => threeQueries(link, days)))
}

/** Links from dated tables to keyed ones, by how much there is to learn from. */
function candidates(catalog: Catalog): Link[] {
  const usable = catalog.links.filter(({ from, to }) => from !== to && to.key !== null && from.time.kind !== 'static')
  const score = (link: Link): number => {
    const rows = Math.max(1, link.from.estimatedRows)
    const entities = Math.max(1, link.to.estimatedRows)
    const own = link.from.time.kind === 'own' ? 2 : 1
    // something that happens again and again to many: one row an entity, or three entities, teach little
    const often = rows / entities < 1.5 ? 0.1 : 1
    const many = entities < 50 ? 0.1 : 1
    return own * often * many * (link.indexed ? 1.5 : 1) * Math.log(entities + 1) * Math.log(rows + 1)
  }
  return usable.sort((a, b) => score(b) - score(a))
}

function threeQueries(link: Link, days: number): SuggestionSet {
  const { from, to } = link
  const child = writtenTable(from)
  const key = to.key!
  const entity =
    key.length === 1 ? column(to, key[0]!) : `${writtenTable(to)}.(${key.map(part => written(part.name)).join(', ')})`
  // two foreign keys between the same tables: the question must say which
  const several = to.children.filter(other => other.from === from).length > 1
  const via = several ? ` VIA ${written(link.columns[0]!.name)}` : ''
  const window = `0, ${days}, days`
  const amount = from.columns.find(part => isAmount(part, from))
  const much = amount ? `SUM(${column(from, amount)}${via}, ${window})` : `COUNT(${child}.*${via}, ${window})`
  const parts = key.map(part => written(part.name)).join(', ')
  const five = `IN (SELECT ${parts} FROM ${writtenTable(to)} ORDER BY ${parts} LIMIT 5)`
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
        ? `what will ${from.name}.${amount.name} add up to ${period}, for five ${to.name}?`
        : `how many ${from.name} will there be ${period}, for five ${to.name}?`,
      sql: `${amountOf5}\n${five}`,
    },
    {
      question: 'the first again, beside the columns you know',
      sql: `SELECT t.*, p.probability\nFROM ${writtenTable(to)} t JOIN (${silent}) p USING (${parts})\nORDER BY p.probability DESC LIMIT 10`,
    },
  ]
  return { queries, probes: [`${silence} FOR ${entity} ${five}`, `${amountOf5} ${five}`] }
}

const column = (table: Table, { name }: Column): string => `${writtenTable(table)}.${written(name)}`

/** A number to add up: neither key nor link, and not said to be a class. */
function isAmount(part: Column, table: Table): boolean {
  if (part.typeClass !== 'number' && part.typeClass !== 'integer') return false
  if (part.tag === 'class' || part.tag === 'exclude') return false
  const keyed = [...(table.key ?? []), ...table.parents.flatMap(link => link.columns)]
  return !keyed.includes(part)
}
