// From a statement that may hold a PREDICT to the plan of how to run it. Everything cheap comes first: most texts that name one of
// our words are ordinary statements all the same.

import { type Notice, PgError } from '../pg-error.js'
import type { PredictSyntax } from '../pql/ast.js'
import type { Catalog } from '../pql/catalog.js'
import { assertSupported, check, type Given, outputColumns, type Parsed, parsePredict } from '../pql/index.js'
import type { OutputColumn, Task } from '../pql/task.js'
import { aliasesIn } from './aliases.js'
import { arrayParam, encodeArray, OID } from './binary-array.js'
import { predictFunctionExists } from './function-nodes.js'
import { type Found, locate, statementsOf } from './locate.js'
import { createLru } from './lru.js'
import type { Node } from './nodes.js'
import { buildOuter, type OuterNode, travelsAsText } from './outer.js'
import { refuseWithoutParams, unreadParams } from './outer-rules.js'
import type { Param, Plan, Rewriter, Upstream } from './plan.js'
import type { Tree } from './postgres-parser.js'
import { questionKey } from './same-question.js'
import { mayConcern } from './scan.js'
import type { SegmentText } from './segment-text.js'
import { split } from './split.js'
import { highestParam, lexSql } from './sql-lexer.js'
import { refuseUnknownOption } from './unknown-option.js'
import { unseen } from './unseen.js'
import { refuseVerbatimParams } from './verbatim.js'

/** What `check` reads of the session beside the catalog: SET predict.<option>. */
export type Settings = Given['settings']

export interface RewriterDeps {
  /** The database as the client's role sees it, and the session's predict.* settings. */
  catalog(upstream: Upstream): Promise<Catalog & { readonly settings?: Settings }>
  /**
   * Answers one PREDICT: an array in binary format for each output column, all of one length; the element type is the column's,
   * or text for a column that is itself an array.
   */
  answer(
    task: Task,
    outputs: readonly OutputColumn[],
    params: readonly Param[],
    upstream: Upstream,
  ): Promise<readonly Param[]>
  /** Whether the role has a predict() of its own; looked up in pg_proc where none is given. */
  functionExists?(upstream: Upstream): Promise<boolean>
}

/** A node read and checked. */
interface Question {
  readonly node: Node
  readonly syntax: PredictSyntax
  readonly task: Task
  readonly outputs: readonly OutputColumn[]
  readonly notices: readonly Notice[]
  /** Equal for questions that are answered once. */
  readonly key: string
}

const UNKNOWN = 705

/** A parameter whose type nobody has said yet. */
const isOpen = (type: number | undefined): boolean => type === undefined || type === 0 || type === UNKNOWN

/** Texts longer than this are not worth remembering. */
const REMEMBERED = 20_000

export const createRewriter = (deps: RewriterDeps): Rewriter => {
  /** Texts that name one of our words and are ordinary statements. */
  const ordinary = createLru<string, true>(500)
  const parsed = createLru<string, Parsed>(500)
  /** What is unread of outer SQL that Postgres' parser has accepted. */
  const outers = createLru<string, ReadonlySet<number>>(500)
  const functionExists = deps.functionExists ?? predictFunctionExists

  const parseNode = (node: Node): Parsed => {
    const statement = node.form === 'statement'
    const key = `${statement} ${node.pql}`
    const known = parsed.get(key)
    if (known) return known
    const fresh = parsePredict(node.pql, { statement })
    if (key.length <= REMEMBERED) parsed.set(key, fresh)
    return fresh
  }

  /** Reads and checks each node; a parameter keeps the type that the first node gave it. */
  const readNodes = async ({ nodes, statements }: Found, declared: readonly number[], upstream: Upstream) => {
    const syntaxes = nodes.map(node => inNode(node, () => parseNode(node)))
    const catalog = await deps.catalog(upstream)
    const paramTypes = [...declared]
    const aliases = aliasesIn(statements, catalog)
    const read = (node: Node, { syntax: alone, notices }: Parsed): Question => {
      const syntax = node.options.length > 0 ? { ...alone, options: [...alone.options, ...node.options] } : alone
      refuseVerbatimParams(syntax)
      const checked = check(syntax, catalog, { paramTypes, settings: catalog.settings, aliases })
      assertSupported(checked.task)
      const { task } = checked
      for (const { index, type } of task.params) if (isOpen(paramTypes[index - 1])) paramTypes[index - 1] = type
      const outputs = outputColumns(task)
      return { node, syntax, task, outputs, notices: [...notices, ...checked.notices], key: questionKey(task, outputs) }
    }
    const questions: Question[] = []
    for (const [i, node] of nodes.entries()) {
      try {
        questions.push(read(node, syntaxes[i]))
      } catch (error) {
        const told = await unseen(error, node.pql, upstream)
        throw told instanceof PgError ? moved(told, node.toClient) : told
      }
    }
    return { questions, paramTypes }
  }

  const plan = async (sql: string, declared: readonly number[], upstream: Upstream): Promise<Plan | null> => {
    const remember = sql.length <= REMEMBERED
    if (remember && ordinary.get(sql)) return null
    const found = await locate(sql, () => functionExists(upstream))
    if (!found) return null
    if (found === 'ordinary') {
      refuseUnknownOption(sql)
      if (remember) ordinary.set(sql, true)
      return null
    }
    const { nodes, start, end, tokens } = found
    const { questions, paramTypes } = await readNodes(found, declared, upstream)
    const own = Math.max(declared.length, highestParam(tokens), ...nodes.map(node => highestParam(lexSql(node.pql))))
    const { distinct, outerNodes } = number(questions, own)
    const outer = buildOuter(sql, outerNodes, start, end)
    let unread = outers.get(outer.text)
    if (!unread) {
      unread = unreadParams(await readOuter(outer, nodes[0]))
      if (outer.text.length <= REMEMBERED) outers.set(outer.text, unread)
    }
    const hidden = distinct.reduce((count, { outputs }) => count + outputs.length, 0)
    return {
      sql: outer.text,
      paramTypes: Array.from({ length: own + hidden }, (_, i) => (i < own ? (paramTypes[i] ?? 0) : 0)),
      hidden,
      mapPosition: outer.mapPosition,
      run: (params, client) => run(deps, distinct, { own, unread }, params, client),
    }
  }

  return { mayConcern, split, plan }
}

/** The tree of the outer SQL, known to take parameters. */
const readOuter = async (outer: SegmentText, first: Node): Promise<Tree> => {
  try {
    const [statement] = await statementsOf(outer.text, offset => outer.toSource(offset) === null)
    refuseWithoutParams(statement, first.start)
    return statement
  } catch (error) {
    if (!(error instanceof PgError) || error.position === undefined || error.code !== '42601') throw error
    throw moved(error, offset => outer.toSource(offset) ?? first.start)
  }
}

/** The same error with its position carried over to another text. */
const moved = (error: PgError, map: (offset: number) => number): PgError =>
  error.position === undefined ? error : error.at(map(error.position) - error.position)

const inNode = <T>(node: Node, work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw error instanceof PgError ? moved(error, node.toClient) : error
  }
}

interface Numbered extends Question {
  readonly firstParam: number
}

/** Gives each distinct question its parameters, behind the client's `own`. */
const number = (questions: readonly Question[], own: number) => {
  const distinct = new Map<string, Numbered>()
  let next = own + 1
  const outerNodes = questions.map((question): OuterNode => {
    let numbered = distinct.get(question.key)
    if (!numbered) {
      numbered = { ...question, firstParam: next }
      next += question.outputs.length
      distinct.set(question.key, numbered)
    }
    const { node, syntax, outputs } = question
    return { node, tail: syntax.tail, outputs, firstParam: numbered.firstParam }
  })
  return { distinct: [...distinct.values()], outerNodes }
}

/** The hidden parameters of one execution, question by question. */
const run = async (
  deps: RewriterDeps,
  questions: readonly Numbered[],
  { own, unread }: { readonly own: number; readonly unread: ReadonlySet<number> },
  params: readonly Param[],
  upstream: Upstream,
): Promise<readonly Param[]> => {
  const hidden: Param[] = []
  for (const { node, task, outputs, notices, firstParam } of questions) {
    for (const notice of notices) upstream.notice(notice)
    if (unread.has(firstParam)) {
      hidden.push(...outputs.map(emptyColumn))
      continue
    }
    upstream.signal.throwIfAborted()
    try {
      const columns = await deps.answer(task, outputs, params.slice(0, own), upstream)
      if (columns.length !== outputs.length)
        throw new Error(`an answer of ${columns.length} columns where ${outputs.length} were asked for`)
      hidden.push(...columns)
    } catch (error) {
      throw error instanceof PgError ? moved(error, node.toClient) : error
    }
  }
  return hidden
}

const emptyColumn = (column: OutputColumn): Param =>
  arrayParam(encodeArray(travelsAsText(column) ? OID.text : column.type, []))
