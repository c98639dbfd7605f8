// Whose predictions a query around FOR EACH can look at, as Postgres' own planner tells: the conditions that it applies to the rows of
// an answer where they come in, whatever views, joins and sub-queries they were written behind. Those on the key alone hold for whom
// to score, and cannot change what the query gives.

import { type Notice, PgError } from '../pg-error.js'
import type { Column } from '../pql/catalog.js'
import type { Task, TypedConstant } from '../pql/task.js'
import { conjunctsOf, isPure } from './narrow.js'
import type { Node } from './node.js'
import { explained } from './nodes.js'
import type { TypedParam, Upstream } from './plan.js'
import { parseSql, type Tree, utf16Offset, walkTree } from './postgres-parser.js'
import type { Numbered } from './questions.js'
import type { SegmentText } from './segment-text.js'
import { closing, isSign, isWord, lexSql, nameOf, type SqlToken } from './sql-lexer.js'

/** Alias of an answer's rows in the outer SQL, by which its plan is recognised. */
export const rowsAlias = (firstParam: number): string => `pgpredict_${firstParam}`

/** A condition on the key of an entity: SQL, and columns of its table. */
export type KeyCondition = readonly (string | Column | TypedConstant)[]

/** Whether the statement has conditions, outside of its PREDICTs, and rows of FOR EACH that they could be about. */
export const mayBePushedDown = (
  tokens: readonly SqlToken[],
  questions: readonly Numbered[],
  nodes: readonly Node[],
): boolean =>
  questions.some(({ task, node, pick }) => task.ids.kind === 'each' && node.form !== 'statement' && !pick) &&
  tokens.some(
    token =>
      isWord(token, 'where', 'on', 'having') &&
      !nodes.some(({ start, end }) => token.start >= start && token.end <= end),
  )

interface PlanNode {
  readonly Alias?: string
  readonly Filter?: string
  readonly Plans?: readonly PlanNode[]
}

/** Every node of a plan. */
function* nodesOf(plan: PlanNode): Generator<PlanNode> {
  yield plan
  for (const child of plan.Plans ?? []) yield* nodesOf(child)
}

const EXPLAIN = 'EXPLAIN (VERBOSE, COSTS off, FORMAT json) '

/** The part of an outer text that the server can plan, what stands behind EXPLAIN or within COPY (…), and whether it is explained. */
export const plannedPart = (text: string): { readonly start: number; readonly end: number; explained: boolean } => {
  const tokens = lexSql(text)
  const whole = { start: 0, end: text.length, explained: false }
  const at = explained(tokens)
  if (at > 0) return { ...whole, start: tokens[at].start, explained: true }
  const close = isWord(tokens[0], 'copy') && isSign(tokens[1], '(') ? closing(tokens, 1) : -1
  return close < 0 ? whole : { ...whole, start: tokens[1].end, end: tokens[close].start }
}

/**
 * Has the server plan the outer SQL, which also finds out who may read and write what it names.
 * @returns the plan, for `pushedDown`
 * @throws PgError as the statement itself would fail, with a position in the client's text
 */
export const planAround = async (
  outer: SegmentText,
  { start, end }: ReturnType<typeof plannedPart>,
  params: readonly TypedParam[],
  upstream: Upstream,
): Promise<string> => {
  const [[answer]] = await upstream.query(EXPLAIN + outer.text.slice(start, end), params).catch(error => {
    throw error instanceof PgError ? located(error, outer, start) : error
  })
  return answer!.toString()
}

/** The condition for each question, by its first parameter; none where a row's key is not all that decides, or nothing does. */
export const pushedDown = async (
  plan: string,
  questions: readonly Numbered[],
): Promise<ReadonlyMap<number, KeyCondition>> => {
  const plans = JSON.parse(plan) as readonly { readonly Plan?: PlanNode }[]
  const found = new Map<number, KeyCondition>()
  // a rule upstream may have made several statements of one
  const [{ Plan }] = plans
  if (plans.length > 1 || !Plan) return found
  for (const question of questions) {
    const alias = rowsAlias(question.firstParam)
    const scans = [...nodesOf(Plan)].filter(node => node.Alias === alias || node.Alias?.startsWith(`${alias}_`))
    const conditions = await Promise.all(scans.map(scan => conditionOf(scan, question)))
    const known = conditions.filter(condition => condition !== null)
    if (known.length === 0 || known.length < scans.length) continue
    found.set(
      question.firstParam,
      known.flatMap((condition, i) => (i === 0 ? condition : [' OR ', ...condition])),
    )
  }
  return found
}

/** What a scan's filter says of the key; null where that is nothing. */
const conditionOf = async (
  { Alias = '', Filter }: PlanNode,
  { task, outputs }: Numbered,
): Promise<KeyCondition | null> => {
  if (Filter === undefined) return null
  const tokens = lexSql(Filter)
  const whole = isSign(tokens[0], '(') && closing(tokens, 0) === tokens.length - 1
  const range = whole ? { from: 1, to: tokens.length - 1 } : { from: 0, to: tokens.length }
  const keyColumn = (name: string): Column | undefined => {
    const at = outputs.findIndex(column => column.name === name)
    return at >= 0 && at < task.entity.key.length ? task.entity.key[at] : undefined
  }
  const parts: (string | Column)[] = []
  for (const { from, to } of conjunctsOf(tokens, range)) {
    const text = Filter.slice(tokens[from].start, tokens[to - 1].end)
    const tree = await parseSql(`SELECT 1 WHERE ${text}`)
    const where = tree.kind === 'tree' ? (tree.statements[0].SelectStmt as Tree).whereClause : null
    if (!where || !isPure(where) || !readsOnly(where, name => keyColumn(name) !== undefined)) continue
    parts.push(parts.length === 0 ? '(' : ' AND ')
    let at = tokens[from].start
    for (let i = from; i + 2 < to; i++) {
      const column =
        isSign(tokens[i + 1], '.') && nameOf(Filter, tokens[i]) === Alias && keyColumn(nameOf(Filter, tokens[i + 2]))
      if (!column) continue
      parts.push(Filter.slice(at, tokens[i].start), column)
      at = tokens[i + 2].end
    }
    parts.push(Filter.slice(at, tokens[to - 1].end))
  }
  return parts.length === 0 ? null : [...parts, ')']
}

/** Whether every column is one of these, and no value of another part of the plan is read. */
const readsOnly = (tree: unknown, isKey: (name: string) => boolean): boolean => {
  let only = true
  walkTree(tree, (type, node) => {
    if (type === 'ParamRef') only = false
    else if (type === 'ColumnRef') {
      const fields = node.fields as { String?: { sval?: string } }[]
      only &&= fields.length === 2 && isKey(fields[1].String?.sval ?? '')
    }
    return only
  })
  return only
}

/** An error in the text that was explained, where it is in the client's. */
const located = (error: PgError, outer: SegmentText, start: number): PgError => {
  const { serverPosition } = error
  if (serverPosition === undefined) return error
  const offset = utf16Offset(outer.text.slice(start), serverPosition - 1 - EXPLAIN.length) + start
  return new PgError({ ...error.fields(), position: outer.toSource(offset) ?? undefined })
}

/** What EXPLAIN says of it. */
export const narrowedNotice = ({ entity, narrowed, first }: Task): Notice => {
  const parts = narrowed?.map(part => (typeof part === 'string' ? part : 'constant' in part ? '$n' : part.name))
  const rows = first === undefined ? 'rows' : first === 1 ? 'the first row' : `the first ${first} rows`
  const which = parts ? ` for which ${parts.join('')}` : ''
  return {
    severity: 'NOTICE',
    code: '00000',
    message: `predict: only ${rows} of ${entity.table.name} ${first === 1 ? 'is' : 'are'} scored${which}`,
  }
}
