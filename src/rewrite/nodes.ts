// Where a statement says PREDICT: as the statement itself (behind EXPLAIN, DECLARE … FOR, CREATE TABLE … AS or INSERT INTO, too)
// and as a table expression in parentheses. Found by tokens alone; whether the text is plain SQL after all is the caller's question.

import { PgError } from '../pg-error.js'
import { correlate } from './correlate.js'
import { type Node, nodeOf } from './node.js'
import { refuseWithoutFor, SCALAR_WORDS, scalarEnd, scalarNode } from './scalar-nodes.js'
import { closing, isSign, isWord, type SqlToken } from './sql-lexer.js'

const VERBS = ['evaluate', 'backtest', 'monitor']

/** Words that a `(` in front of a query may follow; after any other it opens arguments or a column list. */
const BEFORE_QUERY = new Set(
  (
    'from join lateral as materialized in exists any some all array union except intersect distinct select where and or not on by ' +
    'using into having limit offset when then else case between like ilike is returning set values only for analyze verbose explain copy'
  ).split(' '),
)

/** Words that follow a column named predict, and never begin a target. */
const AFTER_COLUMN = new Set(
  (
    'from for placing order group having limit as is in and or like ilike similar between collate at isnull notnull overlaps operator ' +
    'using asc desc nulls with within union except intersect where join on then else end when symmetric escape'
  ).split(' '),
)
const AFTER_COLUMN_NOT = ['in', 'like', 'ilike', 'similar', 'between', 'null']

/** Whether what follows PREDICT at `i` can be a target: a name, an aggregate, NOT or a parenthesis. */
const targetFollows = (tokens: readonly SqlToken[], i: number): boolean => {
  const next = tokens[i + 1]
  if (next?.kind === 'quoted' || isSign(next, '(')) return true
  if (!isWord(next) || AFTER_COLUMN.has(next.text)) return false
  return next.text !== 'not' || !isWord(tokens[i + 2], ...AFTER_COLUMN_NOT)
}

/** FOR outside inner parentheses, which a column list or a call does not have; or `name(`, `name.` at the start. */
const looksLikePredict = (tokens: readonly SqlToken[], predict: number, close: number): boolean => {
  let depth = 0
  for (let i = predict + 1; i < close; i++) {
    if (isSign(tokens[i], '(')) depth++
    else if (isSign(tokens[i], ')')) depth--
    else if (depth === 0 && isWord(tokens[i], 'for')) return true
  }
  const [name, after] = [tokens[predict + 1], tokens[predict + 2]]
  return (isWord(name) || name?.kind === 'quoted') && (isSign(after, '(') || isSign(after, '.'))
}

const notYet = (verb: string, position: number): PgError =>
  new PgError({
    code: '0A000',
    message: `${verb} PREDICT is not answered yet`,
    hint:
      verb === 'EXPLAIN'
        ? 'PREDICT … alone answers; EXPLAIN (COSTS) PREDICT … shows the plan of its outer query.'
        : 'PREDICT … alone answers.',
    position,
  })

/** `( PREDICT … )`; `i` is the word PREDICT. */
const tableNode = (text: string, tokens: readonly SqlToken[], i: number): Node | null => {
  const verb = isWord(tokens[i - 1], ...VERBS, 'explain') && isSign(tokens[i - 2], '(') ? tokens[i - 1] : null
  const open = verb ? i - 2 : i - 1
  if (!isSign(tokens[open], '(') || !targetFollows(tokens, i)) return null
  const before = tokens[open - 1]
  const insert = isWord(tokens[0], 'insert') && isWord(tokens[1], 'into')
  const isName = before?.kind === 'quoted' || (isWord(before) && !BEFORE_QUERY.has(before.text))
  if (isName && !insert) return null
  const close = closing(tokens, open)
  if (!looksLikePredict(tokens, i, close < 0 ? tokens.length : close)) return null
  if (verb) throw notYet(verb.text.toUpperCase(), verb.start)
  if (close < 0)
    throw new PgError({
      code: '42601',
      message: 'syntax error at end of input',
      detail: 'The parenthesis in front of PREDICT is not closed.',
      position: text.length,
    })
  // COPY takes a statement in its parentheses, so its ORDER BY and LIMIT belong to the PREDICT.
  const form = isWord(before, 'copy') && isWord(tokens[0], 'copy') ? 'statement' : 'table'
  const node = nodeOf(form, text, tokens[i].start, tokens[close - 1].end)
  return form === 'table' ? { ...node, ...correlate(text, tokens, i, close, false) } : node
}

/** Index of what EXPLAIN explains; 0 where the statement is no EXPLAIN. */
export const explained = (tokens: readonly SqlToken[]): number => {
  if (!isWord(tokens[0], 'explain')) return 0
  if (isSign(tokens[1], '(')) {
    const close = closing(tokens, 1)
    return close < 0 ? tokens.length : close + 1
  }
  let i = 1
  while (isWord(tokens[i], 'analyze', 'analyse', 'verbose')) i++
  return i
}

/** EXPLAIN PREDICT and EXPLAIN (CONTEXT) PREDICT ask about the prediction; with options of Postgres', about the plan. */
const asksWhy = (tokens: readonly SqlToken[], predict: number): boolean =>
  isWord(tokens[0], 'explain') && (predict === 1 || tokens.slice(2, predict).some(token => isWord(token, 'context')))

/** Index of a PREDICT that is a statement to its end, or -1. */
const statementAt = (tokens: readonly SqlToken[]): number => {
  const start = explained(tokens)
  if (isWord(tokens[start], 'predict')) return start
  if (isWord(tokens[start], ...VERBS, 'explain') && isWord(tokens[start + 1], 'predict'))
    throw notYet(tokens[start].text.toUpperCase(), tokens[start].start)
  if (!isWord(tokens[start], 'declare', 'create', 'insert', 'prepare')) return -1
  let depth = 0
  for (let i = start + 1; i < tokens.length; i++) {
    if (isSign(tokens[i], '(')) depth++
    else if (isSign(tokens[i], ')')) depth--
    else if (depth === 0 && isWord(tokens[i], 'predict') && targetFollows(tokens, i) && scalarEnd(tokens, i) < 0) {
      const before = tokens[i - 1]
      if (isWord(tokens[start], 'insert')) {
        if (isSign(before, ')') || before.kind === 'quoted' || (isWord(before) && !isWord(before, 'into', 'as')))
          return i
      } else if (isWord(before, isWord(tokens[start], 'declare') ? 'for' : 'as')) return i
    }
  }
  return -1
}

/** Index of the last token of a PREDICT that is a statement: CREATE TABLE … AS PREDICT … WITH [NO] DATA keeps its own end. */
const lastOf = (tokens: readonly SqlToken[]): number => {
  const last = tokens.length - 1
  if (!isWord(tokens[0], 'create') || !isWord(tokens[last], 'data')) return last
  const before = isWord(tokens[last - 1], 'no') ? last - 2 : last - 1
  return isWord(tokens[before], 'with') ? before - 1 : last
}

/** Whether a token may be a PREDICT of ours, from its neighbours only: what keeps ordinary statements cheap. */
export const maybePredict = (before: SqlToken | null, after: SqlToken | null): boolean => {
  if (before === null || (after !== null && isSign(after, '('))) return true
  const opens = isSign(before, '(') || isSign(before, ')') || before.kind === 'word' || before.kind === 'quoted'
  return opens && (after === null || after.kind === 'word' || after.kind === 'quoted')
}

/**
 * The PREDICTs of one statement, in order of their place.
 * @param tokens of the statement, a closing `;` left out
 * @throws PgError for what can only be meant as ours and is not answered or not closed
 */
export const findNodes = (text: string, tokens: readonly SqlToken[]): Node[] => {
  const statement = statementAt(tokens)
  if (statement >= 0) {
    if (asksWhy(tokens, statement)) throw notYet('EXPLAIN', tokens[0].start)
    return [nodeOf('statement', text, tokens[statement].start, tokens[lastOf(tokens)].end)]
  }
  const nodes: Node[] = []
  for (let i = 1; i < tokens.length; i++) {
    if (!isWord(tokens[i], ...SCALAR_WORDS)) continue
    const node = scalarNode(text, tokens, i) ?? (isWord(tokens[i], 'predict') ? tableNode(text, tokens, i) : null)
    if (!node) {
      refuseWithoutFor(tokens, i)
      continue
    }
    if (nodes.some(outer => node.start < outer.end))
      throw new PgError({
        code: '0A000',
        message: 'a PREDICT cannot hold another PREDICT',
        hint: 'Put the inner one in a table first: CREATE TEMP TABLE name AS SELECT * FROM (PREDICT …) AS p.',
        position: node.start,
      })
    nodes.push(node)
  }
  return nodes
}
