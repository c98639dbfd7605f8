// PREDICT name: what CREATE PREDICTION, or CREATE VIEW over one PREDICT, has kept, asked again, about other rows, at another time or with
// other options: `PREDICT churn FOR users.user_id = 42`, `PREDICT_PROBABILITY(churn FOR u.user_id)`.

import { PgError } from '../../pg-error.js'
import type { Upstream } from '../plan.js'
import { SCALAR_WORDS } from '../scalar-nodes.js'
import { buildSegments, type SegmentBuilder, type SegmentText } from '../segment-text.js'
import { closing, isName, isSign, isWord, lexSql, type Path, pathAt, type SqlToken } from '../sql-lexer.js'
import { type Clause, type Clauses, clausesOf } from './clauses.js'
import { type NamedQuestion, questionOf } from './definitions.js'
import { writeCall } from './named-calls.js'
import type { ViewNames } from './names.js'
import { pathText } from './tags.js'

/** A place that may name a prediction. */
interface Use extends Path {
  /** Indices of the name's first token, and of the one that ends the PREDICT. */
  readonly at: number
  readonly end: number
}

/** Index of the token that ends the PREDICT whose target begins at `from`. */
const endOf = (tokens: readonly SqlToken[], from: number): number => {
  for (let i = from; i < tokens.length; i++) {
    if (isSign(tokens[i], '(')) i = closing(tokens, i) < 0 ? tokens.length : closing(tokens, i)
    else if (isSign(tokens[i], ')') || isSign(tokens[i], ';')) return i
  }
  return tokens.length
}

const FOLLOWS = ['for', 'where', 'assuming', 'as', 'with', 'order', 'limit', 'offset', 'fetch']

const useAt = (sql: string, tokens: readonly SqlToken[], i: number): Use | null => {
  if (!isWord(tokens[i], ...SCALAR_WORDS)) return null
  const before = tokens[i - 1]
  if (before && !isName(before) && !isSign(before, '(') && !isSign(before, ')') && !isSign(tokens[i + 1], '('))
    return null
  if (isSign(before, '.')) return null
  const scalar = isSign(tokens[i + 1], '(')
  if (!scalar && !isWord(tokens[i], 'predict')) return null
  const at = scalar ? i + 2 : i + 1
  const found = isWord(tokens[at], ...FOLLOWS) ? null : pathAt(sql, tokens, at)
  // a column goes by three names with its schema
  if (!found || found.path.length > 2) return null
  const { path, next } = found
  const end = endOf(tokens, at)
  const follows = next === end || isWord(tokens[next], ...FOLLOWS) || (scalar && isSign(tokens[next], ','))
  return follows ? { path, at, next, end } : null
}

/**
 * The statement with the text of each named prediction in the place of its name; null where it names none.
 * @param given names of options that are said elsewhere, and kept ones give way to
 */
export const expandNamed = async (
  sql: string,
  names: ViewNames,
  upstream: Upstream,
  given: ReadonlySet<string> = new Set(),
): Promise<SegmentText | null> => {
  const tokens = lexSql(sql)
  const builder = buildSegments(sql)
  let at = 0
  const inCall = (pql: string, options: ReadonlySet<string>) => expandNamed(pql, names, upstream, options)
  for (let i = 0; i < tokens.length; i++) {
    const written = await writeCall(sql, tokens, i, at, inCall, builder, upstream)
    if (written !== null) {
      at = written
      i += 2
      continue
    }
    const use = useAt(sql, tokens, i)
    // a name in two parts may be a column, which is no reason to ask the server
    if (!use || (use.path.length > 1 && !names.has(use.path.at(-1)!))) continue
    const question = await questionOf(pathText(use.path), upstream)
    if (question === null) continue
    if (!question.readable) throw notReadable(use.path.at(-1)!, tokens[use.at].start)
    builder.slice(at, tokens[use.at].start)
    at = writeUse(tokens, use, question, given, builder)
    i = use.end - 1
  }
  if (at === 0) return null
  builder.slice(at, sql.length)
  return builder.done()
}

const notReadable = (name: string, position: number): PgError =>
  new PgError({ code: '42501', message: `permission denied for view ${name}`, position })

/** FOR and AS OF of the asking replace those kept, options stand beside them, and a condition stands once. Gives where it ends. */
const writeUse = (
  tokens: readonly SqlToken[],
  { path, at, next, end }: Use,
  { pql }: NamedQuestion,
  given: ReadonlySet<string>,
  builder: SegmentBuilder,
): number => {
  const keptTokens = lexSql(pql)
  const kept = clausesOf(keptTokens, 1, keptTokens.length)
  const asked = clausesOf(tokens, next, end)
  for (const clause of ['where', 'assuming'] as const)
    if (kept.found.has(clause) && asked.found.has(clause)) throw givenTwice(clause, path.at(-1)!, asked)
  const ours = (clause: Clause) => {
    const slice = kept.found.get(clause)
    if (slice) builder.ours(` ${pql.slice(slice.start, slice.end)}`)
  }
  const theirs = (clause: Clause) => {
    const slice = asked.found.get(clause)
    if (!slice) return false
    builder.ours(' ')
    builder.slice(slice.start, slice.end)
    return true
  }
  builder.ours(pql.slice(kept.head.start, kept.head.end))
  // a name for it, or the class whose probability is asked
  if (asked.head.end > asked.head.start && next < end) {
    builder.ours(' ')
    builder.slice(asked.head.start, asked.head.end)
  }
  for (const clause of ['for', 'where', 'assuming', 'as of'] as const) if (!theirs(clause)) ours(clause)
  writeOptions(pql, kept, asked, given, builder)
  theirs('tail')
  return end > at ? tokens[end - 1].end : tokens[at].end
}

const givenTwice = (clause: 'where' | 'assuming', name: string, asked: Clauses): PgError =>
  new PgError({
    code: '42601',
    message: `prediction "${name}" has ${clause === 'where' ? 'a WHERE' : 'an ASSUMING'} of its own`,
    detail: 'It says whom to learn from, and is the same whoever is asked about.',
    hint: clause === 'where' ? 'FROM (PREDICT name) AS p WHERE condition' : undefined,
    position: asked.found.get(clause)!.start,
  })

const writeOptions = (
  pql: string,
  kept: Clauses,
  asked: Clauses,
  given: ReadonlySet<string>,
  builder: SegmentBuilder,
): void => {
  const ours = [...kept.options]
    .filter(([name]) => !asked.options.has(name) && !given.has(name))
    .map(([, slice]) => slice)
  const theirs = [...asked.options.values()]
  if (ours.length + theirs.length === 0) return
  builder.ours(' WITH (')
  builder.ours(ours.map(({ start, end }) => pql.slice(start, end)).join(', '))
  for (const [i, { start, end }] of theirs.entries()) {
    if (i + ours.length > 0) builder.ours(', ')
    builder.slice(start, end)
  }
  builder.ours(')')
}
