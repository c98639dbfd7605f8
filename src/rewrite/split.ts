// A simple-query string to its statements, as Postgres' own parser would part them: at a `;` outside parentheses and outside the
// BEGIN ATOMIC … END body of an SQL function.

import type { Piece } from './plan.js'
import { isSign, isWord, nextToken, type SqlToken } from './sql-lexer.js'

/** CREATE [OR REPLACE] FUNCTION | PROCEDURE: only there does BEGIN ATOMIC open a body with `;` of its own. */
const createsRoutine = (head: readonly SqlToken[]): boolean => {
  if (!isWord(head[0], 'create')) return false
  const what = isWord(head[1], 'or') && isWord(head[2], 'replace') ? head[3] : head[1]
  return isWord(what, 'function', 'procedure')
}

/** Statements in order; a piece reaches from its first word, past any comments, to its `;`, which it leaves out. Empty statements are none. */
export const split = (sql: string, standardConformingStrings: boolean): Piece[] => {
  const pieces: Piece[] = []
  /** The first words of the statement, as many as `createsRoutine` reads. */
  let head: SqlToken[] = []
  let parens = 0
  /** Open BEGIN ATOMICs and the CASEs within. */
  let blocks = 0
  let before: SqlToken | undefined
  const close = (end: number) => {
    const start = head[0]?.start
    if (start !== undefined) pieces.push({ start, sql: sql.slice(start, end) })
    head = []
    parens = 0
    blocks = 0
    before = undefined
  }
  for (let at = 0; ; ) {
    const token = nextToken(sql, at, standardConformingStrings)
    if (!token) break
    at = token.end
    if (isSign(token, ';') && parens === 0 && blocks === 0) {
      close(token.start)
      continue
    }
    if (head.length < 4) head.push(token)
    if (isSign(token, '(')) parens++
    else if (isSign(token, ')')) parens = Math.max(0, parens - 1)
    else if (parens === 0 && token.kind === 'word') {
      if (
        blocks === 0
          ? isWord(token, 'atomic') && isWord(before, 'begin') && createsRoutine(head)
          : isWord(token, 'case')
      )
        blocks++
      else if (blocks > 0 && isWord(token, 'end')) blocks--
    }
    before = token
  }
  close(sql.length)
  return pieces
}
