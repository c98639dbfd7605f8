// The third spelling, for tools whose own parser takes only SELECT: predict($$ … $$, mode => 'fast') in FROM; and predict_rows(…), the same,
// for those whose parser takes predict() for a function of another database. Found in the syntax tree, so that a predict() anywhere else
// stays what it is.

import { PgError } from '../pg-error.js'
import type { Constant, OptionSyntax } from '../pql/ast.js'
import type { Node } from './node.js'

import { textParam, type Upstream } from './plan.js'
import { offsetOfByte, type Tree, walkTree } from './postgres-parser.js'
import { closing, lexSql, type SqlToken } from './sql-lexer.js'

interface Call {
  readonly args?: readonly Tree[]
  readonly location?: number
}

interface Range {
  readonly functions?: readonly { readonly List?: { readonly items?: readonly Tree[] } }[]
  readonly alias?: unknown
  readonly ordinality?: boolean
  readonly is_rowsfrom?: boolean
  readonly coldeflist?: readonly unknown[]
}

const NAME = 19

/** Names of the function. sqlglot, through which Superset reads SQL, takes predict(…) for BigQuery's, and refuses it. */
export const FUNCTION_NAMES = ['predict', 'predict_rows']

/** As `pgpredict init` makes one. */
export const QUALIFIED = 'predict.predict'

/** Whether somebody has a function of this name of their own, found as the name is written: it wins over ours. */
export const predictFunctionExists = async (upstream: Pick<Upstream, 'query'>, name: string): Promise<boolean> => {
  const found = name === QUALIFIED ? `n.nspname = 'predict'` : 'pg_catalog.pg_function_is_visible(p.oid)'
  const rows = await upstream.query(
    `SELECT 1 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE p.proname OPERATOR(pg_catalog.=) $1 AND ${found}
        AND (n.nspname <> 'predict' OR coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '') !~ '@predict schema') LIMIT 1`,
    [textParam(NAME, name.split('.').at(-1)!)],
  )
  return rows.length > 0
}

/**
 * The calls of predict() in FROM, by the function's name, which may have a schema.
 * @param parsed the text that `statements` were parsed from; its offsets are those of the client's text `sql`
 * @throws PgError where such a call cannot be answered; only worth knowing if no function of the user's has that name
 */
export const functionNodes = (
  sql: string,
  parsed: string,
  tokens: readonly SqlToken[],
  statements: readonly Tree[],
): { names: readonly string[]; nodes: (names: readonly string[]) => Node[] } => {
  const ranges: { range: Range; call: Call; name: string }[] = []
  walkTree(statements, (type, node) => {
    if (type !== 'RangeFunction') return true
    const range = node as Range
    for (const { List } of range.functions ?? []) {
      const call = List?.items?.[0]?.FuncCall as (Call & { funcname?: { String?: { sval?: string } }[] }) | undefined
      const name = (call?.funcname ?? []).map(part => part.String?.sval).join('.')
      if (call && (FUNCTION_NAMES.includes(name) || name === QUALIFIED)) ranges.push({ range, call, name })
    }
    return true
  })
  return {
    names: [...new Set(ranges.map(({ name }) => name))],
    nodes: names =>
      ranges
        .filter(({ name }) => names.includes(name))
        .map(({ range, call, name }) => functionNode(sql, parsed, tokens, range, call, name)),
  }
}

const functionNode = (
  sql: string,
  parsed: string,
  tokens: readonly SqlToken[],
  range: Range,
  call: Call,
  called: string,
): Node => {
  const indexAt = (location: number | undefined): number => {
    const start = offsetOfByte(parsed, location ?? 0)
    return tokens.findIndex(token => token.start === start)
  }
  const name = indexAt(call.location)
  const start = tokens[name].start
  const refuse = (message: string, hint: string, position = start) =>
    new PgError({ code: '0A000', message, hint, position })
  if (range.ordinality || range.is_rowsfrom || range.coldeflist)
    throw refuse(
      `${called}() takes no ${range.coldeflist ? 'column definitions' : range.ordinality ? 'WITH ORDINALITY' : 'ROWS FROM'}`,
      `Write: FROM ${called}($$ … $$) AS p`,
    )
  const [first, ...rest] = call.args ?? []
  const text = stringConstant(first)
  if (text === null)
    throw refuse(
      `the text of ${called}() must be a constant`,
      `Write: FROM ${called}($$ … $$) AS p; parameters may stand in the text.`,
    )
  const { pql, toClient } = pqlOf(text, sql, tokens[indexAt(text.location)])
  const options = rest.map(arg =>
    optionOf(arg, location => offsetOfByte(parsed, location), pql.length + 1, called, refuse),
  )
  return {
    form: 'function',
    start,
    end: tokens[closing(tokens, called === QUALIFIED ? name + 3 : name + 1)].end,
    pql,
    toClient: offset => (offset <= pql.length ? toClient(offset) : offset - pql.length - 1),
    options,
    alias: range.alias ? null : called.split('.').at(-1)!,
    keys: null,
    varies: false,
    facet: null,
    ofClass: null,
  }
}

interface Text {
  readonly text: string
  readonly location: number
}

const stringConstant = (arg: Tree | undefined): Text | null => {
  const cast = arg?.TypeCast as { arg?: Tree } | undefined
  const constant = (cast ? cast.arg?.A_Const : arg?.A_Const) as
    | { sval?: { sval?: string }; location?: number }
    | undefined
  return constant?.sval ? { text: constant.sval.sval ?? '', location: constant.location ?? 0 } : null
}

/** The PQL of a string constant, its leading PREDICT supplied where it was left out, and the way back to the client's text. */
export const pqlOf = (
  { text }: { readonly text: string },
  sql: string,
  token: SqlToken,
): { pql: string; toClient: (offset: number) => number } => {
  const toClient = withinString(text, sql, token)
  const [first, second] = lexSql(text)
  const spelled = first?.kind === 'word' && first.text === 'predict' && second?.text !== '.'
  if (spelled) return { pql: text, toClient }
  const supplied = 'PREDICT '
  return { pql: supplied + text, toClient: offset => toClient(Math.max(0, offset - supplied.length)) }
}

/** Offset in the client's text for an offset in what a string constant stands for; its start where escapes blur it. */
const withinString = (text: string, sql: string, token: SqlToken): ((offset: number) => number) => {
  const raw = sql.slice(token.start, token.end)
  if (raw.startsWith('$')) {
    const open = token.start + raw.indexOf('$', 1) + 1
    return offset => open + offset
  }
  if (raw.startsWith("'") && raw.slice(1, -1).replaceAll("''", "'") === text)
    return offset => token.start + 1 + offset + text.slice(0, offset).split("'").length - 1
  return () => token.start
}

/** `name => constant`; its span counts from `base`, past the end of the PQL text, since it lies outside of it. */
const optionOf = (
  arg: Tree,
  offsetOf: (location: number) => number,
  base: number,
  called: string,
  refuse: (message: string, hint: string, position?: number) => PgError,
): OptionSyntax => {
  const named = arg.NamedArgExpr as { name?: string; arg?: Tree; location?: number } | undefined
  if (!named) throw refuse(`${called}() takes one text and named options`, `Write: ${called}($$ … $$, mode => 'fast')`)
  const start = base + offsetOf(named.location ?? 0)
  const name = named.name ?? ''
  const span = { start, end: start + name.length }
  const value = constantOf(named.arg, span)
  if (!value)
    throw refuse(`option "${name}" of ${called}() must be a constant`, `Write: ${name} => 'value'`, start - base)
  return { ...span, name: { ...span, text: name, quoted: false }, value }
}

const constantOf = (arg: Tree | undefined, span: { start: number; end: number }): Constant | null => {
  const param = arg?.ParamRef as { number: number } | undefined
  if (param) return { ...span, kind: 'param', index: param.number }
  const value = arg?.A_Const as
    | { sval?: { sval?: string }; ival?: { ival?: number }; fval?: { fval?: string }; boolval?: { boolval?: boolean } }
    | undefined
  if (value?.sval) return { ...span, kind: 'string', text: value.sval.sval ?? '' }
  if (value?.ival) return { ...span, kind: 'number', text: String(value.ival.ival ?? 0) }
  if (value?.fval) return { ...span, kind: 'number', text: value.fval.fval ?? '0' }
  if (value?.boolval) return { ...span, kind: 'bool', value: value.boolval.boolval ?? false }
  return null
}
