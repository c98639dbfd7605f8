// SQL that a PREDICT holds verbatim, in IN (SELECT …) and behind AS OF, runs in a statement of ours whose parameters are others: the
// client's are taken out of the text, and those that have no type yet get the one that the server finds for them there.

import type { AsOf, Ids, Task, TypedConstant } from '../pql/task.js'
import type { Upstream } from './plan.js'
import { lexSql } from './sql-lexer.js'

/** SQL in parts, where it holds parameters of the client's. */
export type InParts = readonly (string | TypedConstant)[]

/** The text with the client's parameters taken out: they have other numbers in the statement that it becomes a part of. */
export const inParts = (sql: string, types: readonly number[]): InParts => {
  const parts: (string | TypedConstant)[] = []
  let at = 0
  for (const { kind, text, start, end } of lexSql(sql)) {
    if (kind !== 'param') continue
    const index = Number(text)
    const constant = { kind: 'param', index, start, end } as const
    parts.push(sql.slice(at, start), { constant, type: types[index - 1] ?? 0, typeName: '' })
    at = end
  }
  return [...parts, sql.slice(at)]
}

/**
 * The same with its verbatim SQL in parts, where parameters stand in it.
 * @param types of the client's parameters, by number - 1; those that only the verbatim SQL knows are put in
 */
export const withVerbatimParams = async (task: Task, types: number[], upstream: Upstream): Promise<Task> => {
  const { ids, asOf } = task
  return {
    ...task,
    ids: ids.kind === 'query' ? await taken(ids, ids.sql, sql => sql, types, upstream) : ids,
    asOf:
      asOf.kind === 'expression'
        ? await taken(asOf, asOf.sql, sql => `SELECT (${sql})::pg_catalog.timestamptz`, types, upstream)
        : asOf,
  }
}

const taken = async <T extends Ids | AsOf>(
  of: T,
  sql: string | InParts,
  statement: (sql: string) => string,
  types: number[],
  upstream: Upstream,
): Promise<T> => {
  if (typeof sql !== 'string') return of
  const parts = inParts(sql, types)
  const used = [...new Set(parts.flatMap(part => (typeof part === 'string' ? [] : [indexOf(part)])))]
  if (used.length === 0) return of
  if (used.some(index => isOpen(types[index - 1]))) {
    const place = (part: string | TypedConstant) =>
      typeof part === 'string' ? part : `$${used.indexOf(indexOf(part)) + 1}`
    const found = await upstream.paramTypes(
      statement(parts.map(place).join('')),
      used.map(index => types[index - 1] ?? 0),
    )
    for (const [i, index] of used.entries()) types[index - 1] = found[i]
  }
  return { ...of, sql: inParts(sql, types) }
}

const indexOf = ({ constant }: TypedConstant): number => (constant.kind === 'param' ? constant.index : 0)

const UNKNOWN = 705

/** A parameter whose type nobody has said yet. */
export const isOpen = (type: number | undefined): boolean => type === undefined || type === 0 || type === UNKNOWN
