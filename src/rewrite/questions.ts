// The PREDICTs of one statement read and checked against the catalog, and which of them ask the same.

import { type Notice, PgError } from '../pg-error.js'
import type { PredictSyntax } from '../pql/ast.js'
import type { Catalog } from '../pql/catalog.js'
import { assertSupported, check, type Given, outputColumns, type Parsed, parsePredict, qualify } from '../pql/index.js'
import type { Values } from '../pql/params.js'
import type { Ids, OutputColumn, Task } from '../pql/task.js'
import { aliasesIn } from './aliases.js'
import { narrowJoined } from './joined.js'
import type { Found } from './locate.js'
import { createLru } from './lru.js'
import { narrow } from './narrow.js'
import type { Node } from './node.js'
import type { OuterNode } from './outer.js'
import { allKeys, type Pick, pickOf, throughLink } from './pick.js'
import type { Upstream } from './plan.js'
import type { KeyCondition } from './pushed-down.js'
import { questionKey } from './same-question.js'
import { lexSql, nameOf } from './sql-lexer.js'
import { unseen } from './unseen.js'
import { vectorType } from './vector-type.js'
import { isOpen, withVerbatimParams } from './verbatim.js'

/** What `check` reads of the session beside the catalog: SET predict.<option>. */
export type Settings = Given['settings']

/** The database as the client's role sees it, and the session's predict.* settings. */
export type SessionCatalog = Catalog & {
  readonly settings?: Settings
  /** What is declared of a table and names nothing. */
  readonly ignored?: readonly (Notice & { readonly relation: string })[]
}

/** What one execution asks. */
export interface Stated {
  readonly task: Task
  readonly notices: readonly Notice[]
}

/** A node read and checked. */
export interface Question extends Stated {
  readonly node: Node
  readonly syntax: PredictSyntax
  /** What it asks with these values for `task.late`. */
  readonly stated: (values: Values) => Stated
  readonly outputs: readonly OutputColumn[]
  /** A condition on the key by what FOR EACH is joined with. */
  readonly joined: KeyCondition | null
  /** Which of its rows the node shows, where the query around says so. */
  readonly pick: Pick | null
  /** Its text for another session to read, without its tail. */
  readonly stored: () => string
  /** Equal for questions that are answered once. */
  readonly key: string
}

/** A question and the number of the parameter that holds its first column. */
export interface Numbered extends Question {
  readonly firstParam: number
}

export interface Read {
  readonly questions: readonly Question[]
  /** The declared types, and those that the language gave to parameters without one. */
  readonly paramTypes: readonly number[]
}

/** Texts longer than this are not worth remembering. */
export const REMEMBERED = 20_000

/** A reader that remembers the syntax of texts it has parsed. */
export const createReader = (catalogOf: (upstream: Upstream) => Promise<SessionCatalog>) => {
  const parsed = createLru<string, Parsed>(500)

  const parseNode = (node: Node): Parsed => {
    const statement = node.form === 'statement'
    const key = `${statement} ${node.pql}`
    const known = parsed.get(key)
    if (known) return known
    const fresh = parsePredict(node.pql, { statement })
    if (key.length <= REMEMBERED) parsed.set(key, fresh)
    return fresh
  }

  /**
   * Reads and checks each node; a parameter keeps the type that the first node gave it.
   * @throws PgError with a position in the client's text
   */
  return async (found: Found, declared: readonly number[], upstream: Upstream): Promise<Read> => {
    const { nodes, statements } = found
    const syntaxes = nodes.map(node => inNode(node, () => parseNode(node)))
    const catalog = await catalogOf(upstream)
    const paramTypes = [...declared]
    const aliases = aliasesIn(statements, catalog)
    const read = async (node: Node, { syntax: alone, notices }: Parsed): Promise<Question> => {
      const whole = node.options.length > 0 ? { ...alone, options: [...alone.options, ...node.options] } : alone
      const { syntax, keys } = node.keys
        ? throughLink(whole, node.keys, catalog, aliases)
        : { syntax: whole, keys: null }
      const state = (values?: Values): Stated => {
        const checked = check(syntax, catalog, { paramTypes, values, settings: catalog.settings, aliases })
        assertSupported(checked.task, syntax)
        return { task: checked.task, notices: [...ignoredFor(node, catalog), ...notices, ...checked.notices] }
      }
      const stated = state()
      let { task } = stated
      for (const { index, type } of task.params) if (isOpen(paramTypes[index - 1])) paramTypes[index - 1] = type
      const outputs = outputColumns(task, task.options.embedding ? await vectorType(upstream) : null)
      const pick = keys && pickOf(node, keys, task)
      const around = { catalog, declared: paramTypes }
      if (pick && node.varies)
        task = aboutRows(task, (await narrow(found, node, pick.keys, task.entity.key, around)) ?? allKeys(task))
      task = await withVerbatimParams(task, paramTypes, upstream)
      const { each, ids, asOf } = task
      return {
        node,
        syntax,
        task,
        notices: stated.notices,
        stated(values) {
          const { task, notices } = state(values)
          return { task: { ...task, each, ids, asOf }, notices }
        },
        outputs,
        pick,
        joined: task.ids.kind === 'each' ? await narrowJoined(found, node, outputs, task.entity.key, around) : null,
        stored: () => qualify(syntax, catalog, aliases),
        key: questionKey(task, outputs),
      }
    }
    const questions: Question[] = []
    for (const [i, node] of nodes.entries()) {
      try {
        questions.push(await read(node, syntaxes[i]))
      } catch (error) {
        for (const notice of ignoredFor(node, catalog)) upstream.notice(notice)
        const told = await unseen(error, node.pql, upstream)
        throw told instanceof PgError ? moved(told, node.toClient) : told
      }
    }
    return { questions, paramTypes }
  }
}

/** Declarations about the tables that a node names which say nothing: it may be why they are not what the user takes them for. */
const ignoredFor = (node: Node, { ignored = [] }: SessionCatalog): Notice[] => {
  if (ignored.length === 0) return []
  const names = new Set(lexSql(node.pql).map(token => nameOf(node.pql, token)))
  return ignored.filter(({ relation }) => names.has(relation)).map(notice => ({ ...notice, once: true }))
}

/** Rows named by the query around are named rows to the language: WHERE does not choose among them. */
const aboutRows = (task: Task, ids: Ids): Task => ({ ...task, each: false, ids })

/** Gives each distinct question its parameters, behind the client's `own`. */
export const number = (
  questions: readonly Question[],
  own: number,
): { distinct: readonly Numbered[]; outerNodes: readonly OuterNode[] } => {
  const distinct = new Map<string, Numbered>()
  let next = own + 1
  const outerNodes = questions.map((question): OuterNode => {
    let numbered = distinct.get(question.key)
    // joined in two ways, it is answered for all
    if (numbered && JSON.stringify(numbered.joined) !== JSON.stringify(question.joined)) {
      numbered = { ...numbered, joined: null }
      distinct.set(question.key, numbered)
    }
    if (!numbered) {
      numbered = { ...question, firstParam: next }
      next += question.outputs.length
      distinct.set(question.key, numbered)
    }
    const { node, syntax, outputs, pick } = question
    return { node, tail: syntax.tail, outputs, pick, firstParam: numbered.firstParam }
  })
  return { distinct: [...distinct.values()], outerNodes }
}

/** The same error with its position carried over to another text. */
export const moved = (error: PgError, map: (offset: number) => number): PgError =>
  error.position === undefined ? error : error.at(map(error.position) - error.position)

const inNode = <T>(node: Node, work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw error instanceof PgError ? moved(error, node.toClient) : error
  }
}
