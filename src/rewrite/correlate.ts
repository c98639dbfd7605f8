// FOR that names its row by an expression of the query around: `FOR users.user_id = o.buyer`, or, in a scalar PREDICT, the key of
// the row at hand, `FOR u.user_id`. The language sees FOR EACH; all rows are answered at once, and the outer SQL picks each one's.

import { PgError } from '../pg-error.js'
import { buildSegments } from './segment-text.js'
import { closing, isName, isSign, isWord, nameOf, type SqlToken } from './sql-lexer.js'

/** SQL of the client's, the value of one key column. */
export interface KeyExpression {
  /** The key column it is compared with. */
  readonly column: string
  /** What stands before the slice: the table, where FOR names several columns at once. */
  readonly prefix: string
  readonly start: number
  readonly end: number
}

export interface Correlated {
  readonly pql: string
  /** Offset in the client's text of an offset in `pql`. */
  readonly toClient: (offset: number) => number
  readonly keys: readonly KeyExpression[]
  /** False: the row is named by a constant, which the language reads for itself. */
  readonly varies: boolean
}

const CONSTANT_WORDS = ['null', 'true', 'false', 'any', 'some', 'date', 'timestamp', 'timestamptz', 'interval']

/** Where a clause of the language, or of the statement, begins behind FOR. */
const beginsClause = (tokens: readonly SqlToken[], i: number): boolean =>
  isWord(tokens[i], 'where', 'assuming', 'with', 'order', 'limit', 'offset', 'fetch') ||
  (isWord(tokens[i], 'as') && isWord(tokens[i + 1], 'of')) ||
  isSign(tokens[i], ',')

/** Index of the first token in [from, to) outside parentheses for which `found`, or `to`. */
export const indexOutside = (
  tokens: readonly SqlToken[],
  from: number,
  to: number,
  found: (i: number) => boolean,
): number => {
  let depth = 0
  for (let i = from; i < to; i++) {
    if (depth === 0 && found(i)) return i
    if (isSign(tokens[i], '(') || isSign(tokens[i], '[')) depth++
    else if (isSign(tokens[i], ')') || isSign(tokens[i], ']')) depth--
  }
  return to
}

/** Whether an expression can be read without a row: a literal, a parameter, a list of such. */
const isConstant = (tokens: readonly SqlToken[], from: number, to: number): boolean => {
  for (let i = from; i < to; i++) {
    const token = tokens[i]
    if (isSign(token, ':')) {
      // the type behind ::
      const type = indexOutside(tokens, i + 2, to, at => isSign(tokens[at], ','))
      i = type - 1
    } else if (token.kind === 'quoted' || (token.kind === 'word' && !CONSTANT_WORDS.includes(token.text))) return false
  }
  return from < to && !isSign(tokens[from + 1], '.')
}

interface Path {
  /** `schema.table`, as written; '' where there is none. */
  readonly table: string
  readonly columns: readonly SqlToken[]
  /** Index behind it. */
  readonly end: number
}

/** `t.key`, `s.t.key`, `t.(a, b)`. */
const pathAt = (text: string, tokens: readonly SqlToken[], at: number): Path | null => {
  let i = at
  if (!isName(tokens[i])) return null
  while (isSign(tokens[i + 1], '.')) {
    if (isName(tokens[i + 2])) i += 2
    else if (isSign(tokens[i + 2], '(')) {
      const close = closing(tokens, i + 2)
      if (close < 0) return null
      const columns = tokens.slice(i + 3, close).filter(isName)
      return { table: text.slice(tokens[at].start, tokens[i].end), columns, end: close + 1 }
    } else return null
  }
  const table = i > at ? text.slice(tokens[at].start, tokens[i - 2].end) : ''
  return { table, columns: [tokens[i]], end: i + 1 }
}

/** The expressions within one pair of parentheses around [from, to), or the one there is without. */
const expressions = (tokens: readonly SqlToken[], from: number, to: number, count: number): [number, number][] => {
  if (count === 1 || !isSign(tokens[from], '(') || closing(tokens, from) !== to - 1) return [[from, to]]
  const spans: [number, number][] = []
  for (let at = from + 1; at < to - 1; ) {
    const end = indexOutside(tokens, at, to - 1, i => isSign(tokens[i], ','))
    spans.push([at, end])
    at = end + 1
  }
  return spans
}

/**
 * Reads what stands behind FOR in the tokens [from, to) of a PREDICT.
 * @param scalar whether the key of a row at hand may stand alone, and one row must be named
 * @param targetEnd index behind the target, where something else than FOR follows it
 * @returns null where FOR names its rows as the language does
 * @throws PgError 42601, 0A000
 */
export const correlate = (
  text: string,
  tokens: readonly SqlToken[],
  from: number,
  to: number,
  scalar: boolean,
  targetEnd?: number,
): Correlated | null => {
  const at = indexOutside(tokens, from, to, i => isWord(tokens[i], 'for'))
  const path = at < to ? pathAt(text, tokens, at + 1) : null
  if (!path || isWord(tokens[at + 1], 'each')) {
    if (!scalar || at >= to) return null
    throw oneRow(tokens[at + 1]?.start ?? tokens[at].start)
  }
  const equals = path.end < to && isSign(tokens[path.end], '=')
  const bare = path.end === to || beginsClause(tokens, path.end)
  if (!equals && !(bare && scalar)) {
    if (scalar && isWord(tokens[path.end], 'in')) throw oneRow(tokens[path.end].start)
    return null
  }
  const end = equals ? indexOutside(tokens, path.end + 1, to, i => beginsClause(tokens, i)) : path.end
  const constant = equals && isConstant(tokens, path.end + 1, end)
  if (constant && (!scalar || isWord(tokens[path.end + 1], 'any', 'some'))) {
    if (scalar) throw oneRow(tokens[path.end + 1].start)
    return null
  }
  const builder = buildSegments(text)
  if (scalar) builder.ours('PREDICT ')
  builder.slice(tokens[from].start, tokens[(targetEnd ?? at) - 1].end)
  builder.ours(' ')
  if (constant) builder.slice(tokens[at].start, tokens[to - 1].end)
  else {
    builder.slice(tokens[at].start, tokens[at].end)
    builder.ours(' EACH ')
    builder.slice(tokens[at + 1].start, tokens[path.end - 1].end)
    if (end < to) {
      builder.ours(' ')
      builder.slice(tokens[end].start, tokens[to - 1].end)
    }
  }
  const pql = builder.done()
  return {
    pql: pql.text,
    toClient: offset => pql.toSource(offset) ?? tokens[scalar ? from - 2 : from].start,
    keys: equals
      ? keysOf(text, tokens, path, expressions(tokens, path.end + 1, end, path.columns.length))
      : path.columns.map(column => ({
          column: nameOf(text, column),
          prefix: path.table === '' ? '' : `${path.table}.`,
          start: column.start,
          end: column.end,
        })),
    varies: !constant,
  }
}

const keysOf = (
  text: string,
  tokens: readonly SqlToken[],
  { columns, end }: Path,
  spans: readonly [number, number][],
): KeyExpression[] => {
  if (spans.length !== columns.length || spans.some(([from, to]) => from >= to))
    throw new PgError({
      code: '42601',
      message: `row has ${spans.length} values for ${columns.length} key columns`,
      position: (tokens[end + 1] ?? tokens[end]).start,
    })
  return spans.map(([from, to], i) => ({
    column: nameOf(text, columns[i]),
    prefix: '',
    start: tokens[from].start,
    end: tokens[to - 1].end,
  }))
}

const oneRow = (position: number): PgError =>
  new PgError({
    code: '42601',
    message: 'a PREDICT that is a value is about one row',
    detail: 'FOR names it by a key of the query around, or by an expression.',
    hint: 'Write: PREDICT(… FOR table.key) or PREDICT(… FOR table.key = expression); rows come from FROM (PREDICT … FOR EACH table.key) AS p',
    position,
  })
