// Syntax and catalog to task: names found, types and windows checked, the kind of answer known. No I/O.

import type { Notice } from '../pg-error.js'
import type { PredictSyntax } from './ast.js'
import type { Catalog, Table } from './catalog.js'
import { checkAsOf, checkAssuming, checkWhere } from './clauses.js'
import type { Context } from './context.js'
import { checkEntity, checkIds } from './entity.js'
import { add, multiply, subtract, ZERO } from './interval.js'
import { normalise } from './normalise.js'
import { learntSide } from './one-side.js'
import { checkOptions } from './options.js'
import { Params, type Values } from './params.js'
import { forSelected } from './selected.js'
import { checkTarget } from './target.js'
import type { Aggregate, Task } from './task.js'
import { taskKind } from './task-kind.js'
import { walkAggregates } from './walk.js'
import { horizonOf, reachOf } from './windows.js'

export interface Given {
  /** Types that the client declared for its parameters, by index - 1; 0: none. */
  readonly paramTypes: readonly number[]
  /** Values of the parameters that decide what is asked; absent while the client has sent none. */
  readonly values?: Values
  /** The session's settings; those named predict.* are options. */
  readonly settings?: Readonly<Record<string, string>>
  /** Tables by the names that the outer query gives them. */
  readonly aliases?: ReadonlyMap<string, Table>
}

export interface Checked {
  readonly task: Task
  readonly notices: readonly Notice[]
}

/** The latest end of all windows, a forecast's repeated ones too. */
const reach = (target: readonly Aggregate[], assuming: readonly Aggregate[], steps: number) => {
  const repeated = target.map((aggregate): Aggregate => {
    const { window } = aggregate
    if (!window) return aggregate
    const width = subtract(window.end, window.start ?? ZERO)
    return { ...aggregate, window: { ...window, end: add(window.end, multiply(width, steps - 1)) } }
  })
  return reachOf([...repeated, ...assuming])
}

const scopeNotice = (task: Omit<Task, 'normalised'>): Notice[] =>
  task.where === null || task.ids.kind === 'each'
    ? []
    : [
        {
          severity: 'NOTICE',
          code: '00000',
          message: 'WHERE selects context examples only; every row that FOR names is predicted for',
        },
      ]

/**
 * Checks a parsed PREDICT against the tables that its role sees.
 * @param syntax from `parsePredict`; positions of errors count in its text
 * @throws PgError 42P01, 42703, 42803, 42804, 42883, 22023, PQ001, PQ002, PQ003, PQ006 and their kin, with a position and a hint
 */
export const check = (syntax: PredictSyntax, catalog: Catalog, given: Given): Checked => {
  const params = new Params(given.paramTypes, catalog, given.values)
  const notices: Notice[] = []
  const context: Context = {
    catalog, syntax, params, notices, text: syntax.text, aliases: given.aliases ?? new Map(),
  } // biome-ignore format: one record
  const entity = checkEntity(context, syntax)
  const { table, key } = entity
  const target = checkTarget(context, syntax, { place: 'target', base: table, entity: table })
  const targets = walkAggregates(target)
  const temporal = targets.some(({ window }) => window !== null)
  const where = checkWhere(context, syntax, table, temporal)
  const assuming = checkAssuming(context, syntax, table, temporal)
  const asOf = checkAsOf(context, syntax, table, targets.length > 0)
  const { options, taskPosition } = checkOptions(context, syntax.options, given.settings ?? {})
  const wanted = options.task && { value: options.task, position: taskPosition }
  const { kind, steps, top } = taskKind(context, syntax, target, wanted)
  const ids = checkIds(context, syntax, entity)
  const assumed = walkAggregates(assuming)
  const learnt = kind === 'binary' ? learntSide(target) : { target, complement: false }
  const task: Omit<Task, 'normalised'> = {
    kind,
    ...(steps === undefined ? {} : { steps }),
    ...(top === undefined ? {} : { top }),
    entity: { table, key },
    each: syntax.each,
    ids,
    ...learnt,
    temporal,
    where,
    selected: syntax.where && ids.kind === 'each' ? forSelected(context, table, syntax.where) : null,
    assuming,
    asOf,
    options,
    alias: syntax.alias?.text ?? null,
    horizon: horizonOf(targets),
    reach: reach(targets, assumed, steps ?? 1),
    params: params.list(),
    late: params.lateOnes,
    aggregates: [...targets, ...walkAggregates(where), ...assumed],
  }
  notices.push(...scopeNotice(task))
  return { task: { ...task, normalised: normalise(task) }, notices }
}
