// What one execution of a plan sends: the plan's statement with the hidden parameters, or the statement that takes its place.

import type { Bound, Param, Plan } from '../../rewrite/plan.js'

export interface Execution {
  readonly sql: string
  /** Oids of the parameters' types, 0 where the server infers one. */
  readonly types: readonly number[]
  readonly params: readonly Param[]
  /** As `mapPosition` of a plan. */
  map(position: number): number | null
}

/** @param given the client's own parameters, which another statement does without */
export const executionOf = (plan: Plan, bound: Bound, given: readonly Param[] = []): Execution => {
  if (!('sql' in bound))
    return {
      sql: plan.sql,
      types: plan.paramTypes,
      params: [...given, ...bound.params],
      map: position => plan.mapPosition(position),
    }
  const params = bound.typed ?? []
  return {
    sql: bound.sql,
    types: params.map(({ type }) => type),
    params,
    map: position => bound.mapPosition(position),
  }
}
