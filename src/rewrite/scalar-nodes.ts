// PREDICT as a value: PREDICT(target FOR key), PREDICT_PROBABILITY(…) and PREDICT_INTERVAL(…), wherever SQL has an expression.

import { PgError } from '../pg-error.js'
import { correlate, indexOutside } from './correlate.js'
import type { Facet, Node } from './node.js'
import { offsetOfByte, type Tree, walkTree } from './postgres-parser.js'
import { closing, isSign, isWord, type SqlToken } from './sql-lexer.js'

const FACETS: Readonly<Record<string, Facet>> = {
  predict: 'value',
  predict_probability: 'probability',
  predict_interval: 'interval',
}

/** The words that a scalar PREDICT begins with. */
export const SCALAR_WORDS: readonly string[] = Object.keys(FACETS)

/** Index of the parenthesis that closes the scalar PREDICT at `i`; -1 where none stands there: only ours holds a FOR. */
export const scalarEnd = (tokens: readonly SqlToken[], i: number): number => {
  if (!isWord(tokens[i], ...SCALAR_WORDS) || !isSign(tokens[i + 1], '(') || isSign(tokens[i - 1], '.')) return -1
  const close = closing(tokens, i + 1)
  return close > 0 && indexOutside(tokens, i + 2, close, at => isWord(tokens[at], 'for')) < close ? close : -1
}

/** A window in an aggregate, which no function of Postgres' has: COUNT(orders.*, 0, 30 …). */
const WINDOWED = ['count', 'sum', 'avg', 'min', 'max']

/** @throws PgError 42601 where PREDICT(COUNT(orders.*, 0, 30, days)) lacks the FOR that would have made it ours */
export const refuseWithoutFor = (tokens: readonly SqlToken[], i: number): void => {
  if (!isSign(tokens[i + 1], '(') || isSign(tokens[i - 1], '.')) return
  if (!isWord(tokens[i + 2], ...WINDOWED) || !isSign(tokens[i + 3], '(')) return
  const [inner, close] = [closing(tokens, i + 3), closing(tokens, i + 1)]
  const first = indexOutside(tokens, i + 4, inner, at => isSign(tokens[at], ','))
  if (close < 0 || indexOutside(tokens, first + 1, inner, at => isSign(tokens[at], ',')) >= inner) return
  const word = tokens[i].text.toUpperCase()
  throw new PgError({
    code: '42601',
    message: `${word}() does not say for whom`,
    hint: `Write: ${word}(… FOR table.key), the key of the row at hand.`,
    position: tokens[close].start,
  })
}

/** @throws PgError where it names no row, or asks for what is not answered */
export const scalarNode = (text: string, tokens: readonly SqlToken[], i: number): Node | null => {
  const close = scalarEnd(tokens, i)
  if (close < 0) return null
  const facet = FACETS[tokens[i].text]
  const forAt = indexOutside(tokens, i + 2, close, at => isWord(tokens[at], 'for'))
  const comma = indexOutside(tokens, i + 2, close, at => isSign(tokens[at], ','))
  // PREDICT_PROBABILITY(target, class FOR …)
  const named = comma < forAt
  if (named && facet !== 'probability') throw oneArgument(tokens[i].text, tokens[comma].start)
  if (named && comma + 1 === forAt) throw oneArgument(tokens[i].text, tokens[comma].start)
  const second = named ? indexOutside(tokens, forAt, close, at => isSign(tokens[at], ',')) : comma
  if (second < close) refuseLevel(text, tokens, facet, second, close)
  const found = correlate(text, tokens, i + 2, second, true, named ? comma : forAt)!
  return {
    form: 'scalar',
    start: tokens[i].start,
    end: tokens[close].end,
    ...found,
    facet,
    ofClass: named ? { start: tokens[comma + 1].start, end: tokens[forAt - 1].end } : null,
    options: [],
    alias: null,
  }
}

const oneArgument = (word: string, position: number): PgError =>
  new PgError({
    code: '0A000',
    message: `${word.toUpperCase()} takes a target and FOR`,
    hint: `Write: ${word.toUpperCase()}(target FOR table.key)`,
    position,
  })

/** PREDICT_INTERVAL(…, 0.9): the one level there is may be said. */
const refuseLevel = (text: string, tokens: readonly SqlToken[], facet: Facet, comma: number, close: number): void => {
  if (facet !== 'interval')
    throw oneArgument(facet === 'value' ? 'predict' : 'predict_probability', tokens[comma].start)
  const level = text.slice(tokens[comma].end, tokens[close].start).trim()
  if (Number(level) === 0.9) return
  throw new PgError({
    code: '0A000',
    message: 'an interval of another level than 0.9 is not supported yet',
    hint: 'Write: PREDICT_INTERVAL(target FOR table.key)',
    position: tokens[comma + 1].start,
  })
}

/**
 * The nodes with the name that their column would have, had a function stood there: where a scalar is a whole item of a select list
 * and has no name.
 * @param parsed the text that `statements` were parsed from, a NULL in the place of each scalar
 */
export const namedAsFunctions = (
  nodes: readonly Node[],
  parsed: string,
  tokens: readonly SqlToken[],
  statements: readonly Tree[],
): readonly Node[] => {
  if (!nodes.some(node => node.form === 'scalar')) return nodes
  const unnamed = new Set<number>()
  const look = (items: unknown) => {
    for (const { ResTarget } of (items ?? []) as { ResTarget?: { name?: string; val?: Tree } }[]) {
      const constant = ResTarget?.val?.A_Const as { isnull?: boolean; location?: number } | undefined
      if (constant?.isnull && !ResTarget?.name) unnamed.add(offsetOfByte(parsed, constant.location ?? 0))
    }
  }
  walkTree(statements, (type, node) => {
    if (type === 'SelectStmt') look(node.targetList)
    else if (/^(Insert|Update|Delete|Merge)Stmt$/.test(type)) look(node.returningList)
    return true
  })
  return nodes.map(node => {
    if (node.form !== 'scalar' || !unnamed.has(node.start)) return node
    return { ...node, alias: tokens.find(({ start }) => start === node.start)!.text }
  })
}
