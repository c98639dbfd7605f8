// The PREDICTs of one statement read and checked against the catalog, and which of them ask the same.

import { type Notice, PgError } from '../pg-error.js'
import type { PredictSyntax } from '../pql/ast.js'
import type { Catalog } from '../pql/catalog.js'
import { assertSupported, check, type Given, outputColumns, type Parsed, parsePredict } from '../pql/index.js'
import type { OutputColumn, Task } from '../pql/task.js'
import { aliasesIn } from './aliases.js'
import type { Found } from './locate.js'
import { createLru } from './lru.js'
import type { Node } from './nodes.js'
import type { OuterNode } from './outer.js'
import type { Upstream } from './plan.js'
import { questionKey } from './same-question.js'
import { unseen } from './unseen.js'
import { refuseVerbatimParams } from './verbatim.js'

/** What `check` reads of the session beside the catalog: SET predict.<option>. */
export type Settings = Given['settings']

/** The database as the client's role sees it, and the session's predict.* settings. */
export type SessionCatalog = Catalog & { readonly settings?: Settings }

/** A node read and checked. */
export interface Question {
  readonly node: Node
  readonly syntax: PredictSyntax
  readonly task: Task
  readonly outputs: readonly OutputColumn[]
  readonly notices: readonly Notice[]
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

const UNKNOWN = 705

/** A parameter whose type nobody has said yet. */
const isOpen = (type: number | undefined): boolean => type === undefined || type === 0 || type === UNKNOWN

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
  return async ({ nodes, statements }: Found, declared: readonly number[], upstream: Upstream): Promise<Read> => {
    const syntaxes = nodes.map(node => inNode(node, () => parseNode(node)))
    const catalog = await catalogOf(upstream)
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
}

/** Gives each distinct question its parameters, behind the client's `own`. */
export const number = (
  questions: readonly Question[],
  own: number,
): { distinct: readonly Numbered[]; outerNodes: readonly OuterNode[] } => {
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
