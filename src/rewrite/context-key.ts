// What a fitted context depends on, as a key that questions share exactly where they may share the context.

import { createHash } from 'node:crypto'
import type { SessionFacts } from '../graph/catalog/index.js'
import type { Table } from '../pql/catalog.js'
import { tablesUsed } from '../pql/index.js'
import { normalise } from '../pql/normalise.js'
import type { Task } from '../pql/task.js'
import type { Param } from './plan.js'

/**
 * Names all that a fitted context depends on, or null where none may outlive the statement: a table used is not shared by all who ask
 * alike, or the transaction has written, so that it sees what others do not.
 */
export function contextKey(task: Task, params: readonly Param[], facts: SessionFacts, cell: string): string | null {
  if (facts.hasWritten || [...reachable(task)].some(table => !table.cacheable)) return null
  // whom to score is no part of a context, nor of the normalised text: a parameter that stands only there may differ
  const constants = task.params
    .filter(({ index }) => new RegExp(`\\$${index}(?!\\d)`).test(task.normalised))
    .map(({ index }) => [index, params[index - 1]?.format, params[index - 1]?.value?.toString('base64') ?? null])
  const { mode, seed, contextSize, hops, exclude, include, embedding = false } = task.options
  const columns = (refs: typeof exclude) => refs?.map(r => `${r.table.oid}.${r.column.attnum}`).sort()
  const facet = [
    facts.database.oid,
    facts.role.oid,
    facts.timeZone,
    facts.rowSecurity,
    facts.token,
    // lists of any length come from one context
    normalise({ ...task, top: 0 }),
    constants,
    cell,
  ]
  const text = JSON.stringify([...facet, mode, seed, contextSize, hops, columns(exclude), columns(include), embedding])
  return createHash('sha256').update(text).digest('base64url')
}

/** Every table that an extraction may read: those of the text, and their neighbours. */
export function reachable(task: Task): Set<Table> {
  const tables = new Set<Table>(tablesUsed(task))
  const add = (table: Table) => tables.add(table)
  for (const table of [...tables]) {
    for (const link of [...table.parents, ...table.children]) {
      for (const end of [link.from, link.to]) {
        add(end)
        for (const next of [...end.parents, ...end.children]) add(next.from === end ? next.to : next.from)
      }
    }
  }
  return tables
}
