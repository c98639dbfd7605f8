// REFRESH, DROP, ALTER and COMMENT ON MATERIALIZED VIEW of stored predictions, which are tables; and COMMENT ON what carries a tag of ours,
// which stays.

import { PgError } from '../../pg-error.js'
import type { Bound, Plan, Upstream } from '../plan.js'
import type { Planner } from '../planner.js'
import type { Tree } from '../postgres-parser.js'
import { literal, quote } from '../quote.js'
import { isSign, isWord, lexSql, pathAt, type SqlToken } from '../sql-lexer.js'
import { inKept } from './replanned.js'
import { commentOf, pathText, readTag, type Tag, tagSql, targetText } from './tags.js'

/** The tag of a relation that stores predictions; null where it is none. */
const storedAs = async (name: string, upstream: Upstream): Promise<Tag | null> => {
  const tag = readTag(await commentOf(name, upstream))
  return tag && tag.kind !== 'view' ? tag : null
}

/** null: it is about none. */
export const planAboutStored = async (
  sql: string,
  statement: Tree,
  plan: Planner,
  upstream: Upstream,
): Promise<Plan | null> => {
  const refresh = statement.RefreshMatViewStmt as Refresh | undefined
  if (refresh) {
    const name = nameIn(refresh.relation)
    const tag = await storedAs(name, upstream)
    return tag && (await planRefresh({ name, tag, refresh }, plan, upstream))
  }
  const comment = statement.CommentStmt as Comment | undefined
  if (comment) return planComment(comment, upstream)
  const tokens = lexSql(sql)
  if (!isWord(tokens[0], 'drop', 'alter') || !isWord(tokens[1], 'materialized') || !isWord(tokens[2], 'view'))
    return null
  for (const name of namesIn(sql, tokens)) if ((await storedAs(name, upstream)) === null) return null
  const command = `${tokens[0].text.toUpperCase()} MATERIALIZED VIEW`
  return asIs(`${sql.slice(0, tokens[1].start)}TABLE${sql.slice(tokens[2].end)}`, () => command)
}

/** A plan that runs a statement of ours in the client's place. */
export const asIs = (sql: string, tag?: Plan['tag']): Plan => ({
  sql,
  paramTypes: [],
  hidden: 0,
  mapPosition: () => null,
  run: async () => ({ params: [] }),
  tag,
})

interface RangeVar {
  readonly schemaname?: string
  readonly relname: string
}

const nameIn = ({ schemaname, relname }: RangeVar): string => targetText({ schema: schemaname ?? null, name: relname })

/** The relations that DROP or ALTER MATERIALIZED VIEW names. */
const namesIn = (sql: string, tokens: readonly SqlToken[]): string[] => {
  const names: string[] = []
  for (let at = isWord(tokens[3], 'if') ? 5 : 3; ; ) {
    const found = pathAt(sql, tokens, at)
    if (!found) return names
    names.push(pathText(found.path))
    if (!isSign(tokens[found.next], ',')) return names
    at = found.next + 1
  }
}

interface Comment {
  readonly objtype: string
  readonly object?: { readonly List?: { readonly items?: readonly { readonly String?: { readonly sval: string } }[] } }
  readonly comment?: string
}

/** The client's prose, with the tag that makes the relation ours behind it. */
const planComment = async ({ objtype, object, comment }: Comment, upstream: Upstream): Promise<Plan | null> => {
  if (!/^OBJECT_(VIEW|TABLE|MATVIEW)$/.test(objtype)) return null
  const path = (object?.List?.items ?? []).map(({ String: part }) => part?.sval ?? '')
  const name = pathText(path)
  const tag = readTag(await commentOf(name, upstream))
  // of another kind of relation than it is: the server says so
  if (!tag || (tag.kind === 'view') !== (objtype === 'OBJECT_VIEW')) return null
  return asIs(tagSql(name, { ...tag, prose: comment ?? '' }))
}

interface Refresh {
  readonly relation: RangeVar
  readonly skipData?: boolean
  readonly concurrent?: boolean
}

interface Refreshing {
  readonly name: string
  readonly tag: Tag
  readonly refresh: Refresh
}

const REFRESHED = 'REFRESH MATERIALIZED VIEW'

/**
 * The new rows are computed first; then the old ones go and the new ones come in one transaction. Readers are not held up, and see
 * the one or the other; where anything fails, the old ones stay. CONCURRENTLY asks for no more than that.
 */
const planRefresh = async ({ name, tag, refresh }: Refreshing, plan: Planner, upstream: Upstream): Promise<Plan> => {
  const { concurrent, skipData, relation } = refresh
  if (concurrent && skipData)
    throw new PgError({
      code: '42601',
      message: 'REFRESH options CONCURRENTLY and WITH NO DATA cannot be used together',
    })
  if (concurrent && tag.kind === 'empty table')
    throw new PgError({
      code: '0A000',
      message: 'CONCURRENTLY cannot be used when the materialized view is not populated',
      hint: `REFRESH MATERIALIZED VIEW ${name}`,
    })
  await refuseBorrowedRights(name, upstream)
  if (skipData) return planEmptied(name, tag, relation.relname)
  const inner = await plan(`INSERT INTO ${name} ${tag.text}`, [], upstream).catch(error => {
    throw error instanceof PgError ? inKept(error) : error
  })
  if (inner === null) throw new Error(`stored predictions without a PREDICT: ${tag.text}`)
  return {
    sql: inner.sql,
    paramTypes: inner.paramTypes,
    hidden: inner.paramTypes.length,
    mapPosition: () => null,
    tag: () => REFRESHED,
    async run(_, client): Promise<Bound> {
      const bound = await inner.run([], client)
      await empty(name, client)
      if (tag.kind === 'empty table') await client.query(tagSql(name, { ...tag, kind: 'table' }))
      return bound
    },
  }
}

/**
 * The owner of the table wrote its query, or could have: whoever may do more than the owner must not run it unawares.
 * @throws PgError 42501
 */
const refuseBorrowedRights = async (name: string, upstream: Upstream): Promise<void> => {
  const [row] = await upstream.query(
    `SELECT pg_catalog.pg_has_role(c.relowner, current_user, 'MEMBER'), pg_catalog.pg_get_userbyid(c.relowner)
       FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(${literal(name)})`,
  )
  if (!row || row[0]![0] === 1) return
  const owner = row[1]!.toString()
  throw new PgError({
    code: '42501',
    message: `must be owner of materialized view ${name}`,
    detail: `Its query would run with your rights, of which its owner "${owner}" has fewer.`,
    hint: `SET ROLE ${quote(owner)}`,
  })
}

/** WITH NO DATA: the rows go, and none is read until the next REFRESH. */
const planEmptied = (name: string, tag: Tag, relation: string): Plan & { readonly createsView: string } => ({
  ...asIs(tagSql(name, { ...tag, kind: 'empty table' }), () => REFRESHED),
  createsView: relation,
  async run(_, client) {
    await empty(name, client)
    return { params: [] }
  },
})

const empty = async (name: string, client: Upstream): Promise<void> => {
  const regclass = `pg_catalog.to_regclass(${literal(name)})`
  // one refresh at a time; older servers let no LOCK TABLE into a transaction that is not a block
  await client.query(
    `SELECT pg_catalog.pg_advisory_xact_lock('pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid::pg_catalog.int4, ${regclass}::pg_catalog.oid::pg_catalog.int4)`,
  )
  await client.query(`DELETE FROM ${name}`)
}
