// A statement's PREDICTs, told from ordinary SQL: by tokens, then by Postgres' parser, then by the session's functions, each only
// where the one before it leaves a doubt.

import { PgError } from '../pg-error.js'
import { FUNCTION_NAMES, functionNodes } from './function-nodes.js'
import type { Node } from './node.js'
import { findNodes, maybePredict } from './nodes.js'
import { mask } from './outer.js'
import type { Piece } from './plan.js'
import { parseSql, type Tree, tooDeep } from './postgres-parser.js'
import { namedAsFunctions, SCALAR_WORDS } from './scalar-nodes.js'
import { split } from './split.js'
import { isWord, lexSql, nextToken, type SqlToken } from './sql-lexer.js'

export interface Found {
  readonly sql: string
  readonly nodes: readonly Node[]
  readonly start: number
  readonly end: number
  readonly tokens: readonly SqlToken[]
  /** The statement around the nodes; none for a PREDICT that is the statement. */
  readonly statements: readonly Tree[]
}

/** The nodes of a statement; 'ordinary' where its text alone shows that it has none, null where the session had to be asked. */
export const locate = async (
  sql: string,
  functionExists: (name: string) => Promise<boolean>,
): Promise<Found | 'ordinary' | null> => {
  if (!isSuspect(sql)) return 'ordinary'
  const pieces = split(sql, true)
  const found = pieces.map(piece => ({ piece, ...tokensOf(sql, piece) }))
  for (const { tokens, start, end } of found) {
    const nodes = findNodes(sql, tokens)
    const isStatement = nodes[0]?.form === 'statement' && isWord(tokens[0], 'predict')
    const text = sql.slice(0, end)
    const raw = isStatement ? null : await parseSql(text)
    if (raw?.kind === 'too deep') {
      if (nodes.length > 0) throw tooDeep()
      continue
    }
    // Valid without us: no PREDICT, but perhaps a predict().
    const seen = raw?.kind === 'tree' ? [] : nodes
    let statements = raw?.kind === 'tree' ? raw.statements : []
    let parsedText = text
    if (raw?.kind === 'error') {
      if (nodes.length === 0) continue
      if (nodes[0].form !== 'statement') {
        parsedText = mask(text, nodes)
        statements = await statementsOf(parsedText, at => nodes.some(node => node.start === at))
      }
    }
    const calls = functionNodes(sql, parsedText, tokens, statements)
    if (seen.length === 0 && calls.names.length === 0) continue
    const ours: string[] = []
    for (const name of calls.names) if (!(await functionExists(name))) ours.push(name)
    if (seen.length === 0 && ours.length === 0) return null
    if (pieces.length > 1) throw severalCommands()
    const named = namedAsFunctions(seen, parsedText, tokens, statements)
    const all = [...named, ...calls.nodes(ours)]
    return { sql, nodes: all.toSorted((a, b) => a.start - b.start), start, end, tokens, statements }
  }
  return 'ordinary'
}

const tokensOf = (sql: string, { start, sql: text }: Piece) => {
  const end = start + text.length
  return { tokens: lexSql(sql, start, end), start, end }
}

const OUR_WORDS = [...new Set([...SCALAR_WORDS, ...FUNCTION_NAMES])]

/** A word PREDICT with the neighbours of one of ours, outside strings and comments. */
const isSuspect = (sql: string): boolean => {
  let before: SqlToken | null = null
  for (let token = nextToken(sql, 0); token; ) {
    const after = nextToken(sql, token.end)
    if (isWord(token, ...OUR_WORDS) && maybePredict(before, after)) return true
    before = token
    token = after
  }
  return false
}

/**
 * @param ours whether at an offset stands a SELECT that the client wrote as PREDICT
 * @throws PgError 42601, 54001
 */
export const statementsOf = async (sql: string, ours: (offset: number) => boolean): Promise<readonly Tree[]> => {
  const outcome = await parseSql(sql)
  if (outcome.kind === 'too deep') throw tooDeep()
  if (outcome.kind === 'tree') return outcome.statements
  const { message, position } = outcome
  throw new PgError({
    code: '42601',
    message: ours(position) ? 'syntax error at or near "PREDICT"' : message,
    position,
  })
}

const severalCommands = (): PgError =>
  new PgError({ code: '42601', message: 'cannot insert multiple commands into a prepared statement' })
