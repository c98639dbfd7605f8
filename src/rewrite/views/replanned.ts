// The plan of a text of ours that stands for a client's: whatever has a place in the one has it in the other.

import { PgError } from '../../pg-error.js'
import type { Bound, Param, Plan, Upstream } from '../plan.js'
import type { Planner } from '../planner.js'
import type { SegmentText } from '../segment-text.js'

/** An error in what a view or a table keeps: it was fine when that was made, and has no place in the client's text. */
export const inKept = (error: PgError): PgError => {
  const gone = error.code === '42P01' || error.code === '42703'
  return new PgError({
    ...error.fields(),
    position: undefined,
    hint: gone
      ? 'The name stands in what a view of predictions keeps, and its table has changed since: make the view anew.'
      : error.hint,
  })
}

/** @throws PgError with a position in the client's text */
export const planExpanded = async (
  text: SegmentText,
  plan: Planner,
  declared: readonly number[],
  upstream: Upstream,
): Promise<Plan | null> => {
  const placed = (error: unknown): never => {
    if (!(error instanceof PgError) || error.position === undefined) throw error
    const position = text.toSource(error.position) ?? undefined
    throw position === undefined ? inKept(error) : new PgError({ ...error.fields(), position })
  }
  const inner = await plan(text.text, declared, upstream).catch(placed)
  const map = (position: number | null) => (position === null ? null : text.mapPosition(position))
  const outside = (bound: Bound): Bound =>
    'sql' in bound ? { ...bound, mapPosition: at => map(bound.mapPosition(at)) } : bound
  return (
    inner && {
      ...inner,
      mapPosition: position => map(inner.mapPosition(position)),
      run: async (params, client) => outside(await inner.run(params, client).catch(placed)),
      ...(inner.parts && {
        parts(params: readonly Param[], client: Upstream) {
          const parts = inner.parts!(params, client)
          return {
            next: async () => {
              const part = await parts.next().catch(placed)
              return { ...outside(part), last: part.last }
            },
            rest: async () => outside(await parts.rest().catch(placed)),
            close: () => parts.close(),
          }
        },
      }),
    }
  )
}
