// The clauses of a PREDICT by their words alone, wherever they stand: for a text that takes some of them from another.

import { isSign, isWord, type SqlToken } from '../sql-lexer.js'

export type Clause = 'for' | 'where' | 'assuming' | 'as of' | 'with' | 'tail'

export interface Clauses {
  /** Offsets of what stands in front of the first clause. */
  readonly head: Slice
  readonly found: ReadonlyMap<Clause, Slice>
  /** Offsets of what stands between the parentheses of each option, by the option's name. */
  readonly options: ReadonlyMap<string, Slice>
}

export interface Slice {
  readonly start: number
  readonly end: number
}

/** The clause that begins at a token outside of parentheses, or null. */
const clauseAt = (tokens: readonly SqlToken[], i: number): Clause | null => {
  const next = tokens[i + 1]
  if (isWord(tokens[i], 'for', 'where', 'assuming')) return tokens[i].text as Clause
  if (isWord(tokens[i], 'as') && isWord(next, 'of')) return 'as of'
  // column STARTS WITH ('x')
  if (isWord(tokens[i], 'with') && isSign(next, '(') && !isWord(tokens[i - 1], 'starts', 'ends')) return 'with'
  if (isWord(tokens[i], 'limit', 'offset', 'fetch')) return 'tail'
  if (isWord(tokens[i], 'order') && isWord(next, 'by')) return 'tail'
  // CREATE TABLE … AS PREDICT … WITH NO DATA
  return isWord(tokens[i], 'with') && isWord(next, 'no', 'data') ? 'tail' : null
}

/** The clauses among the tokens [from, to); `from` begins at the target. */
export const clausesOf = (tokens: readonly SqlToken[], from: number, to: number): Clauses => {
  const starts: { readonly clause: Clause; readonly at: number }[] = []
  let depth = 0
  for (let i = from; i < to; i++) {
    if (isSign(tokens[i], '(') || isSign(tokens[i], '[')) depth++
    else if (isSign(tokens[i], ')') || isSign(tokens[i], ']')) depth--
    const clause = depth === 0 ? clauseAt(tokens, i) : null
    if (clause === null) continue
    starts.push({ clause, at: i })
    if (clause === 'tail') break
  }
  const sliceOf = (first: number, end: number): Slice => ({
    start: tokens[first]?.start ?? 0,
    end: end > first ? tokens[end - 1].end : (tokens[first]?.start ?? 0),
  })
  const found = new Map<Clause, Slice>()
  let options: ReadonlyMap<string, Slice> = new Map()
  for (const [i, { clause, at }] of starts.entries()) {
    const end = starts[i + 1]?.at ?? to
    found.set(clause, sliceOf(at, end))
    if (clause === 'with') options = optionsOf(tokens, at + 2, end - 1)
  }
  return { head: sliceOf(from, starts[0]?.at ?? to), found, options }
}

/** `name = value` between the commas of [from, to). */
const optionsOf = (tokens: readonly SqlToken[], from: number, to: number): ReadonlyMap<string, Slice> => {
  const options = new Map<string, Slice>()
  let first = from
  for (let i = from; i <= to; i++) {
    if (i < to && !isSign(tokens[i], ',')) continue
    if (i > first) options.set(tokens[first].text, { start: tokens[first].start, end: tokens[i - 1].end })
    first = i + 1
  }
  return options
}
