// REFRESH, DROP and ALTER MATERIALIZED VIEW of stored predictions, which are tables.

import { PgError } from '../../pg-error.js'
import type { Plan, Upstream } from '../plan.js'
import type { Planner } from '../planner.js'
import type { Tree } from '../postgres-parser.js'
import { literal } from '../quote.js'
import { isSign, isWord, lexSql, nameOf, type SqlToken } from '../sql-lexer.js'
import { targetText } from './create.js'
import { TABLE_TAG } from './definitions.js'

/** How the stored predictions of this name are made; null where it is no table of them. */
const storedAs = async (name: string, upstream: Upstream): Promise<string | null> => {
  const [row] = await upstream.query(
    `SELECT pg_catalog.obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c
      WHERE c.oid = pg_catalog.to_regclass(${literal(name)}) AND c.relkind IN ('r', 'p')`,
  )
  const comment = row?.[0]?.toString() ?? ''
  const at = comment.indexOf(TABLE_TAG)
  return at < 0 ? null : comment.slice(at + TABLE_TAG.length).trim()
}

/** null: it is about none. */
export const planAboutStored = async (
  sql: string,
  statement: Tree,
  plan: Planner,
  upstream: Upstream,
): Promise<Plan | null> => {
  const refresh = statement.RefreshMatViewStmt as
    | { relation: { schemaname?: string; relname: string }; skipData?: boolean }
    | undefined
  if (refresh) {
    const { schemaname, relname } = refresh.relation
    const name = targetText({ schema: schemaname ?? null, name: relname })
    const definition = await storedAs(name, upstream)
    return definition === null ? null : planRefresh(sql, name, definition, refresh.skipData ?? false, plan, upstream)
  }
  const tokens = lexSql(sql)
  if (!isWord(tokens[0], 'drop', 'alter') || !isWord(tokens[1], 'materialized') || !isWord(tokens[2], 'view'))
    return null
  for (const name of namesIn(sql, tokens)) if ((await storedAs(name, upstream)) === null) return null
  const text = `${sql.slice(0, tokens[1].start)}TABLE${sql.slice(tokens[2].end)}`
  return { sql: text, paramTypes: [], hidden: 0, mapPosition: () => null, run: async () => ({ params: [] }) }
}

/** The relations that DROP or ALTER MATERIALIZED VIEW names. */
const namesIn = (sql: string, tokens: readonly SqlToken[]): string[] => {
  const names: string[] = []
  let i = isWord(tokens[3], 'if') ? 5 : 3
  for (; tokens[i]; i++) {
    const path = [nameOf(sql, tokens[i])]
    while (isSign(tokens[i + 1], '.')) {
      i += 2
      path.push(nameOf(sql, tokens[i]))
    }
    names.push(targetText({ schema: path.length > 1 ? path[path.length - 2] : null, name: path[path.length - 1] }))
    if (!isSign(tokens[i + 1], ',')) break
    i++
  }
  return names
}

/**
 * The new rows are computed first; then the old ones go and the new ones come in one transaction. Readers are not held up, and see
 * the one or the other; where anything fails, the old ones stay.
 */
const planRefresh = async (
  sql: string,
  name: string,
  definition: string,
  skipData: boolean,
  plan: Planner,
  upstream: Upstream,
): Promise<Plan> => {
  if (skipData)
    throw new PgError({
      code: '0A000',
      message: 'WITH NO DATA is not supported for stored predictions',
      hint: `TRUNCATE ${name}`,
      position: sql.toLowerCase().lastIndexOf('with'),
    })
  const regclass = `pg_catalog.to_regclass(${literal(name)})`
  const inner = await plan(`INSERT INTO ${name} ${definition}`, [], upstream).catch(error => {
    throw error instanceof PgError ? new PgError({ ...error.fields(), position: undefined }) : error
  })
  if (inner === null) throw new Error(`stored predictions without a PREDICT: ${definition}`)
  return {
    sql: inner.sql,
    paramTypes: inner.paramTypes,
    hidden: inner.paramTypes.length,
    mapPosition: () => null,
    async run(_, client) {
      const bound = await inner.run([], client)
      // one refresh at a time; older servers let no LOCK TABLE into a transaction that is not a block
      await client.query(
        `SELECT pg_catalog.pg_advisory_xact_lock('pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int4, ${regclass}::pg_catalog.oid::pg_catalog.int4)`,
      )
      await client.query(`DELETE FROM ${name}`)
      return bound
    },
  }
}
