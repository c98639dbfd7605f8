// How many rows of an answer a LIMIT lets anybody see, where the query takes them as they come: without conditions, groups or an order,
// straight from the answer or from its join with the table that it is about. Then only as many are scored.

import type { Column } from '../pql/catalog.js'
import type { Task } from '../pql/task.js'
import { isPure } from './narrow.js'
import { type Tree, walkTree } from './postgres-parser.js'

/** A LIMIT and its OFFSET: numbers, and parameters of the client's. */
interface Limit {
  readonly rows: number
  readonly params: readonly number[]
}

/** What LIMITs leave of the rows of an answer. */
export interface FirstRows {
  /** The least of them counts. */
  readonly limits: readonly Limit[]
  /** Tables that they are joined with, by the columns of these names; each row is kept only if that is by the answer's own key. */
  readonly joined: readonly Joined[]
}

interface Joined {
  readonly schema: string | null
  readonly table: string
  readonly columns: readonly string[]
}

/** Answers by the numbers of their parameters; one that is read in several places is left out. */
export const firstRows = (statement: Tree): ReadonlyMap<number, FirstRows> => {
  const found = new Map<number, FirstRows>()
  const uses = new Map<number, number>()
  const ctes = new Set<string>()
  walkTree(statement, (type, node) => {
    if (type === 'ParamRef') uses.set(Number(node.number), (uses.get(Number(node.number)) ?? 0) + 1)
    if (type === 'CommonTableExpr') ctes.add(node.ctename as string)
    return true
  })
  visitStatement(statement, found)
  for (const [number, { joined }] of found)
    if (uses.get(number) !== 1 || joined.some(({ schema, table }) => schema === null && ctes.has(table)))
      found.delete(number)
  return found
}

/**
 * The number of entities that a question needs to be asked about; null: all of them.
 * @param value of a parameter of the client's, where it is a whole number
 */
export const firstOf = (
  task: Task,
  found: FirstRows | undefined,
  value: (param: number) => number | null,
): number | null => {
  if (!found || task.ids.kind !== 'each' || !ROW_EACH.has(task.kind)) return null
  const { table, key } = task.entity
  const own = ({ schema, table: name, columns }: Joined) =>
    name === table.name && (schema === null ? table.visible : schema === table.schema) && areNames(columns, key)
  if (!found.joined.every(own)) return null
  const known = found.limits.flatMap(({ rows, params }) => {
    const values = params.map(value)
    return values.includes(null) ? [] : [values.reduce<number>((sum, of) => sum + Math.max(0, of!), rows)]
  })
  // of no rows at all the server says so
  return known.length === 0 ? null : Math.max(1, Math.min(...known))
}

/** Kinds of tasks that answer every entity with a row, or several. */
const ROW_EACH: ReadonlySet<Task['kind']> = new Set(['binary', 'numeric', 'multiclass', 'forecast'])

const areNames = (names: readonly string[], key: readonly Column[]): boolean =>
  names.length === key.length && key.every(({ name }) => names.includes(name))

type Found = Map<number, FirstRows>

const only = (tree: Tree): [string, Tree] => Object.entries(tree)[0] as [string, Tree]

const visitStatement = (statement: Tree, found: Found): void => {
  const [type, node] = only(statement)
  if (type === 'SelectStmt') visitSelect(node, null, [], found)
  else if (type === 'InsertStmt' && node.selectStmt) visitStatement(node.selectStmt as Tree, found)
  else if (/^(Explain|CreateTableAs|DeclareCursor|Copy)Stmt$/.test(type) && node.query)
    visitStatement(node.query as Tree, found)
}

/** What makes the rows of a SELECT others than those of its FROM, one for one and as they come. */
const CHANGES =
  'whereClause groupClause havingClause distinctClause windowClause sortClause lockingClause withClause valuesLists'

/** @param wanted limits to the rows that the query around takes of this one; null: all, or who knows which */
const visitSelect = (select: Tree, wanted: readonly Limit[] | null, joined: readonly Joined[], found: Found): void => {
  if (select.op !== undefined && select.op !== 'SETOP_NONE') return
  const plain = CHANGES.split(' ').every(name => select[name] === undefined) && onlyComputes(select)
  const limit = limitOf(select)
  const rows = !plain ? null : limit ? [...(wanted ?? []), limit] : wanted
  const from = (select.fromClause ?? []) as Tree[]
  if (from.length === 1) visitFrom(from[0], rows, joined, found)
  else for (const item of from) visitFrom(item, null, [], found)
}

const visitFrom = (item: Tree, wanted: readonly Limit[] | null, joined: readonly Joined[], found: Found): void => {
  const [type, node] = only(item)
  if (type === 'RangeSubselect') visitSelect(selectOf(node), wanted, joined, found)
  else if (type === 'RangeFunction' && wanted !== null) {
    for (const number of paramsIn(node)) found.set(number, { limits: wanted, joined })
  } else if (type === 'JoinExpr') {
    const sides = [node.larg as Tree, node.rarg as Tree]
    const at = sides.findIndex(side => side.RangeVar !== undefined)
    const beside =
      at >= 0 && node.jointype === 'JOIN_INNER' && besideAnswer(node, sides[at].RangeVar as Tree, sides[1 - at])
    if (beside) visitFrom(sides[1 - at], wanted, [...joined, beside], found)
    else for (const side of sides) visitFrom(side, null, [], found)
  }
}

const onlyComputes = ({ targetList }: Tree): boolean =>
  ((targetList ?? []) as { ResTarget: { val: Tree } }[]).every(
    ({ ResTarget: { val } }) => val.ColumnRef !== undefined || isPure(val),
  )

const selectOf = (range: Tree): Tree => (range.subquery as { SelectStmt?: Tree }).SelectStmt ?? {}

interface Aliased {
  readonly alias?: { readonly colnames?: unknown }
}

/** The table of `FROM table JOIN answer USING (…)`; null for another join, and for columns that go by other names than their own. */
const besideAnswer = (join: Tree, table: Tree, other: Tree): Joined | null => {
  const { schemaname, relname, inh, alias } = table as Aliased & {
    schemaname?: string
    relname?: string
    inh?: boolean
  }
  const columns = ((join.usingClause ?? []) as { String?: { sval?: string } }[]).map(name => name.String?.sval ?? '')
  if (relname === undefined || !inh || alias?.colnames || join.alias || columns.length === 0 || !keeps(columns, other))
    return null
  return { schema: schemaname ?? null, table: relname, columns }
}

/** Whether these columns of an answer come out of sub-selects as they are. */
const keeps = (columns: readonly string[], item: Tree): boolean => {
  if (item.RangeFunction) return true
  const range = item.RangeSubselect as (Tree & Aliased) | undefined
  if (!range || range.alias?.colnames) return false
  const { targetList = [], fromClause = [] } = selectOf(range) as {
    targetList?: { ResTarget: { name?: string; val: { ColumnRef?: { fields: { String?: { sval: string } }[] } } } }[]
    fromClause?: Tree[]
  }
  const passed = targetList.every(({ ResTarget: { name, val } }) =>
    name === undefined || columns.includes(name)
      ? val.ColumnRef && (name === undefined || val.ColumnRef.fields.at(-1)?.String?.sval === name)
      : true,
  )
  return passed && fromClause.length === 1 && keeps(columns, fromClause[0])
}

const paramsIn = (tree: unknown): number[] => {
  const numbers: number[] = []
  walkTree(tree, (type, node) => {
    if (type === 'ParamRef') numbers.push(Number(node.number))
    return true
  })
  return numbers
}

/** LIMIT, and the rows that OFFSET skips; null where it has none, or neither a plain number nor a parameter. */
const limitOf = ({ limitCount, limitOffset }: Tree): Limit | null => {
  if (limitCount === undefined) return null
  const counts = [limitCount, limitOffset].filter(tree => tree !== undefined).map(countOf)
  if (counts.some(count => count === null)) return null
  const params = counts.flatMap(count => (typeof count === 'object' && count ? [count.param] : []))
  return { rows: counts.reduce<number>((sum, count) => sum + (typeof count === 'number' ? count : 0), 0), params }
}

const countOf = (tree: unknown): number | { readonly param: number } | null => {
  const { A_Const, ParamRef, TypeCast } = tree as {
    readonly A_Const?: { readonly ival?: { readonly ival?: number } }
    readonly ParamRef?: { readonly number: number }
    readonly TypeCast?: { readonly arg?: { readonly ParamRef?: { readonly number: number } } }
  }
  const param = (ParamRef ?? TypeCast?.arg?.ParamRef)?.number
  return param !== undefined ? { param } : A_Const?.ival ? (A_Const.ival.ival ?? 0) : null
}
