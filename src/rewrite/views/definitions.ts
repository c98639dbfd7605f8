// Views of predictions, and the views that rest on them, as the server has them now: each as SQL that holds its PREDICT again.

import { PgError } from '../../pg-error.js'
import { textParam, type Upstream } from '../plan.js'
import { parseSql, type Tree } from '../postgres-parser.js'
import { literal } from '../quote.js'
import { edited } from '../segment-text.js'
import { filled } from './kept-text.js'
import { rangesIn } from './ranges.js'
import { stubsIn } from './stub.js'
import { TAGGED, targetText } from './tags.js'

/** What a reader must find in our word set: tagged views, tagged tables that have no rows yet, and what rests on them. */
const RESTING = `
WITH RECURSIVE tagged AS (
  SELECT c.oid, c.relkind, c.relkind <> 'v' AND d.description ~ '@predict empty table:' AS is_empty
    FROM pg_catalog.pg_description d JOIN pg_catalog.pg_class c ON c.oid = d.objoid AND c.relkind IN ('v', 'r', 'p')
   WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND d.description ~ '${TAGGED}'
), resting AS (
  SELECT t.oid FROM tagged t WHERE t.relkind = 'v' OR t.is_empty
  UNION
  SELECT w.ev_class FROM resting x
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = x.oid
     AND d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
    JOIN pg_catalog.pg_class c ON c.oid = w.ev_class AND c.relkind = 'v'
)
`

export const NAMES = `${RESTING}
SELECT c.relname, r.oid IS NOT NULL, c.relkind <> 'v' FROM pg_catalog.pg_class c LEFT JOIN resting r ON r.oid = c.oid
 WHERE r.oid IS NOT NULL OR c.oid IN (SELECT oid FROM tagged)`

const DEFINITIONS = `${RESTING}
SELECT c.oid, n.nspname, c.relname, CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END, pg_catalog.has_table_privilege(c.oid, 'SELECT')
  FROM resting r JOIN pg_catalog.pg_class c ON c.oid = r.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace`

export interface Definition {
  readonly name: string
  /** A query, every table in it with its schema. */
  readonly sql: string
  readonly readable: boolean
}

interface Row {
  readonly name: string
  /** null: of a table that is to be filled. */
  readonly sql: string | null
  readonly readable: boolean
}

/** Every view that holds a PREDICT or rests on one that does, by oid; it is written out when it is asked for. */
export const loadDefinitions = async (upstream: Upstream): Promise<(oid: number) => Promise<Definition | null>> => {
  const rows = await fullyNamed(upstream, () => upstream.query(DEFINITIONS))
  const byOid = new Map<number, Row>()
  const byName = new Map<string, number>()
  for (const [oid, schema, name, sql, readable] of rows) {
    const number = oid!.readUInt32BE(0)
    byName.set(targetText({ schema: schema!.toString(), name: name!.toString() }), number)
    byOid.set(number, {
      name: name!.toString(),
      sql: sql?.toString() ?? null,
      readable: readable![0] === 1,
    })
  }
  const written = new Map<number, Promise<string>>()
  const write = async (oid: number): Promise<string> => {
    const { name, sql } = byOid.get(oid)!
    if (sql === null) throw unfilled(name)
    const known = written.get(oid) ?? writeOut(sql, name => byName.get(name), write)
    written.set(oid, known)
    return known
  }
  return async oid => {
    const row = byOid.get(oid)
    return row ? { name: row.name, readable: row.readable, sql: row.readable ? await write(oid) : '' } : null
  }
}

/** As Postgres says it of a materialized view. */
const unfilled = (name: string): PgError =>
  new PgError({
    code: '55000',
    message: `materialized view "${name}" has not been populated`,
    hint: 'Use the REFRESH MATERIALIZED VIEW command.',
  })

/** Under an empty search_path the server writes every name with its schema, whatever a reader's CTEs are called. */
const fullyNamed = async <T>(upstream: Upstream, work: () => Promise<T>): Promise<T> => {
  const [[path]] = await upstream.query(
    `SELECT s.path, pg_catalog.set_config('search_path', '', true)
       FROM (SELECT pg_catalog.current_setting('search_path') AS path OFFSET 0) s`,
  )
  const result = await work()
  await upstream.query(`SELECT pg_catalog.set_config('search_path', $1, true)`, [textParam(25, path!.toString())])
  return result
}

/** The definition of a view with PREDICT for its stubs; views that it reads stay what they are. */
export const definitionOf = async (name: string, upstream: Upstream): Promise<string> => {
  const [[oid]] = await upstream.query(`SELECT pg_catalog.to_regclass(${literal(name)})::pg_catalog.oid`)
  const [[sql]] = await fullyNamed(upstream, () =>
    upstream.query(`SELECT pg_catalog.pg_get_viewdef(${oid!.readUInt32BE(0)}::pg_catalog.oid)`),
  )
  return writeOut(
    sql!.toString(),
    () => undefined,
    async () => '',
  )
}

/** A PREDICT that a view keeps. */
export interface NamedQuestion {
  readonly pql: string
  readonly readable: boolean
}

/** What a view that is one PREDICT and nothing else asks; null where there is no such view. */
export const questionOf = async (name: string, upstream: Upstream): Promise<NamedQuestion | null> => {
  const [row] = await upstream.query(
    `SELECT c.oid, pg_catalog.has_table_privilege(c.oid, 'SELECT') FROM pg_catalog.pg_class c
      WHERE c.oid = pg_catalog.to_regclass(${literal(name)}) AND c.relkind = 'v' AND pg_catalog.obj_description(c.oid, 'pg_class') ~ '${TAGGED}'`,
  )
  if (!row) return null
  const [[sql]] = await fullyNamed(upstream, () =>
    upstream.query(`SELECT pg_catalog.pg_get_viewdef(${row[0]!.readUInt32BE(0)}::pg_catalog.oid)`),
  )
  const text = sql!.toString().trim().replace(/;$/, '')
  const outcome = await parseSql(text)
  if (outcome.kind !== 'tree' || !isBare(outcome.statements[0])) return null
  const stubs = stubsIn(text, outcome.statements)
  return stubs.length === 1 && stubs[0].args.length === 0 ? { pql: stubs[0].pql, readable: row[1]![0] === 1 } : null
}

/** SELECT columns FROM (query) AS name, and no more. */
const isBare = (statement: Tree): boolean => {
  const {
    targetList = [],
    fromClause = [],
    ...rest
  } = (statement.SelectStmt ?? {}) as {
    readonly targetList?: readonly { readonly ResTarget?: { readonly val?: Tree } }[]
    readonly fromClause?: readonly Tree[]
  }
  return (
    fromClause.length === 1 &&
    fromClause[0].RangeSubselect !== undefined &&
    targetList.every(({ ResTarget }) => ResTarget?.val?.ColumnRef !== undefined) &&
    Object.keys(rest).every(field => field === 'limitOption' || field === 'op')
  )
}

/** A definition with PREDICT for each stub and a sub-query for each view of ours in it. */
const writeOut = async (
  definition: string,
  oidOf: (name: string) => number | undefined,
  write: (oid: number) => Promise<string>,
): Promise<string> => {
  const text = definition.trim().replace(/;$/, '')
  const outcome = await parseSql(text)
  if (outcome.kind !== 'tree') throw new Error(`the definition of a view cannot be read: ${text}`)
  const edits = stubsIn(text, outcome.statements).map(({ start, end, pql, args }) => ({
    start,
    end,
    text: `(${filled(pql, args)})`,
  }))
  for (const range of rangesIn(text, outcome.statements)) {
    const oid = oidOf(targetText(range))
    if (oid !== undefined) edits.push({ start: range.start, end: range.end, text: range.write(await write(oid)) })
  }
  return edited(text, edits).text
}
