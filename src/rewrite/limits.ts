// How much a statement may ask for, and how much of the past it learns from (DESIGN 2.12).

import type { ContextSize } from '../graph/extract/context.js'
import type { Options } from '../pql/task.js'

export interface Limits {
  /** Entities in one statement. */
  readonly entities: number
}

export const defaultLimits: Limits = { entities: 100_000 }

/** Entities where rows go into a table or a file. */
export const BULK_ENTITIES = 1_000_000

/** Rows of one forecast. */
export const FORECAST_ROWS = 1_000_000

const rowsByMode = { fast: 3_000, normal: 10_000, best: 10_000 } as const

/** Most of a context is the newest; a share is drawn from all that is older, against a past that has drifted. */
const OLDER_SHARE = 0.12

export function contextSizes(options: Options): ContextSize & { readonly total: number } {
  const total = options.contextSize ?? rowsByMode[options.mode ?? 'normal']
  const older = Math.floor(total * OLDER_SHARE)
  return { total, older, newest: total - older }
}
