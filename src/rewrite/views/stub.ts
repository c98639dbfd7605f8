// A PREDICT in a stored view. Postgres keeps a SELECT of the right columns and types in its place, which fails when it is read
// without us and says why: never an empty answer. The text of its message is the PREDICT, so it travels with the view.

import type { OutputColumn } from '../../pql/task.js'
import { indexOutside } from '../correlate.js'
import type { OuterNode } from '../outer.js'
import { offsetOfByte, type Tree, walkTree } from '../postgres-parser.js'
import { literal, quote } from '../quote.js'
import type { SegmentBuilder } from '../segment-text.js'
import { closing, isSign, isWord, lexSql, type SqlToken } from '../sql-lexer.js'
import { expressionsOf } from './kept-text.js'

/** The server's message is then `invalid input syntax for type boolean: "this view is …"`. */
const MARK = 'this view is answered through pgpredict, connect to its port: '

const shownType = ({ declared, typeName }: OutputColumn): string => declared ?? typeName

/** The one value that a scalar shows. */
const scalarColumn = ({ node, outputs, pick }: OuterNode): string => {
  const { facet, shown } = pick!
  const type =
    facet === 'interval'
      ? 'pg_catalog.numrange'
      : facet === 'probability'
        ? 'pg_catalog.float8'
        : shownType(outputs[shown])
  return `NULL::${type} AS ${quote(node.alias ?? 'prediction')}`
}

/** @param pql the PREDICT, names qualified; expressions that belong to it stand beside it, as ROW(…) IS NULL */
export const writeStub = (outer: OuterNode, pql: string, builder: SegmentBuilder): void => {
  const { node, outputs, pick } = outer
  const columns =
    node.form === 'scalar' && pick
      ? [scalarColumn(outer)]
      : outputs.map(column => `NULL::${shownType(column)} AS ${quote(column.name)}`)
  builder.ours(`SELECT ${columns.join(', ')} WHERE ${literal(MARK + pql)}::pg_catalog.text::pg_catalog.bool`)
  if (!pick) return
  for (const [i, { prefix, start, end }] of expressionsOf(pick).entries()) {
    builder.ours(`${i === 0 ? ' AND ROW(' : ', '}(${prefix}`)
    builder.slice(start, end)
    builder.ours(')')
  }
  builder.ours(') IS NULL')
}

export interface Stub {
  /** Offsets of its SELECT in the text. */
  readonly start: number
  readonly end: number
  readonly pql: string
  /** SQL for $1, $2, … in it. */
  readonly args: readonly string[]
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
    const last = endOf(tokens, start)
    const args = argsBehind(text, tokens, at, last)
    stubs.push({ start: tokens[start].start, end: tokens[last].end, pql: marked.pql, args })
    return true
  })
  return stubs
}

/** What stands in the ROW(…) behind the marked text. */
const argsBehind = (text: string, tokens: readonly SqlToken[], at: number, last: number): string[] => {
  const row = tokens.findIndex((token, i) => i > at && i <= last && isWord(token, 'row'))
  if (row < 0) return []
  const close = closing(tokens, row + 1)
  const args: string[] = []
  for (let from = row + 2; from < close; ) {
    const to = indexOutside(tokens, from, close, i => isSign(tokens[i], ','))
    args.push(text.slice(tokens[from].start, tokens[to - 1].end))
    from = to + 1
  }
  return args
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
