// Whose predictions a query can look at: the keys that its own FROM and WHERE give, where a second reading of them can be trusted to
// give no fewer. A condition that is not plainly free of side effects, or that reads a prediction, is left out: then more rows are
// scored, and never a wrong one.

import type { Catalog, Column } from '../pql/catalog.js'
import type { Ids } from '../pql/task.js'
import type { KeyExpression } from './correlate.js'
import type { Found } from './locate.js'
import type { Node } from './node.js'
import { parseSql, type Tree, walkTree } from './postgres-parser.js'
import { castName, quote } from './quote.js'
import { type Edit, edited } from './segment-text.js'
import { isSign, isWord, type SqlToken } from './sql-lexer.js'
import { type InParts, inParts } from './verbatim.js'
import { rangesIn } from './views/ranges.js'

/** Nodes of expressions that only compute. A call is none of them: it may be volatile. */
const PURE = new Set(
  (
    'ColumnRef String A_Const A_Expr BoolExpr NullTest BooleanTest ParamRef TypeCast TypeName List Integer Float A_ArrayExpr ' +
    'SQLValueFunction CoalesceExpr CaseExpr CaseWhen MinMaxExpr'
  ).split(' '),
)

/** Words that end FROM or WHERE outside parentheses. */
const AFTER = 'group having window order limit offset fetch union intersect except returning'.split(' ')

/** Tokens [from, to). */
export interface Range {
  readonly from: number
  readonly to: number
}

interface Select {
  readonly from: Range
  readonly where: Range | null
  /** Its names may be those of a query around it. */
  readonly nested: boolean
}

export const depthOf = (token: SqlToken): number =>
  isSign(token, '(') || isSign(token, '[') ? 1 : isSign(token, ')') || isSign(token, ']') ? -1 : 0

/** Index of the SELECT that the token at `at` is evaluated in, or -1. */
const selectAround = (tokens: readonly SqlToken[], at: number): number => {
  let depth = 0
  for (let i = at - 1; i >= 0; i--) {
    if (depth === 0 && isWord(tokens[i], 'select')) return i
    if (depth === 0 && isWord(tokens[i], 'update', 'delete', 'merge', 'values')) return -1
    depth = Math.max(0, depth - depthOf(tokens[i]))
  }
  return -1
}

/** FROM and WHERE of the SELECT at `start`; null where it has none, or locks its rows. */
const readSelect = (tokens: readonly SqlToken[], start: number): Select | null => {
  let depth = 0
  let from = -1
  let where = -1
  let end = -1
  let i = start + 1
  for (; i < tokens.length; i++) {
    const token = tokens[i]
    depth += depthOf(token)
    if (depth < 0 || isSign(token, ';')) break
    if (depth > 0 || token.kind !== 'word') continue
    if (token.text === 'for') return null
    if (token.text === 'from' && from < 0 && !isWord(tokens[i - 1], 'distinct')) from = i + 1
    else if (from < 0 || end >= 0) continue
    else if (token.text === 'where') where = i + 1
    else if (AFTER.includes(token.text) || (token.text === 'on' && isWord(tokens[i + 1], 'conflict'))) end = i
  }
  if (from < 0) return null
  if (end < 0) end = i
  return {
    from: { from, to: where < 0 ? end : where - 1 },
    where: where < 0 ? null : { from: where, to: end },
    nested: tokens.slice(0, start).reduce((sum, token) => sum + depthOf(token), 0) > 0,
  }
}

/** The conditions that AND joins in a range of tokens; one where OR stands among them. */
export const conjunctsOf = (tokens: readonly SqlToken[], { from, to }: Range): Range[] => {
  const found: Range[] = []
  let start = from
  let depth = 0
  let between = false
  for (let i = from; i < to; i++) {
    depth += depthOf(tokens[i])
    if (isWord(tokens[i], 'case')) depth++
    else if (isWord(tokens[i], 'end')) depth--
    if (depth > 0) continue
    if (isWord(tokens[i], 'or')) return [{ from, to }]
    if (isWord(tokens[i], 'between')) between = true
    else if (isWord(tokens[i], 'and')) {
      if (!between) {
        found.push({ from: start, to: i })
        start = i + 1
      }
      between = false
    }
  }
  return [...found, { from: start, to }]
}

/** FROM in front of a LATERAL item: what gives the rows that it is about. */
export const before = (tokens: readonly SqlToken[], from: Range, at: number): Range | null => {
  let to = at
  if (isWord(tokens[to - 1], 'lateral')) to--
  if (isSign(tokens[to - 1], ',')) to--
  else if (isWord(tokens[to - 1], 'join')) {
    to--
    while (isWord(tokens[to - 1], 'cross', 'inner', 'left', 'outer')) to--
    if (isWord(tokens[to - 1], 'right', 'full', 'natural')) return null
  } else return null
  const depth = tokens.slice(from.from, to).reduce((sum, token) => sum + depthOf(token), 0)
  return to > from.from && depth === 0 ? { from: from.from, to } : null
}

/** Names of the tables of FROM; null where something else stands in it, or a condition that may do more than compare. */
const tablesIn = (items: readonly Tree[], ctes: ReadonlySet<string>): Set<string> | null => {
  const names = new Set<string>()
  for (const item of items) {
    const table = item.RangeVar as { relname: string; schemaname?: string; alias?: { aliasname: string } } | undefined
    const join = item.JoinExpr as { larg: Tree; rarg: Tree; quals?: Tree; alias?: unknown } | undefined
    if (table) {
      if (!table.schemaname && ctes.has(table.relname)) return null
      names.add(table.alias?.aliasname ?? table.relname)
    } else if (join && !join.alias && isPure(join.quals)) {
      const inner = tablesIn([join.larg, join.rarg], ctes)
      if (!inner) return null
      for (const name of inner) names.add(name)
    } else return null
  }
  return names
}

/** Whether an expression only computes. */
export const isPure = (tree: unknown): boolean => {
  let pure = true
  walkTree(tree, type => {
    pure &&= PURE.has(type)
    return pure
  })
  return pure
}

/** Whether every column is one of these tables', told by its name. */
const isOf = (tree: unknown, names: ReadonlySet<string>): boolean => {
  let own = true
  walkTree(tree, (type, node) => {
    if (type !== 'ColumnRef') return true
    const [table, column] = node.fields as { String?: { sval?: string } }[]
    own &&= column?.String !== undefined && names.has(table.String?.sval ?? '')
    return own
  })
  return own
}

const parsed = async (sql: string): Promise<Tree | null> => {
  const outcome = await parseSql(sql)
  return outcome.kind === 'tree' ? ((outcome.statements[0]?.SelectStmt as Tree | undefined) ?? null) : null
}

/** Where keys come from: FROM and WHERE of a query, as far as they are to be read. */
export interface Origin {
  readonly from: Range
  readonly where: Range | null
  /** Expressions for the key columns. */
  readonly values: readonly string[]
  /** Every column must say whose it is: some may be those of a query around, or of the answer itself. */
  readonly strict: boolean
  /** They are compared with the key as they are; those of USING are columns of FROM, whosever. */
  readonly joined?: 'using' | 'on'
}

/** null: it cannot be trusted to give them all. */
export const queryForKeys = async (
  { sql, tokens, nodes, statements }: Found,
  { from, where, values, strict, joined }: Origin,
  key: readonly Column[],
  { catalog, declared }: Around,
): Promise<InParts | null> => {
  const span = ({ from, to }: Range) => ({ start: tokens[from].start, end: tokens[to - 1].end })
  const text = (range: Range) => sql.slice(span(range).start, span(range).end)
  const holdsNode = (range: Range) => nodes.some(({ start }) => start >= span(range).start && start < span(range).end)
  if (from.to <= from.from || holdsNode(from)) return null
  const ctes = new Set<string>()
  walkTree(statements, (type, { ctename }) => {
    if (type === 'CommonTableExpr') ctes.add(ctename as string)
    return true
  })
  const plain = `SELECT ${values.join(', ')} FROM ${text(from)}`
  const tree = await parsed(plain)
  const names = tree && tablesIn(tree.fromClause as readonly Tree[], ctes)
  const fits = (tree: unknown) => isPure(tree) && (!strict || isOf(tree, names!))
  const targets = ((tree?.targetList ?? []) as { ResTarget: { val: Tree } }[]).map(({ ResTarget }) => ResTarget.val)
  if (!names || !(joined === 'using' ? isPure(targets) : fits(targets)) || (strict && !isOf(tree!.fromClause, names)))
    return null
  const conditions: string[] = []
  for (const range of where ? conjunctsOf(tokens, where) : []) {
    if (range.to <= range.from || holdsNode(range)) continue
    const condition = await parsed(`${plain} WHERE ${text(range)}`)
    if (condition?.whereClause && fits(condition.whereClause)) conditions.push(`(${text(range)})`)
  }
  const casts = key.map((column, i) => `${values[i]}${joined ? '' : `::${lookedUpAs(column)}`} AS k${i + 1}`)
  const filter = conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''
  const inner = await withSchemas(`SELECT ${casts.join(', ')} FROM ${text(from)}${filter}`, catalog)
  const notNull = key.map((_, i) => `k${i + 1} IS NOT NULL`).join(' AND ')
  return inner === null ? null : inParts(`SELECT * FROM (${inner}) AS k WHERE ${notNull}`, declared)
}

/** Type that a value is cast to, to be compared with a key: any whole number may be compared with any other. */
const lookedUpAs = ({ type, typeName }: Column): string =>
  [20, 21, 23].includes(type) ? 'pg_catalog.int8' : castName(typeName)

/** What else decides how a text is read. */
export interface Around {
  readonly catalog: Catalog
  /** Types of the client's parameters. */
  readonly declared: readonly number[]
}

/**
 * The keys that the query around `node` can ask for, as a query for them; null where that is not known: every key, then.
 * @param keys an expression for each column of `key`
 */
export const narrow = async (
  found: Found,
  node: Node,
  keys: readonly KeyExpression[],
  key: readonly Column[],
  around: Around,
): Promise<Extract<Ids, { kind: 'query' }> | null> => {
  const place = placeOf(found.tokens, node)
  if (!place) return null
  const { select, at, inside } = place
  const from = inside ? before(found.tokens, select.from, at - 1) : select.from
  const where = inside && extendsNulls(found.tokens, { from: at, to: select.from.to }) ? null : select.where
  const values = keys.map(({ prefix, start, end }) => `(${prefix}${found.sql.slice(start, end)})`)
  const origin = from && { from, where, values, strict: select.nested || inside }
  const sql = origin && (await queryForKeys(found, origin, key, around))
  return sql && { kind: 'query', sql, span: { start: 0, end: 0 } }
}

/**
 * Whether a join in a range of FROM may give rows with NULLs for what stands in front of it: then a condition of WHERE holds for
 * other rows than those that FROM begins with.
 */
export const extendsNulls = (tokens: readonly SqlToken[], { from, to }: Range): boolean =>
  tokens
    .slice(from, to)
    .some((token, i) => isWord(token, 'right', 'full') && isWord(tokens[from + i + 1], 'join', 'outer'))

/** The SELECT around a node, and whether the node stands in its FROM. */
export const placeOf = (tokens: readonly SqlToken[], node: Node) => {
  const at = tokens.findIndex(({ start }) => start === node.start)
  const start = selectAround(tokens, at)
  const select = start < 0 ? null : readSelect(tokens, start)
  return select && { select, at, inside: at >= select.from.from && at < select.from.to }
}

/** The query with the schema of each table, for a statement of ours that has names of its own; null where one is not in the catalog. */
const withSchemas = async (sql: string, catalog: Catalog): Promise<string | null> => {
  const outcome = await parseSql(sql)
  if (outcome.kind !== 'tree') return null
  const edits: Edit[] = []
  for (const range of rangesIn(sql, outcome.statements)) {
    const table = catalog.tables.find(
      ({ name, schema, visible }) => name === range.name && (range.schema === null ? visible : schema === range.schema),
    )
    if (!table) return null
    const alias = range.aliased ? '' : ` AS ${quote(table.name)}`
    edits.push({ start: range.start, end: range.end, text: `${quote(table.schema)}.${quote(table.name)}${alias}` })
  }
  return edited(sql, edits).text
}
