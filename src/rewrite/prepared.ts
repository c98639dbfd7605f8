// PREPARE and EXECUTE at SQL level. The server keeps the rewritten statement under the client's name, where it can be listed and
// dropped; EXECUTE of it becomes the statement itself with the arguments, evaluated once, as its parameters.

import { PgError } from '../pg-error.js'
import { createLru } from './lru.js'
import type { Param, Plan, Upstream } from './plan.js'
import type { Planner } from './planner.js'
import { moved } from './questions.js'
import { castName, literal } from './quote.js'
import { buildSegments, type SegmentText } from './segment-text.js'
import { closing, isSign, isWord, lexSql, nameOf, type SqlToken } from './sql-lexer.js'

/** A session's prepared statements that hold a PREDICT. */
export interface Prepared {
  readonly empty: boolean
  /** Plans PREPARE and EXECUTE, and leaves every other statement to the planner. */
  readonly plan: Planner
}

interface Kept {
  /** What the server was sent: while its own list shows this text under the name, the name is ours. */
  readonly sent: string
  /** The client's statement behind AS. */
  readonly body: string
  /** How many parameters are the client's. */
  readonly own: number
}

/** Most statements of one session; the least recently used one is forgotten, and its EXECUTE refused by the server. */
const MOST = 1000
const MOST_OF_A_NAME = 4

export const createPrepared = (plan: Planner): Prepared => {
  /** By name: a PREPARE may fail, and then the one before it still holds. */
  const kept = createLru<string, readonly Kept[]>(MOST)
  let empty = true

  const planPrepare = async (sql: string, prepare: Prepare, upstream: Upstream): Promise<Plan | null> => {
    const body = sql.slice(prepare.body)
    const inner = await plan(body, await oidsOf(prepare.types, upstream), upstream).catch(error => {
      throw error instanceof PgError ? moved(error, at => at + prepare.body) : error
    })
    if (inner === null) return null
    const own = inner.paramTypes.length - inner.hidden
    const inferred = await namesOf(inner.paramTypes.slice(0, own), upstream)
    const types = inner.paramTypes.map((_, i) => prepare.types[i] ?? inferred[i] ?? 'unknown')
    const head = `${sql.slice(0, prepare.head)} (${types.join(', ')}) AS `
    const sent = head + inner.sql
    const others = (kept.get(prepare.name) ?? []).filter(other => other.sent !== sent)
    kept.set(prepare.name, [{ sent, body, own }, ...others].slice(0, MOST_OF_A_NAME))
    empty = false
    const before = [...head].length
    const skipped = [...sql.slice(0, prepare.body)].length
    return {
      sql: sent,
      paramTypes: [],
      hidden: 0,
      run: async () => ({ params: [] }),
      mapPosition(position) {
        const mapped = inner.mapPosition(position - before)
        return mapped === null ? null : mapped + skipped
      },
    }
  }

  const planExecute = async (sql: string, execute: Execute, upstream: Upstream): Promise<Plan | null> => {
    const prepared = await preparedAs(execute.name, kept.get(execute.name) ?? [], upstream)
    if (!prepared) return plan(sql, [], upstream)
    const { args } = execute
    const { body, types } = prepared
    if (args.length !== types.length)
      throw new PgError({
        code: '42601',
        message: `wrong number of parameters for prepared statement "${execute.name}"`,
        detail: `Expected ${types.length} parameters but got ${args.length}.`,
        position: execute.start,
      })
    const text = withBody(sql, execute, body)
    const oids = types.map(({ oid }) => oid)
    const placed = (error: unknown): never => {
      throw error instanceof PgError ? moved(error, at => text.toSource(at) ?? execute.start) : error
    }
    const inner = await plan(text.text, oids, upstream).catch(placed)
    if (inner === null) throw new Error(`a prepared PREDICT that is none any more: ${body}`)
    return {
      sql: inner.sql,
      paramTypes: inner.paramTypes,
      hidden: inner.paramTypes.length,
      mapPosition(position) {
        const mapped = inner.mapPosition(position)
        return mapped === null ? null : text.mapPosition(mapped)
      },
      async run(_, client) {
        const values = await evaluate(args, types, client)
        const bound = await inner.run(values, client).catch(placed)
        return 'sql' in bound ? bound : { params: [...values, ...bound.params] }
      },
    }
  }

  return {
    get empty() {
      return empty
    },
    async plan(sql, declared, upstream) {
      const tokens = lexSql(sql)
      const prepare = readPrepare(sql, tokens)
      if (prepare) return planPrepare(sql, prepare, upstream)
      const execute = empty ? null : readExecute(sql, tokens)
      return execute ? planExecute(sql, execute, upstream) : plan(sql, declared, upstream)
    },
  }
}

interface Prepare {
  readonly name: string
  /** As written. */
  readonly types: readonly string[]
  /** Where `PREPARE name` ends, and where the statement behind AS begins. */
  readonly head: number
  readonly body: number
}

const readPrepare = (sql: string, tokens: readonly SqlToken[]): Prepare | null => {
  const [prepare, name, open] = tokens
  if (!isWord(prepare, 'prepare') || (name?.kind !== 'word' && name?.kind !== 'quoted')) return null
  const close = isSign(open, '(') ? closing(tokens, 2) : 1
  if (close < 0 || !isWord(tokens[close + 1], 'as') || !tokens[close + 2]) return null
  return {
    name: nameOf(sql, name),
    types: close > 1 ? listOf(sql, tokens, 2, close) : [],
    head: name.end,
    body: tokens[close + 2].start,
  }
}

interface Execute {
  readonly name: string
  readonly args: readonly string[]
  readonly start: number
  readonly end: number
}

/** EXECUTE as the statement, behind EXPLAIN or behind CREATE TABLE … AS. */
const readExecute = (sql: string, tokens: readonly SqlToken[]): Execute | null => {
  const behind = isWord(tokens[0], 'explain', 'create')
  const at = tokens.findIndex((token, i) => isWord(token, 'execute') && (i === 0 || behind))
  const name = tokens[at + 1]
  if (at < 0 || (name?.kind !== 'word' && name?.kind !== 'quoted')) return null
  const close = isSign(tokens[at + 2], '(') ? closing(tokens, at + 2) : at + 1
  if (close < 0) return null
  const args = close > at + 1 ? listOf(sql, tokens, at + 2, close) : []
  return { name: nameOf(sql, name), args, start: tokens[at].start, end: tokens[close].end }
}

/** What stands between the commas within the parentheses that open and close at these tokens. */
const listOf = (sql: string, tokens: readonly SqlToken[], open: number, close: number): string[] => {
  const items: string[] = []
  let depth = 0
  let start = tokens[open].end
  for (let i = open + 1; i <= close; i++) {
    const ends = depth === 0 && (i === close || isSign(tokens[i], ','))
    if (ends) {
      items.push(sql.slice(start, tokens[i].start).trim())
      start = tokens[i].end
    } else if (isSign(tokens[i], '(') || isSign(tokens[i], '[')) depth++
    else if (isSign(tokens[i], ')') || isSign(tokens[i], ']')) depth--
  }
  return items
}

/** The statement with the prepared one in EXECUTE's place. */
const withBody = (sql: string, { start, end }: Execute, body: string): SegmentText => {
  const builder = buildSegments(sql)
  builder.slice(0, start)
  // EXPLAIN PREDICT would ask why; EXPLAIN EXECUTE asks for the plan
  if (/^explain\s+$/i.test(sql.slice(0, start))) builder.ours('(COSTS) ')
  builder.ours(body.replace(/;\s*$/, ''))
  builder.slice(end, sql.length)
  return builder.done()
}

interface Type {
  readonly oid: number
  readonly name: string
}

/** The statement that the name holds by now, with the types of the client's parameters; null where it is none of these. */
const preparedAs = async (
  name: string,
  candidates: readonly Kept[],
  upstream: Upstream,
): Promise<{ readonly body: string; readonly types: readonly Type[] } | null> => {
  if (candidates.length === 0) return null
  const texts = candidates.map(({ sent }) => literal(sent)).join(', ')
  const rows = await upstream.query(
    `SELECT pg_catalog.array_position(ARRAY[${texts}], s.statement), t::pg_catalog.oid, pg_catalog.format_type(t, NULL)
       FROM pg_catalog.pg_prepared_statements s, pg_catalog.unnest(s.parameter_types) WITH ORDINALITY AS u (t, i)
      WHERE s.name = ${literal(name)} AND s.statement = ANY (ARRAY[${texts}]) ORDER BY i`,
  )
  if (rows.length === 0) return null
  const { body, own } = candidates[rows[0][0]!.readInt32BE(0) - 1]
  return { body, types: rows.slice(0, own).map(row => ({ oid: row[1]!.readUInt32BE(0), name: row[2]!.toString() })) }
}

/** Oids of types as written; 0 where the server knows none, and will say so. */
const oidsOf = async (types: readonly string[], upstream: Upstream): Promise<number[]> => {
  if (types.length === 0) return []
  const oids = types.map(type => `pg_catalog.to_regtype(${literal(type)})::pg_catalog.oid`)
  const [row] = await upstream.query(`SELECT ${oids.join(', ')}`)
  return row.map(oid => oid?.readUInt32BE(0) ?? 0)
}

/** Names of types; nothing where none is said. */
const namesOf = async (oids: readonly number[], upstream: Upstream): Promise<(string | undefined)[]> => {
  if (oids.every(oid => oid === 0)) return []
  const [row] = await upstream.query(`SELECT ${oids.map(oid => `pg_catalog.format_type(${oid}, NULL)`).join(', ')}`)
  return oids.map((oid, i) => (oid === 0 ? undefined : row[i]?.toString()))
}

/** The arguments of EXECUTE, each evaluated once by the server. */
const evaluate = async (args: readonly string[], types: readonly Type[], upstream: Upstream): Promise<Param[]> => {
  if (args.length === 0) return []
  const [row] = await upstream.query(
    `SELECT ${args.map((arg, i) => `(${arg}\n)::${castName(types[i].name)}`).join(', ')}`,
  )
  return row.map(value => ({ format: 1, value }))
}
