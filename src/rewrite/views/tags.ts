// Comments of ours on relations: what a relation is, and the query that makes its rows. They are shown by \dv+ and \dt+, and travel
// with dumps.

import type { Upstream } from '../plan.js'
import { literal, quote } from '../quote.js'

/** `empty table`: of stored predictions that have not been made yet. */
export type Kind = 'view' | 'table' | 'empty table'

export interface Tag {
  readonly kind: Kind
  /** The PREDICTs of a view; the whole query of a table, every table in it with its schema. */
  readonly text: string
  /** What somebody else has written there. */
  readonly prose: string
}

/** For `~` of SQL as well. */
export const TAGGED = '@predict (view|table|empty table):'

export const readTag = (comment: string): Tag | null => {
  const found = new RegExp(TAGGED).exec(comment)
  if (!found) return null
  const text = comment.slice(found.index + found[0].length).trim()
  return { kind: found[1] as Kind, text, prose: comment.slice(0, found.index).trim() }
}

const writeTag = ({ kind, text, prose }: Tag): string => `${prose === '' ? '' : `${prose}\n`}@predict ${kind}: ${text}`

/** A relation as a statement names it. */
export interface Target {
  readonly schema: string | null
  readonly name: string
}

export const targetText = ({ schema, name }: Target): string =>
  `${schema === null ? '' : `${quote(schema)}.`}${quote(name)}`

/** The relation that a path ends in, whatever database is named before it. */
export const pathText = (path: readonly string[]): string =>
  targetText({ schema: path.at(-2) ?? null, name: path.at(-1) ?? '' })

/** The relation's comment. */
export const commentOf = async (name: string, upstream: Upstream): Promise<string> => {
  const [[comment]] = await upstream.query(
    `SELECT pg_catalog.obj_description(pg_catalog.to_regclass(${literal(name)})::pg_catalog.oid, 'pg_class')`,
  )
  return comment?.toString() ?? ''
}

/** COMMENT ON … that makes the relation ours, or keeps it so under other prose. */
export const tagSql = (name: string, tag: Tag): string =>
  `COMMENT ON ${tag.kind === 'view' ? 'VIEW' : 'TABLE'} ${name} IS ${literal(writeTag(tag))}`
