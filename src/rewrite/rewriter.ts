// The rewriter of all sessions: what is shared, and what each session's own statements have made.

import type { Rewriter, Rewriting } from './plan.js'
import { createPlanner, type PlannerDeps } from './planner.js'
import { createPrepared } from './prepared.js'
import { createScan, mayConcern } from './scan.js'
import { split } from './split.js'

export type RewriterDeps = PlannerDeps

const namesExecute = createScan(['execute'])

export const createRewriter = (deps: RewriterDeps): Rewriting => {
  const plan = createPlanner(deps)
  return {
    open: (): Rewriter => {
      const prepared = createPrepared(plan)
      return {
        mayConcern: (sql, start, end) =>
          mayConcern(sql, start, end) || (!prepared.empty && namesExecute(sql, start, end)),
        split,
        plan: prepared.plan,
      }
    },
  }
}
