// A PREDICT in a stored view. Postgres keeps a SELECT of the right columns and types in its place, which fails when it is read
// without us and says why: never an empty answer. The text of its message is the PREDICT, so it travels with the view.

import type { OutputColumn } from '../../pql/task.js'
import { offsetOfByte, type Tree, walkTree } from '../postgres-parser.js'
import { literal, quote } from '../quote.js'
import { closing, isSign, isWord, lexSql, type SqlToken } from '../sql-lexer.js'

/** The server's message is then `invalid input syntax for type boolean: "this view is …"`. */
const MARK = 'this view is answered through pgpredict, connect to its port: '

/** @param pql the PREDICT, names qualified */
export const stubSelect = (outputs: readonly OutputColumn[], pql: string): string => {
  const columns = outputs.map(({ name, typeName }) => `NULL::${typeName} AS ${quote(name)}`)
  return `SELECT ${columns.join(', ')} WHERE ${literal(MARK + pql)}::pg_catalog.text::pg_catalog.bool`
}

export interface Stub {
  /** Offsets of its SELECT in the text. */
  readonly start: number
  readonly end: number
  readonly pql: string
}

const markedText = (node: Tree): { readonly pql: string; readonly location: number } | null => {
  const { sval, location = 0 } = node as { sval?: { sval?: string }; location?: number }
  return sval?.sval?.startsWith(MARK) ? { pql: sval.sval.slice(MARK.length), location } : null
}

/** The stubs in the definition of a view, as the server tells it. */
export const stubsIn = (text: string, statements: readonly Tree[]): Stub[] => {
  const tokens = lexSql(text)
  const stubs: Stub[] = []
  walkTree(statements, (type, node) => {
    const marked = type === 'A_Const' ? markedText(node) : null
    if (!marked) return true
    const offset = offsetOfByte(text, marked.location)
    const at = tokens.findIndex(({ start }) => start === offset)
    const start = selectOf(tokens, at)
    stubs.push({ start: tokens[start].start, end: tokens[endOf(tokens, start)].end, pql: marked.pql })
    return true
  })
  return stubs
}

/** The SELECT in whose WHERE the token stands, whatever casts and parentheses are around it. */
const selectOf = (tokens: readonly SqlToken[], at: number): number => {
  let i = at
  while (!isWord(tokens[i], 'where')) i--
  let depth = 0
  for (i--; depth > 0 || !isWord(tokens[i], 'select'); i--) {
    if (isSign(tokens[i], ')')) depth++
    else if (isSign(tokens[i], '(')) depth--
  }
  return i
}

/** Index of the last token of the SELECT that begins at `start`. */
const endOf = (tokens: readonly SqlToken[], start: number): number => {
  for (let i = start + 1; i < tokens.length; i++) {
    if (isSign(tokens[i], '(')) i = closing(tokens, i)
    else if (isSign(tokens[i], ')') || isSign(tokens[i], ';') || isWord(tokens[i], 'union', 'intersect', 'except'))
      return i - 1
  }
  return tokens.length - 1
}
