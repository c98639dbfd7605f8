// A statement that reads views of predictions, with their queries in the place of their names: its own session answers it, with its
// own rights.

import { PgError } from '../../pg-error.js'
import { findNodes } from '../nodes.js'
import { mask } from '../outer.js'
import { WITH_PARAMS } from '../outer-rules.js'
import { textParam, type Upstream } from '../plan.js'
import { parseSql, type Tree } from '../postgres-parser.js'
import { type Edit, edited, type SegmentText } from '../segment-text.js'
import { lexSql } from '../sql-lexer.js'
import { loadDefinitions } from './definitions.js'
import { qualifiersIn, rangesIn } from './ranges.js'
import { targetText } from './tags.js'

/** Statements that answer now; others keep a view's name for later, and are the server's. */
const READING = new Set([...WITH_PARAMS, 'CopyStmt'])

/** The tree of a statement with its PREDICTs blanked out; null where there is none to be had. */
export const treeAround = async (sql: string): Promise<readonly Tree[] | null> => {
  const nodes = findNodes(sql, lexSql(sql))
  if (nodes.some(({ form }) => form === 'statement')) return null
  const outcome = await parseSql(mask(sql, nodes))
  return outcome.kind === 'tree' ? outcome.statements : null
}

/**
 * null: it reads none.
 * @param isView whether a view of this name may be one of ours
 * @throws PgError 42501 where the role may not read one
 */
export const expand = async (
  sql: string,
  statement: Tree,
  isView: (name: string) => boolean,
  upstream: Upstream,
): Promise<SegmentText | null> => {
  if (!READING.has(Object.keys(statement)[0])) return null
  const ranges = rangesIn(sql, [statement]).filter(({ name }) => isView(name))
  if (ranges.length === 0) return null
  const params = ranges.map(range => textParam(25, targetText(range)))
  const [oids] = await upstream.query(
    `SELECT ${params.map((_, i) => `pg_catalog.to_regclass($${i + 1})::pg_catalog.oid`).join(', ')}`,
    params,
  )
  const definitionOf = await loadDefinitions(upstream)
  const refusal = (error: unknown): null => {
    // that there are no rows yet is no reason not to plan
    if (statement.ExplainStmt && error instanceof PgError && error.code === '55000') return null
    throw error
  }
  const edits: Edit[] = []
  for (const [i, range] of ranges.entries()) {
    const oid = oids[i]?.readUInt32BE(0)
    const definition = oid === undefined ? null : await definitionOf(oid).catch(refusal)
    if (!definition) continue
    if (!definition.readable)
      throw new PgError({
        code: '42501',
        message: `permission denied for view ${definition.name}`,
        position: range.start,
      })
    edits.push({ start: range.start, end: range.end, text: range.write(definition.sql) })
    // what takes its place is in no schema
    if (!range.aliased)
      for (const { schema, name, start, end } of qualifiersIn(sql, [statement]))
        if (
          name === range.name &&
          (range.schema === null || schema === range.schema) &&
          !edits.some(e => e.start === start)
        )
          edits.push({ start, end, text: '' })
  }
  return edits.length === 0 ? null : edited(sql, edits)
}
