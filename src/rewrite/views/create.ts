// CREATE VIEW: Postgres keeps an ordinary view, a stub in the place of each PREDICT, and a comment that makes it ours.

import { PgError } from '../../pg-error.js'
import { buildOuter, type OuterNode, type Source } from '../outer.js'
import type { Plan } from '../plan.js'
import type { Question } from '../questions.js'
import type { SegmentText } from '../segment-text.js'
import { isWord, lexSql, type SqlToken } from '../sql-lexer.js'
import { expressionsOf, filled, keptText } from './kept-text.js'
import { writeStub } from './stub.js'
import { commentOf, readTag, type Target, tagSql, targetText } from './tags.js'

/** A plan that makes a view of predictions, or a table of them. */
export type Creating = Plan & {
  /** The name of a relation that must not be read as it is. */
  readonly createsView?: string
  readonly createsTable?: true
}

/** @throws PgError for what cannot be kept for another session to read */
export const refuseUnkept = (source: Source, questions: readonly Question[]): void => {
  refuseParams(lexSql(source.sql, source.start, source.end), start => start)
  for (const { node } of questions) {
    refuseParams(lexSql(node.pql), node.toClient)
  }
}

const refuseParams = (tokens: readonly SqlToken[], toClient: (start: number) => number): void => {
  const param = tokens.find(({ kind }) => kind === 'param')
  if (param)
    throw new PgError({
      code: '42P02',
      message: `there is no parameter $${param.text}`,
      position: toClient(param.start),
    })
}

/** The statement with a stub for each PREDICT. */
export const stubbed = (source: Source, questions: readonly Question[]): SegmentText => {
  const texts = new Map(source.nodes.map((outer, i): [OuterNode, string] => [outer, keptText(questions[i])]))
  return buildOuter(source, undefined, (outer, builder) => writeStub(outer, texts.get(outer)!, builder))
}

/** The PREDICT for people to read, as they wrote which row is meant. */
const shown = (question: Question, sql: string): string => {
  const args = question.pick ? expressionsOf(question.pick) : []
  return filled(
    keptText(question),
    args.map(({ prefix, start, end }) => prefix + sql.slice(start, end)),
  )
}

export const planView = (source: Source, questions: readonly Question[], target: Target): Creating => {
  refuseUnkept(source, questions)
  const create = stubbed(source, questions).text
  const [first, second] = lexSql(create)
  // Made and tagged before the client's statement is run: that one then replaces the view by itself, and gives its own tag.
  const again = isWord(second, 'or') ? create : `${create.slice(0, first.end)} OR REPLACE ${create.slice(second.start)}`
  const name = targetText(target)
  return {
    sql: again,
    paramTypes: [],
    hidden: 0,
    createsView: target.name,
    mapPosition: () => null,
    async run(_, upstream) {
      await upstream.query(create)
      const comment = await commentOf(name, upstream)
      const text = questions.map(question => shown(question, source.sql)).join('\n')
      await upstream.query(tagSql(name, { kind: 'view', text, prose: readTag(comment)?.prose ?? comment }))
      return { params: [] }
    },
  }
}
