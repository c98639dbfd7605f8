// predict($$ name FOR … $$): a named prediction in the text of the function form, whose string is written anew with what the name stands for.

import { PgError } from '../../pg-error.js'
import { tokenAt } from '../../pql/lexer.js'
import { FUNCTION_NAMES, pqlOf, predictFunctionExists, QUALIFIED } from '../function-nodes.js'
import type { Upstream } from '../plan.js'
import type { SegmentBuilder, SegmentText } from '../segment-text.js'
import { closing, isSign, isWord, type SqlToken } from '../sql-lexer.js'

interface Call {
  /** As it is written, with its schema where it has one. */
  readonly called: string
  readonly string: SqlToken
  /** Names of its further arguments. */
  readonly options: ReadonlySet<string>
}

const callAt = (tokens: readonly SqlToken[], i: number): Call | null => {
  const string = tokens[i + 2]
  if (!isWord(tokens[i], ...FUNCTION_NAMES) || !isSign(tokens[i + 1], '(') || string?.kind !== 'string') return null
  const qualified = isSign(tokens[i - 1], '.')
  const called = qualified ? `${tokens[i - 2]?.text}.${tokens[i].text}` : tokens[i].text
  const close = closing(tokens, i + 1)
  if (close < 0 || (qualified && called !== QUALIFIED)) return null
  const options = new Set<string>()
  for (let at = i + 3; at < close; at++)
    if (isSign(tokens[at + 1], '=') && isSign(tokens[at + 2], '>')) options.add(tokens[at].text)
  return { called, string, options }
}

const TAG = '$pgpredict$'

/**
 * Writes from the offset `at` to the end of the string of the call at token `i`, where that names a prediction.
 * @param expanded a PREDICT with its names written out, but for options of the call's own; null where it names none
 * @returns the offset behind the string; null where there is nothing to write
 */
export const writeCall = async (
  sql: string,
  tokens: readonly SqlToken[],
  i: number,
  at: number,
  expanded: (pql: string, options: ReadonlySet<string>) => Promise<SegmentText | null>,
  builder: SegmentBuilder,
  upstream: Upstream,
): Promise<number | null> => {
  const call = callAt(tokens, i)
  if (!call) return null
  const { string } = call
  const decoded = tokenAt(sql, string.start, 'sql')
  if (decoded.kind !== 'string' || decoded.end !== string.end) return null
  const { pql, toClient } = pqlOf(decoded, sql, string)
  const inner = await expanded(pql, call.options).catch(error => {
    throw error instanceof PgError && error.position !== undefined
      ? error.at(toClient(error.position) - error.position)
      : error
  })
  if (!inner || (await predictFunctionExists(upstream, call.called))) return null
  builder.slice(at, string.start)
  builder.ours(TAG)
  for (let from = 0; from < inner.text.length; ) {
    const place = placeOf(inner, from, sql, toClient)
    let to = from + 1
    while (to < inner.text.length && placeOf(inner, to, sql, toClient) === (place === null ? null : place + to - from))
      to++
    if (place === null) builder.ours(inner.text.slice(from, to))
    else builder.slice(place, place + to - from)
    from = to
  }
  builder.ours(TAG)
  return string.end
}

/** Where a character of the expanded text stands in the client's; null where it does not. */
const placeOf = (inner: SegmentText, at: number, sql: string, toClient: (offset: number) => number): number | null => {
  const source = inner.toSource(at)
  const place = source === null ? null : toClient(source)
  return place !== null && sql[place] === inner.text[at] ? place : null
}
