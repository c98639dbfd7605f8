// Views of predictions: statements that make, read, refresh and drop them, before the planner sees what is left.

import type { Planner } from '../planner.js'
import type { Tree } from '../postgres-parser.js'
import type { Creating } from './create.js'
import { expand, treeAround } from './expand.js'
import { expandNamed } from './named.js'
import type { ViewNames } from './names.js'
import { planAboutPrediction } from './prediction.js'
import { planExpanded } from './replanned.js'
import { planAboutStored } from './stored.js'

export { createViewNames, type ViewNames } from './names.js'

/** A planner that knows the views of these names. */
export const createViews = (plan: Planner, names: ViewNames): Planner => {
  /** Of a text whose PREDICTs are all written out. */
  const planWritten: Planner = async (sql, declared, upstream) => {
    const statements = names.empty ? null : await treeAround(sql)
    if (statements?.length !== 1) return plan(sql, declared, upstream)
    const [statement] = statements
    noteNames(statement, names)
    const about = await planAboutStored(sql, statement, planWritten, upstream)
    if (about) return about
    const text = await expand(sql, statement, names.has, upstream)
    return text ? planExpanded(text, plan, declared, upstream) : plan(sql, declared, upstream)
  }

  const planKnown: Planner = async (sql, declared, upstream) => {
    const about = await planAboutPrediction(sql, planKnown, upstream)
    if (about) return about
    const text = await expandNamed(sql, names, upstream)
    return text ? planExpanded(text, planWritten, declared, upstream) : planWritten(sql, declared, upstream)
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
