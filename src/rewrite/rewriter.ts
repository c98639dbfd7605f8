// The rewriter of all sessions: what is shared, and what each session's own statements have made.

import type { Rewriter, Rewriting } from './plan.js'
import { createPlanner, type PlannerDeps } from './planner.js'
import { createPrepared } from './prepared.js'
import { createScan, mayConcern } from './scan.js'
import { split } from './split.js'
import { createViewNames, createViews, type ViewNames } from './views/index.js'

export type RewriterDeps = PlannerDeps

const namesExecute = createScan(['execute'])

/** A first message longer than this is not held back to learn the names of views from the server. */
const LONG = 256 * 1024

export const createRewriter = (deps: RewriterDeps): Rewriting => {
  const plan = createPlanner(deps)
  const databases = new Map<string, ViewNames>()
  const namesOf = (database: string): ViewNames => {
    const known = databases.get(database) ?? createViewNames()
    databases.set(database, known)
    return known
  }
  return {
    open(database): Rewriter {
      const names = namesOf(database)
      const prepared = createPrepared(createViews(plan, names))
      /** The session has begun, and nobody has looked of late which views there are. */
      let begins = names.old
      const isOurs = (sql: Uint8Array, start: number, end: number) =>
        mayConcern(sql, start, end) ||
        names.mayName(sql, start, end) ||
        (!prepared.empty && namesExecute(sql, start, end))
      return {
        mayConcern: (sql, start, end) => ((begins || names.stale) && end - start < LONG) || isOurs(sql, start, end),
        split,
        async plan(sql, declared, upstream) {
          // within a transaction a look of ours might be its first query, and fix its snapshot
          if (upstream.transaction === 'idle' && (begins || names.old)) await names.load(upstream)
          begins = false
          const bytes = Buffer.from(sql, 'utf8')
          return isOurs(bytes, 0, bytes.length) ? prepared.plan(sql, declared, upstream) : null
        },
      }
    },
  }
}
