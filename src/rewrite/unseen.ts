// A name that the language does not find may still exist, only not for this role, or not as something to predict over: then the answer is
// Postgres' own 42501, or how to make it usable, rather than «does not exist».

import { PgError } from '../pg-error.js'
import { textParam, type Upstream } from './plan.js'

const TEXT = 25

const lookUp = `
SELECT c.relname, c.relkind::pg_catalog.text,
       pg_catalog.has_any_column_privilege(c.oid, 'SELECT'),
       pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'),
       (WITH RECURSIVE up (oid, depth) AS (
          SELECT i.inhparent, 1 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid
          UNION ALL
          SELECT i.inhparent, up.depth + 1 FROM up JOIN pg_catalog.pg_inherits i ON i.inhrelid = up.oid)
        SELECT up.oid::pg_catalog.regclass::pg_catalog.text FROM up ORDER BY up.depth DESC, up.oid LIMIT 1),
       (SELECT pg_catalog.quote_ident(f.attname) FROM pg_catalog.pg_attribute f
         WHERE f.attrelid = c.oid AND f.attnum > 0 AND NOT f.attisdropped ORDER BY f.attnum LIMIT 1)
  FROM pg_catalog.pg_class c
  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.oid = pg_catalog.to_regclass($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`

/** The error to report for `error`, thrown while names of `pql` were looked up. */
export async function unseen(error: unknown, pql: string, upstream: Upstream): Promise<unknown> {
  if (!(error instanceof PgError) || error.position === undefined) return error
  const isTable = error.code === '42P01'
  if (!isTable && error.code !== '42703') return error
  const name = isTable ? dottedName(pql, error.position) : qualifier(pql, error.position)
  if (name === null) return error
  const column = isTable ? null : folded(dottedName(pql, error.position)?.split('.')[0] ?? '')
  // COUNT(schema.table.column): the table's name is what stands before the last dot.
  const tables = isTable ? prefixes(name) : [name]
  for (const table of tables) {
    const [row] = await upstream.query(lookUp, [textParam(TEXT, table), textParam(19, column)])
    if (!row) continue
    const [relation, kind, readable, columnReadable, whole, first] = row
    const position = error.position
    if (isTable && whole) {
      return new PgError({
        code: error.code,
        message: `"${relation}" is part of "${whole}" and not a table of its own to PREDICT`,
        detail: 'Partitions and tables that inherit are read through the table that they belong to.',
        hint: `Write: ${whole}`,
        position,
      })
    }
    if (readable?.[0] !== 1 || columnReadable?.[0] === 0) {
      return new PgError({
        code: '42501',
        message: `permission denied for ${kind?.toString() === 'v' ? 'view' : 'table'} ${relation}`,
        position,
      })
    }
    if (isTable && kind?.toString() === 'v') {
      return new PgError({
        code: 'PQ001',
        message: `view "${relation}" has no key, so its rows cannot be told apart`,
        detail: 'Columns whose values tell them apart can be declared to be its key, as its first may be.',
        hint: `COMMENT ON VIEW ${table} IS '@predict key(${first})'`,
        position,
      })
    }
  }
  return error
}

const PART = String.raw`(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)`

function dottedName(text: string, at: number): string | null {
  return (
    new RegExp(String.raw`${PART}(?:\s*\.\s*${PART})*`, 'uy').exec(text.slice(at))?.[0].replace(/\s*\.\s*/g, '.') ??
    null
  )
}

/** What stands, with its dot, before the name at `at`. */
function qualifier(text: string, at: number): string | null {
  const found = new RegExp(String.raw`(${PART}(?:\s*\.\s*${PART})*)\s*\.\s*$`, 'u').exec(text.slice(0, at))
  return found?.[1]?.replace(/\s*\.\s*/g, '.') ?? null
}

/** The name itself, and without its last part. */
function prefixes(name: string): string[] {
  const parts = name.match(new RegExp(PART, 'gu')) ?? []
  // a name in three parts is another database's to the server, which refuses it
  return parts
    .map((_, i) => parts.slice(0, parts.length - i))
    .slice(0, 2)
    .filter(name => name.length <= 2)
    .map(name => name.join('.'))
}

const folded = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()
