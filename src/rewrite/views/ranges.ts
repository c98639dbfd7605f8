// The tables and views that a query reads from, with their places in its text: names of CTEs are none.

import { offsetOfByte, type Tree, walkTree } from '../postgres-parser.js'
import { quote } from '../quote.js'
import { isSign, isWord, lexSql, type SqlToken } from '../sql-lexer.js'

export interface Range {
  readonly schema: string | null
  readonly name: string
  readonly aliased: boolean
  /** What a sub-query takes the place of. */
  readonly start: number
  readonly end: number
  /** The FROM item that reads a query in its place, under the name it had. */
  write(query: string): string
}

interface RangeVar {
  readonly schemaname?: string
  readonly relname: string
  readonly inh?: boolean
  readonly alias?: unknown
  readonly location?: number
}

/** Fields that hold names of tables which are not read. */
const NOT_READ = new Set(['lockingClause', 'relation', 'into', 'ctes'])

/** @param statements parsed from `text`, or from one of the same length */
export const rangesIn = (text: string, statements: readonly Tree[]): Range[] => {
  const found: RangeVar[] = []
  const visit = (value: unknown, ctes: ReadonlySet<string>): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, ctes)
    else if (value !== null && typeof value === 'object') {
      const node = value as Tree
      const scope = node.withClause ? visitWith(node.withClause as Tree, ctes) : ctes
      for (const [field, child] of Object.entries(node)) {
        if (field === 'RangeVar') {
          const range = child as RangeVar
          if (range.inh && (range.schemaname || !scope.has(range.relname))) found.push(range)
        } else if (field !== 'withClause' && !NOT_READ.has(field)) visit(child, scope)
      }
    }
  }
  /** Each CTE sees those before it, and itself where it is recursive; the query sees them all. */
  const visitWith = ({ ctes, recursive }: Tree, outer: ReadonlySet<string>): ReadonlySet<string> => {
    const scope = new Set(outer)
    const all = (ctes as { CommonTableExpr: { ctename: string; ctequery: Tree } }[]).map(c => c.CommonTableExpr)
    if (recursive) for (const { ctename } of all) scope.add(ctename)
    for (const { ctename, ctequery } of all) {
      visit(ctequery, scope)
      scope.add(ctename)
    }
    return scope
  }
  visit(statements, new Set())
  const tokens = lexSql(text)
  return found.flatMap(range => {
    const at = tokens.findIndex(({ start }) => start === offsetOfByte(text, range.location ?? 0))
    return at < 0 ? [] : [placed(range, tokens, at)]
  })
}

const placed = ({ schemaname, relname, alias }: RangeVar, tokens: readonly SqlToken[], at: number): Range => {
  let end = at
  while (isSign(tokens[end + 1], '.')) end += 2
  // TABLE name is short for SELECT * FROM name
  const isTable = isWord(tokens[at - 1], 'table')
  const named = alias ? '' : ` AS ${quote(relname)}`
  return {
    schema: schemaname ?? null,
    name: relname,
    aliased: alias !== undefined,
    start: tokens[isTable ? at - 1 : at].start,
    end: tokens[end].end,
    write: query => `${isTable ? 'SELECT * FROM ' : ''}(${query})${named}`,
  }
}

/** Where a column is named with the schema of its table, as in `public.churn.country`. */
export interface Qualifier {
  readonly schema: string
  readonly name: string
  /** The schema and its dot. */
  readonly start: number
  readonly end: number
}

/** @param statements parsed from `text`, or from one of the same length */
export const qualifiersIn = (text: string, statements: readonly Tree[]): Qualifier[] => {
  const tokens = lexSql(text)
  const found: Qualifier[] = []
  walkTree(statements, (type, node) => {
    const [schema, name] = type === 'ColumnRef' ? (node.fields as { String?: { sval?: string } }[]) : []
    if (type !== 'ColumnRef' || (node.fields as unknown[]).length !== 3) return true
    const at = tokens.findIndex(({ start }) => start === offsetOfByte(text, Number(node.location ?? 0)))
    const [first, table] = [tokens[at], tokens[at + 2]]
    if (first && table)
      found.push({
        schema: schema.String?.sval ?? '',
        name: name.String?.sval ?? '',
        start: first.start,
        end: table.start,
      })
    return true
  })
  return found
}
