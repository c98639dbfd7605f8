// From a statement that may hold a PREDICT to the plan of how to run it. Everything cheap comes first: most texts that name one of
// our words are ordinary statements all the same.

import { PgError } from '../pg-error.js'
import type { Values } from '../pql/params.js'
import type { OutputColumn, Task } from '../pql/task.js'
import { emptyColumn } from './answer-columns.js'
import { refuseBareVerb } from './bare-verb.js'
import { firstOf } from './first-rows.js'
import { predictFunctionExists } from './function-nodes.js'
import { lateValues, wholeNumber } from './late-values.js'
import { BULK_ENTITIES } from './limits.js'
import { literalsOf, type TypedArray } from './literals.js'
import { locate } from './locate.js'
import { createLru } from './lru.js'
import type { Node } from './node.js'
import { buildOuter, elementType, type Source } from './outer.js'
import { type AnswerSlice, joined, partsOf } from './parts.js'
import type { Bound, Param, Plan, Upstream } from './plan.js'
import {
  type KeyCondition,
  mayBePushedDown,
  narrowedNotice,
  planAround,
  plannedPart,
  pushedDown,
} from './pushed-down.js'
import { createReader, moved, type Numbered, number, REMEMBERED, type SessionCatalog } from './questions.js'
import { type Outer, readOuter } from './read-outer.js'
import { highestParam, lexSql, type SqlToken } from './sql-lexer.js'
import { refuseUnknownOption } from './unknown-option.js'
import { planView } from './views/create.js'
import { planStored } from './views/store.js'

export interface PlannerDeps {
  catalog(upstream: Upstream): Promise<SessionCatalog>
  /**
   * Answers one PREDICT, in slices: an array in binary format for each output column; the element type is the column's, or text for a column that is itself an array. `reads`: the statement changes nothing.
   */
  answer(
    task: Task,
    outputs: readonly OutputColumn[],
    params: readonly Param[],
    upstream: Upstream,
    around: { readonly reads: boolean },
  ): AsyncIterable<AnswerSlice>
  /** Whether the role has a function of this name of its own; looked up in pg_proc where none is given. */
  functionExists?(upstream: Upstream, name: string): Promise<boolean>
}

/**
 * null: an ordinary statement. Otherwise the plan, made from the catalog as the client's role sees it.
 * @param declared types of the client's parameters, 0 where it names none
 * @throws PgError with a position in `sql`
 */
export type Planner = (sql: string, declared: readonly number[], upstream: Upstream) => Promise<Plan | null>

export const createPlanner = (deps: PlannerDeps): Planner => {
  /** Texts that name one of our words and are ordinary statements. */
  const ordinary = createLru<string, true>(500)
  /** Of outer SQL that Postgres' parser has accepted. */
  const outers = createLru<string, Outer>(500)
  const functionExists = deps.functionExists ?? predictFunctionExists
  const readNodes = createReader(deps.catalog)

  return async (sql, declared, upstream) => {
    const remember = sql.length <= REMEMBERED
    if (remember && ordinary.get(sql)) return null
    const found = await locate(sql, name => functionExists(upstream, name))
    if (!found) return null
    if (found === 'ordinary') {
      refuseUnknownOption(sql)
      refuseBareVerb(sql)
      if (remember) ordinary.set(sql, true)
      return null
    }
    const { nodes, start, end, tokens } = found
    const { questions, paramTypes } = await readNodes(found, declared, upstream)
    const own = Math.max(declared.length, highestParam(tokens), ...nodes.map(node => highestParam(lexSql(node.pql))))
    const { distinct, outerNodes } = number(questions, own)
    const source = { sql, nodes: outerNodes, start, end }
    const outer = buildOuter(source)
    let rules = outers.get(outer.text)
    if (!rules) {
      rules = await readOuter(outer, nodes[0])
      if (outer.text.length <= REMEMBERED) outers.set(outer.text, rules)
    }
    const { carriage, unread } = rules
    const ownTypes = Array.from({ length: own }, (_, i) => paramTypes[i] ?? 0)
    const plannable = carriage === 'params' || carriage === 'literals'
    const part = plannedPart(outer.text)
    const narrows = plannable && mayBePushedDown(tokens, distinct, nodes)
    const looksAround = narrows || (plannable && rules.mayFailLate)
    /** The questions of one execution, as far as rows of theirs are wanted, and what the server says of the statement around them. */
    const questionsOf = async (params: readonly Param[], client: Upstream) => {
      if (rules.needsBlock && !client.inBlock) throw notInBlock()
      if (params.length === 0 && own > 0) throw noParameter(tokens, nodes)
      const late = distinct.flatMap(({ task }) => task.late)
      const values = late.length > 0 ? await lateValues(late, params, ownTypes, client) : null
      let asked = distinct.map(planned => {
        const question = values && planned.task.late.length > 0 ? stated(planned, values) : planned
        const number = (param: number) => wholeNumber(params[param - 1], ownTypes[param - 1])
        const first = firstOf(question.task, rules.first.get(question.firstParam), number)
        return limited(narrowed(rules.bulk ? inBulk(question) : question, question.joined), first)
      })
      let around: Promise<string> | null = null
      if (looksAround && (part.explained || distinct.some(({ firstParam }) => !unread.has(firstParam)))) {
        const types = (param: Param, i: number) => ({ ...param, type: ownTypes[i] ?? 0 })
        const empty = distinct.flatMap(({ outputs }) => outputs.map(emptyColumn))
        around = planAround(outer, part, [...params, ...empty].map(types), client)
        // whatever is sent behind it fails with it, so that nobody need wait for it
        around.catch(() => {})
        const conditions = narrows ? await pushedDown(await around, distinct) : null
        asked = asked.map(question => narrowed(question, conditions?.get(question.firstParam)))
      }
      if (part.explained)
        for (const { task } of asked) if (task.narrowed || task.first !== undefined) client.notice(narrowedNotice(task))
      return { asked, around }
    }
    const answers = async (given: readonly Param[], client: Upstream) => {
      const params = given.slice(0, own)
      const { asked, around } = await questionsOf(params, client)
      try {
        return await run(deps, asked, unread, params, client)
      } catch (error) {
        await around
        throw error
      }
    }
    const [only] = distinct
    const sliced = rules.rowByRow && distinct.length === 1 && !unread.has(only.firstParam)
    const slicesOf = async function* (given: readonly Param[], client: Upstream) {
      const params = given.slice(0, own)
      const { asked, around } = await questionsOf(params, client)
      try {
        yield* answerTo(deps, asked[0], params, client, true)
      } catch (error) {
        await around
        throw error
      }
    }
    /** `parts` of the plan whose executions `bind` makes. */
    const inParts = (bind: (columns: readonly Param[], client: Upstream) => Bound | Promise<Bound>) =>
      sliced && {
        parts: (params: readonly Param[], client: Upstream) =>
          partsOf(slicesOf(params, client), columns => bind(columns, client)),
      }
    if (carriage === 'view') return planView(source, questions, rules.target!)
    if (carriage === 'literals')
      return {
        sql: outer.text,
        paramTypes: ownTypes,
        hidden: 0,
        mapPosition: outer.mapPosition,
        copies: true,
        headed: rules.headed,
        run: async (params, client) => withLiterals(source, distinct, await answers(params, client), client),
        ...inParts((columns, client) => withLiterals(source, distinct, columns, client)),
      }
    const hidden = distinct.flatMap(({ outputs }) => outputs.map(() => 0))
    const allTypes = [...ownTypes, ...hidden]
    if (carriage === 'store') {
      const storing = { source, questions, target: rules.target!, paramTypes: allTypes }
      return planStored({ ...storing, answers: client => answers([], client) })
    }
    return {
      sql: outer.text,
      paramTypes: allTypes,
      hidden: hidden.length,
      mapPosition: outer.mapPosition,
      run: async (params, client) => ({ params: await answers(params, client) }),
      ...inParts(columns => ({ params: columns })),
    }
  }
}

const notInBlock = (): PgError =>
  new PgError({ code: '25P01', message: 'DECLARE CURSOR can only be used in transaction blocks' })

/** A simple query has no values; that is said before anything is predicted. */
const noParameter = (tokens: readonly SqlToken[], nodes: readonly Node[]): PgError => {
  const first = tokens.find(token => token.kind === 'param')
  const inNode = first ?? nodes.flatMap(({ pql }) => lexSql(pql)).find(token => token.kind === 'param')
  return new PgError({ code: '42P02', message: `there is no parameter $${inNode?.text ?? 1}`, position: first?.start })
}

/** The question with its parameters' values. */
const stated = (question: Numbered, values: Values): Numbered => {
  try {
    return { ...question, ...question.stated(values) }
  } catch (error) {
    throw error instanceof PgError ? moved(error, question.node.toClient) : error
  }
}

const inBulk = (question: Numbered): Numbered => {
  const { task } = question
  return { ...question, task: { ...task, options: { maxEntities: BULK_ENTITIES, ...task.options } } }
}

const limited = (question: Numbered, first: number | null): Numbered =>
  first === null ? question : { ...question, task: { ...question.task, first } }

const narrowed = (question: Numbered, condition: KeyCondition | null | undefined): Numbered => {
  const { task } = question
  if (!condition || task.ids.kind !== 'each') return question
  const both = task.narrowed ? ['(', ...task.narrowed, ') AND (', ...condition, ')'] : condition
  return { ...question, task: { ...task, narrowed: both } }
}

/** The hidden parameters of one execution, question by question. */
const run = async (
  deps: PlannerDeps,
  questions: readonly Numbered[],
  unread: ReadonlySet<number>,
  params: readonly Param[],
  upstream: Upstream,
): Promise<readonly Param[]> => {
  const hidden: Param[] = []
  for (const question of questions) {
    const { outputs } = question
    if (unread.has(question.firstParam)) {
      for (const notice of question.notices) upstream.notice(notice)
      hidden.push(...outputs.map(emptyColumn))
      continue
    }
    upstream.signal.throwIfAborted()
    const slices: (readonly Param[])[] = []
    for await (const { columns } of answerTo(deps, question, params, upstream, false)) slices.push(columns)
    hidden.push(...joined(slices))
  }
  return hidden
}

/** The answer to one question, in slices. */
async function* answerTo(
  deps: PlannerDeps,
  { node, task, outputs, notices }: Numbered,
  params: readonly Param[],
  upstream: Upstream,
  reads: boolean,
): AsyncGenerator<AnswerSlice, void, void> {
  for (const notice of notices) upstream.notice(notice)
  try {
    for await (const slice of deps.answer(task, outputs, params, upstream, { reads })) {
      const { length } = slice.columns
      if (length !== outputs.length)
        throw new Error(`an answer of ${length} columns where ${outputs.length} were asked for`)
      yield slice
    }
  } catch (error) {
    throw error instanceof PgError ? moved(error, node.toClient) : error
  }
}

/** The outer SQL once more, each array written out in it. */
const withLiterals = async (
  source: Source,
  questions: readonly Numbered[],
  arrays: readonly Param[],
  upstream: Upstream,
): Promise<Bound> => {
  const columns = questions.flatMap(({ outputs }) => outputs)
  const typed = columns.map((column, i): TypedArray => ({ element: elementType(column), array: arrays[i] }))
  const written = await literalsOf(typed, upstream)
  const [first] = questions
  const outer = buildOuter(source, number => written[number - first.firstParam])
  return { sql: outer.text, mapPosition: outer.mapPosition }
}
