// FOR EACH beside other tables of FROM: only rows whose key one of theirs has can be looked at, where an inner join, or a left one,
// says so by equality of plain columns.

import type { Column } from '../pql/catalog.js'
import type { OutputColumn } from '../pql/task.js'
import type { Found } from './locate.js'
import {
  type Around,
  before,
  conjunctsOf,
  depthOf,
  extendsNulls,
  type Origin,
  placeOf,
  queryForKeys,
  type Range,
} from './narrow.js'
import type { Node } from './node.js'
import type { KeyCondition } from './pushed-down.js'
import { quote } from './quote.js'
import { closing, isSign, isWord, nameOf, type SqlToken } from './sql-lexer.js'

const NO_ALIAS = (
  'on using join cross inner left right full natural where group having window order limit offset fetch for union intersect except ' +
  'returning tablesample'
).split(' ')

const joins = (tokens: readonly SqlToken[], i: number): boolean =>
  isWord(tokens[i], 'join', 'cross', 'natural') ||
  (isWord(tokens[i], 'inner', 'left', 'right', 'full') && isWord(tokens[i + 1], 'join', 'outer'))

interface Beside {
  /** Items of FROM in front. */
  readonly from: Range
  readonly alias: string | null
  /** Names of USING. */
  readonly using: readonly string[] | null
  /** Behind ON. */
  readonly on: Range | null
}

/** What a node in FROM is joined with, and how; null where that is nothing, or not plain. */
const readJoin = ({ sql, tokens }: Found, node: Node, from: Range, at: number): Beside | null => {
  const open = node.form === 'function' ? at + 1 : at - 1
  const close = closing(tokens, open)
  const front = before(tokens, from, node.form === 'function' ? at : open)
  if (close < 0 || !front) return null
  let i = close + 1
  if (isWord(tokens[i], 'as')) i++
  const named = tokens[i]?.kind === 'quoted' || (isWord(tokens[i]) && !NO_ALIAS.includes(tokens[i].text))
  const alias = named ? nameOf(sql, tokens[i]) : node.alias
  if (named) i++
  if (isSign(tokens[i], '(')) return null
  if (isSign(tokens[front.to], ',')) return { from: front, alias, using: null, on: null }
  const left = { from: lastItem(tokens, front), to: front.to }
  if (isWord(tokens[i], 'using') && isSign(tokens[i + 1], '(')) {
    const names = tokens.slice(i + 2, closing(tokens, i + 1)).filter(token => !isSign(token, ','))
    return { from: left, alias, using: names.map(token => nameOf(sql, token)), on: null }
  }
  if (!isWord(tokens[i], 'on')) return { from: left, alias, using: null, on: null }
  let end = i + 1
  for (let depth = 0; end < from.to; end++) {
    if (depth === 0 && (joins(tokens, end) || isSign(tokens[end], ','))) break
    depth += depthOf(tokens[end])
  }
  return { from: left, alias, using: null, on: { from: i + 1, to: end } }
}

/** Where the last of the items begins that commas part: a join takes no more than that. */
const lastItem = (tokens: readonly SqlToken[], { from, to }: Range): number => {
  let start = from
  for (let i = from, depth = 0; i < to; i++) {
    depth += depthOf(tokens[i])
    if (depth === 0 && isSign(tokens[i], ',')) start = i + 1
  }
  return start
}

/** `alias.name = table.column`, either way round: the other side's text. */
const equalTo = ({ sql, tokens }: Found, { from, to }: Range, alias: string, name: string): string | null => {
  if (to - from !== 7 || !isSign(tokens[from + 3], '=')) return null
  for (const [own, other] of [
    [from, from + 4],
    [from + 4, from],
  ]) {
    const isDotted = isSign(tokens[own + 1], '.') && isSign(tokens[other + 1], '.')
    if (isDotted && nameOf(sql, tokens[own]) === alias && nameOf(sql, tokens[own + 2]) === name)
      return `(${sql.slice(tokens[other].start, tokens[other + 2].end)})`
  }
  return null
}

/** The keys that FROM in front of the node has, as a condition; null where every row may be looked at. */
export const narrowJoined = async (
  found: Found,
  node: Node,
  outputs: readonly OutputColumn[],
  key: readonly Column[],
  around: Around,
): Promise<KeyCondition | null> => {
  const place = node.form === 'table' || node.form === 'function' ? placeOf(found.tokens, node) : null
  if (!place?.inside) return null
  const { select, at } = place
  const beside = readJoin(found, node, select.from, at)
  if (!beside) return null
  const { from, alias, using, on } = beside
  const names = outputs.slice(0, key.length).map(({ name }) => name)
  const where = extendsNulls(found.tokens, { from: at, to: select.from.to }) ? null : select.where
  const origin: Pick<Origin, 'from' | 'where' | 'strict'> = { from, where, strict: true }
  const equalities = [on, select.where].flatMap(range => (range ? conjunctsOf(found.tokens, range) : []))
  const values = names.map(name => {
    if (using) return using.includes(name) ? `(${quote(name)})` : null
    return alias === null ? null : (equalities.map(range => equalTo(found, range, alias, name)).find(Boolean) ?? null)
  })
  if (values.some(value => value === null)) return null
  const joined = using ? ('using' as const) : ('on' as const)
  const given = { ...origin, values: values.filter(value => value !== null), joined }
  const query = await queryForKeys(found, given, key, around)
  return query && ['(', ...key.flatMap((column, i) => (i === 0 ? [column] : [', ', column])), ') IN (', ...query, ')']
}
