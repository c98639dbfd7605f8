// What the outer SQL's syntax tree decides: how predictions get into it, and which nodes' rows nobody will see.

import { PgError } from '../pg-error.js'
import { type Tree, walkTree } from './postgres-parser.js'

/** Statements that Postgres plans with the parameters of a Bind. */
export const WITH_PARAMS: ReadonlySet<string> = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CreateTableAsStmt',
  'DeclareCursorStmt',
  'ExplainStmt',
])

const NAMES: Record<string, string> = {
  CreateFunctionStmt: 'CREATE FUNCTION',
  RuleStmt: 'CREATE RULE',
}

const only = (tree: Tree): [string, Tree] => Object.entries(tree)[0] as [string, Tree]

/**
 * How predictions get into a statement: bound, or written out where Postgres plans without parameters; or not now, where it keeps a
 * query (`view`), or its rows and how to make them anew (`store`).
 */
export type Carriage = 'params' | 'literals' | 'view' | 'store'

/** @throws PgError 0A000 for statements that keep a query for later in another way */
export const carriageOf = (statement: Tree, position: number): Carriage => {
  const [outermost, explain] = only(statement)
  const [type, node] = outermost === 'ExplainStmt' ? only(explain.query as Tree) : [outermost, explain]
  const isMaterialized = type === 'CreateTableAsStmt' && node.objtype === 'OBJECT_MATVIEW'
  if (isMaterialized && outermost === 'ExplainStmt')
    throw new PgError({
      code: '0A000',
      message: 'EXPLAIN of CREATE MATERIALIZED VIEW is not supported with PREDICT',
      hint: 'EXPLAIN (COSTS) PREDICT …',
      position,
    })
  if (isMaterialized) return 'store'
  if (WITH_PARAMS.has(type)) return 'params'
  if (type === 'CopyStmt') return 'literals'
  if (type === 'ViewStmt') return 'view'
  const name = NAMES[type]
  throw new PgError({
    code: '0A000',
    message: name ? `PREDICT in ${name} is not supported yet` : 'PREDICT is not supported in this statement',
    hint: 'CREATE TABLE name AS SELECT * FROM (PREDICT …) AS p',
    position,
  })
}

/** Rows go into a table or a file, not to somebody who waits for them. */
export const isBulk = (statement: Tree): boolean => {
  const [type, node] = only(statement)
  return type === 'ExplainStmt' ? isBulk(node.query as Tree) : /^(Insert|CreateTableAs|Copy)Stmt$/.test(type)
}

/** What a row's own expressions are made of: no call, which might gather rows or differ from time to time, and no sub-query. */
const OF_ONE_ROW = new Set(
  (
    'ResTarget ColumnRef A_Star A_Const A_Expr BoolExpr NullTest BooleanTest TypeCast TypeName CoalesceExpr CaseExpr CaseWhen ' +
    'A_ArrayExpr A_Indirection A_Indices CollateClause ParamRef List String Integer Float'
  ).split(' '),
)
const PLAIN = new Set(['targetList', 'fromClause', 'whereClause', 'limitOption', 'op'])

/**
 * Each row of the result is made from one row of the only answer the statement reads, in its order: SELECT, or COPY of one to the client,
 * without joins, groups, orders or limits. Its rows may then be had in parts.
 */
export const isRowByRow = (statement: Tree): boolean => {
  const [type, node] = only(statement)
  if (type !== 'CopyStmt') return type === 'SelectStmt' && selectsRowByRow(node)
  // a binary COPY has a head and a foot
  const binary = optionsOf(node).some(({ defname, arg }) => defname === 'format' && arg?.String?.sval === 'binary')
  return (
    !binary &&
    node.is_from !== true &&
    node.filename === undefined &&
    node.query !== undefined &&
    isRowByRow(node.query as Tree)
  )
}

/** COPY … (HEADER): a line of names comes first. */
export const isHeaded = (statement: Tree): boolean => {
  const [type, node] = only(statement)
  const option = type === 'CopyStmt' ? optionsOf(node).findLast(({ defname }) => defname === 'header') : undefined
  return option !== undefined && isOn(option)
}

const selectsRowByRow = (select: Tree): boolean => {
  if (Object.keys(select).some(key => !PLAIN.has(key)) || (select.op !== undefined && select.op !== 'SETOP_NONE'))
    return false
  const from = (select.fromClause ?? []) as Tree[]
  if (from.length !== 1) return false
  for (const part of [select.targetList, select.whereClause]) {
    let plain = true
    walkTree(part, kind => {
      plain &&= OF_ONE_ROW.has(kind)
      return plain
    })
    if (!plain) return false
  }
  const [kind, item] = only(from[0])
  if (kind === 'RangeSubselect') return item.lateral !== true && isRowByRow(item.subquery as Tree)
  // ROWS FROM (unnest($1), …) is an answer
  let calls = false
  walkTree(item.functions, name => {
    if (name === 'ParamRef') calls = true
    return !calls
  })
  return kind === 'RangeFunction' && item.is_rowsfrom === true && calls
}

/** DECLARE CURSOR without HOLD: the server would refuse it outside a transaction block, had our own queries not begun one. */
export const needsBlock = (statement: Tree): boolean => {
  const [type, node] = only(statement)
  return type === 'DeclareCursorStmt' && (Number(node.options ?? 0) & CURSOR_HOLD) === 0
}

const CURSOR_HOLD = 0x20

/**
 * Whether what the outer SQL names is only known to be there, and open to the role, once it is planned: relations, the one it makes among
 * them, and all that stands within COPY (…).
 */
export const mayFailLate = (statement: Tree): boolean => {
  let found = false
  walkTree(statement, type => {
    found ||= /^(RangeVar|(Insert|Update|Delete|Merge|CreateTableAs|Copy)Stmt)$/.test(type)
    return !found
  })
  return found
}

/** The relation that CREATE VIEW or CREATE … AS makes. */
export const targetOf = (statement: Tree): { readonly schema: string | null; readonly name: string } | null => {
  const { ViewStmt, CreateTableAsStmt } = statement as {
    ViewStmt?: { view: RangeVar }
    CreateTableAsStmt?: { into: { rel: RangeVar } }
  }
  const range = ViewStmt?.view ?? CreateTableAsStmt?.into.rel
  return range ? { schema: range.schemaname ?? null, name: range.relname } : null
}

interface RangeVar {
  readonly schemaname?: string
  readonly relname: string
}

/** Uses of each parameter. */
type Counts = Map<number, number>

/** Numbers of the parameters whose values the statement never reads: behind EXPLAIN, LIMIT 0, WHERE false, WITH NO DATA. */
export const unreadParams = (statement: Tree): ReadonlySet<number> => {
  const unread: Counts = new Map()
  const used: Counts = new Map()
  visitStatement(statement, unread)
  addParams(statement, used)
  return new Set([...unread.keys()].filter(number => unread.get(number) === used.get(number)))
}

const addParams = (tree: unknown, into: Counts): void =>
  walkTree(tree, (type, node) => {
    const number = Number(node.number ?? 0)
    if (type === 'ParamRef') into.set(number, (into.get(number) ?? 0) + 1)
    return true
  })

/** A data-modifying CTE runs to its end, whoever reads it. */
const modifies = (tree: unknown): boolean => {
  let found = false
  walkTree(tree, type => {
    if (/^(Insert|Update|Delete|Merge)Stmt$/.test(type)) found = true
    return !found
  })
  return found
}

const visitStatement = (statement: Tree, unread: Counts): void => {
  const [type, node] = only(statement)
  if (type === 'SelectStmt') visitSelect(node, unread)
  else if (type === 'ExplainStmt') {
    if (analyzes(node)) visitStatement(node.query as Tree, unread)
    else addParams(node, unread)
  } else if (type === 'CreateTableAsStmt') {
    if ((node.into as { skipData?: boolean } | undefined)?.skipData) addParams(node, unread)
    else visitStatement(node.query as Tree, unread)
  } else if (type === 'DeclareCursorStmt' || type === 'CopyStmt') visitStatement(node.query as Tree, unread)
  else if (type === 'InsertStmt' && node.selectStmt) visitStatement(node.selectStmt as Tree, unread)
}

interface Option {
  readonly defname?: string
  readonly arg?: { readonly String?: { readonly sval?: string }; readonly Integer?: { readonly ival?: number } }
}

const optionsOf = ({ options }: Tree): Option[] =>
  ((options ?? []) as { DefElem?: Option }[]).flatMap(({ DefElem }) => DefElem ?? [])

/** A boolean option as Postgres reads it; an unclear one counts as yes. */
const isOn = ({ arg }: Option): boolean =>
  arg?.Integer ? (arg.Integer.ival ?? 0) !== 0 : !/^(false|off)$/i.test(arg?.String?.sval ?? 'on')

/** EXPLAIN (ANALYZE …): the last one counts. */
const analyzes = (explain: Tree): boolean => {
  const option = optionsOf(explain).findLast(({ defname }) => defname === 'analyze')
  return option !== undefined && isOn(option)
}

const visitSelect = (select: Tree, unread: Counts): void => {
  const from = (select.fromClause ?? []) as Tree[]
  if (isZero(select.limitCount) && !modifies(select)) addParams(select, unread)
  else if (isFalse(select.whereClause)) addParams(from, unread)
  else for (const item of from) visitFrom(item, unread)
}

const visitFrom = (item: Tree, unread: Counts): void => {
  const [type, node] = only(item)
  if (type === 'RangeSubselect') visitStatement(node.subquery as Tree, unread)
  else if (type === 'JoinExpr') {
    visitFrom(node.larg as Tree, unread)
    visitFrom(node.rarg as Tree, unread)
  }
}

interface Const {
  readonly ival?: { readonly ival?: number }
  readonly boolval?: { readonly boolval?: boolean }
}

const constant = (tree: unknown): Const | undefined => (tree as { A_Const?: Const } | undefined)?.A_Const

const integer = (tree: unknown): number | null => {
  const value = constant(tree)?.ival
  return value ? (value.ival ?? 0) : null
}

const isZero = (tree: unknown): boolean => integer(tree) === 0

/** false, or two different integers said to be equal (1 = 0, as tools write it), or an AND with one of them. */
const isFalse = (tree: unknown): boolean => {
  const value = constant(tree)?.boolval
  if (value) return value.boolval !== true
  const { BoolExpr, A_Expr } = (tree ?? {}) as {
    BoolExpr?: { boolop?: string; args?: unknown[] }
    A_Expr?: { kind?: string; name?: { String?: { sval?: string } }[]; lexpr?: unknown; rexpr?: unknown }
  }
  if (BoolExpr?.boolop === 'AND_EXPR') return (BoolExpr.args ?? []).some(isFalse)
  if (A_Expr?.kind !== 'AEXPR_OP' || A_Expr.name?.length !== 1 || A_Expr.name[0].String?.sval !== '=') return false
  const [left, right] = [integer(A_Expr.lexpr), integer(A_Expr.rexpr)]
  return left !== null && right !== null && left !== right
}
