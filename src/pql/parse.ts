// Text to syntax tree: one PREDICT, its target first. Nothing is looked up here; `check` knows the tables.

import type { Notice } from '../pg-error.js'
import { PgError } from '../pg-error.js'
import type { Name, PredictSyntax, TaskSyntax } from './ast.js'
import { Cursor } from './cursor.js'
import { nearest } from './nearest.js'
import { parseClauses, parseTail } from './parse-clauses.js'
import { parseName } from './parse-column.js'
import { parseCondition } from './parse-condition.js'
import type { ForSyntax } from './parse-for.js'
import { parseFor } from './parse-for.js'
import { afterClauses, beforeFor } from './parse-misplaced.js'
import { parseTask } from './parse-task.js'

export interface Parsed {
  readonly syntax: PredictSyntax
  readonly notices: readonly Notice[]
}

const VERBS = ['evaluate', 'explain', 'backtest']

/** What stands in place of PREDICT. */
const notPredict = (cursor: Cursor): PgError => {
  const token = cursor.peek()
  if (VERBS.some(verb => cursor.isWord(verb))) {
    const rest = cursor.text.slice(token.end).trim()
    if (!cursor.isWord('predict', 1))
      return cursor.unexpected(
        'PREDICT',
        {
          detail: `${token.text.toUpperCase()} is followed by PREDICT.`,
          hint: `Write: ${token.text.toUpperCase()} PREDICT ${rest}`,
        },
        cursor.peek(1),
      )
    return new PgError({
      code: '0A000',
      message: `${token.text.toUpperCase()} is a statement, not part of a PREDICT`,
      hint: `Write: ${rest}`,
      position: token.start,
    })
  }
  const rest = cursor.text.slice(nearest(token.text, ['predict']) ? token.end : token.start).trim()
  return cursor.unexpected('PREDICT', { hint: rest === '' ? undefined : `Write: PREDICT ${rest}` })
}

/** `AS name`; AS OF is a clause, unless it names the prediction "of". */
const atAlias = (cursor: Cursor): boolean =>
  cursor.isWord('as') &&
  (!cursor.isWord('of', 1) || ['for', 'rank', 'classify', 'forecast'].some(word => cursor.isWord(word, 2)))

const parseTarget = (cursor: Cursor) => {
  if (cursor.isWord('for') || cursor.peek().kind === 'end')
    throw cursor.unexpected('a target', {
      detail: 'A target is an aggregate over a window, a condition or a column.',
      hint: 'Write: PREDICT COUNT(table.*, 0, 30, days) > 0 FOR EACH table.key',
    })
  const target = parseCondition(cursor)
  cursor.target = { start: target.start, end: target.end }
  let alias: Name | null = null
  let task: TaskSyntax | null = null
  for (;;) {
    if (!alias && atAlias(cursor)) {
      cursor.next()
      alias = parseName(cursor, 'a name for the prediction')
    } else if (!task) {
      task = parseTask(cursor)
      if (!task) return { target, alias, task }
    } else return { target, alias, task }
  }
}

const NO_FOR: ForSyntax = { entity: [], each: true, ids: { kind: 'each' } }

const atEnd = (cursor: Cursor): boolean => cursor.peek().kind === 'end' || cursor.isOperator(';')

/** A `;` may close the statement; nothing may follow it. */
const parseEnd = (cursor: Cursor, forStart: number): void => {
  if (cursor.peek().kind !== 'end' && !cursor.isOperator(';')) throw afterClauses(cursor, forStart)
  while (cursor.takeOperator(';')) {
    // An empty statement is none.
  }
  if (cursor.peek().kind !== 'end') throw cursor.unexpected('the end', { detail: 'One PREDICT is one statement.' })
}

/**
 * Parses one PREDICT.
 * @param text from the word PREDICT on; blanks, comments and a closing `;` may surround it
 * @param statement whether it is the whole statement, so that ORDER BY, LIMIT, OFFSET and FETCH FIRST may follow
 * @throws PgError 42601 and its kin, with a position in `text`
 */
export const parsePredict = (text: string, { statement }: { statement: boolean }): Parsed => {
  const cursor = new Cursor(text, statement)
  const { start } = cursor.peek()
  if (!cursor.isWord('predict')) throw notPredict(cursor)
  cursor.next()
  const head = parseTarget(cursor)
  const forStart = cursor.peek().start
  const found = cursor.takeWord('for') ? parseFor(cursor) : null
  if (!found && !atEnd(cursor)) throw beforeFor(cursor)
  const clauses = parseClauses(cursor)
  const { end } = cursor
  const tail = parseTail(cursor)
  parseEnd(cursor, forStart)
  const syntax: PredictSyntax = { text, ...head, ...(found ?? NO_FOR), ...clauses, tail, start, end }
  return { syntax, notices: cursor.notices }
}
