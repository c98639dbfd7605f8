// Views of predictions: statements that make, read, refresh and drop them, before the planner sees what is left.

import { PgError } from '../../pg-error.js'
import type { Plan, Upstream } from '../plan.js'
import type { Planner } from '../planner.js'
import type { Tree } from '../postgres-parser.js'
import type { SegmentText } from '../segment-text.js'
import type { Creating } from './create.js'
import { expand, treeAround } from './expand.js'
import type { ViewNames } from './names.js'
import { planAboutStored } from './stored.js'

export { createViewNames, type ViewNames } from './names.js'

/** A planner that knows the views of these names. */
export const createViews = (plan: Planner, names: ViewNames): Planner => {
  const planKnown: Planner = async (sql, declared, upstream) => {
    const statements = names.empty ? null : await treeAround(sql)
    if (statements?.length !== 1) return plan(sql, declared, upstream)
    const [statement] = statements
    noteNames(statement, names)
    const about = await planAboutStored(sql, statement, planKnown, upstream)
    if (about) return about
    const text = await expand(sql, statement, names.has, upstream)
    return text ? planExpanded(text, declared, upstream) : plan(sql, declared, upstream)
  }

  const planExpanded = async (
    text: SegmentText,
    declared: readonly number[],
    upstream: Upstream,
  ): Promise<Plan | null> => {
    const inner = await plan(text.text, declared, upstream).catch(error => {
      throw error instanceof PgError && error.position !== undefined
        ? new PgError({ ...error.fields(), position: text.toSource(error.position) ?? undefined })
        : error
    })
    const map = (position: number | null) => (position === null ? null : text.mapPosition(position))
    return (
      inner && {
        ...inner,
        mapPosition: position => map(inner.mapPosition(position)),
        async run(params, client) {
          const bound = await inner.run(params, client)
          return 'sql' in bound ? { sql: bound.sql, mapPosition: at => map(bound.mapPosition(at)) } : bound
        },
      }
    )
  }

  return async (sql, declared, upstream) => {
    const planned: Creating | null = await planKnown(sql, declared, upstream)
    if (planned?.createsView !== undefined) names.add(planned.createsView)
    if (planned?.createsTable) names.addStored()
    return planned
  }
}

/** A view over a view of predictions is one of them from now on, and so is one that takes a new name. */
const noteNames = (statement: Tree, names: ViewNames): void => {
  const view = statement.ViewStmt as { view: { relname: string } } | undefined
  const renamed = statement.RenameStmt as { newname?: string } | undefined
  if (view) names.add(view.view.relname)
  if (renamed?.newname) names.add(renamed.newname)
}
