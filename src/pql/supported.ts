// What is understood and not answered yet. The language is whole; this is the line between it and the engine behind.

import { PgError } from '../pg-error.js'
import type { Aggregate, Task, TaskKind } from './task.js'
import { walkAggregates } from './walk.js'

const ANSWERED =
  'Answered are columns, and windows ahead: COUNT, COUNT_DISTINCT, SUM, AVG, MIN, MAX, FIRST and LAST, compared, forecast or neither, and LIST_DISTINCT with RANK or CLASSIFY.'

const refuse = (what: string, position?: number, hint = ANSWERED): never => {
  throw new PgError({ code: '0A000', message: `${what} is not supported yet`, hint, position })
}

const EMBEDDED: readonly TaskKind[] = ['binary', 'numeric', 'multiclass']

const EMBEDS =
  'Embeddings are made where a condition, a number or a value over a window is asked about, as in COUNT(orders.*, 0, 30, days) > 0.'

const VALUE_AGGREGATES = ['LIST_DISTINCT']

const valued = (aggregates: readonly Aggregate[]): Aggregate | undefined =>
  aggregates.find(({ name }) => VALUE_AGGREGATES.includes(name))

const isArrayList = ({ target }: Task): boolean =>
  target.kind === 'value' && target.operand.kind === 'aggregate' && target.operand.column?.column.typeClass === 'array'

/** @throws PgError 0A000 for a task that can be stated and not yet answered */
export const assertSupported = (task: Task): void => {
  const first = task.aggregates[0]?.span.start
  const list = task.kind === 'rank' || task.kind === 'classify'
  if (list && !task.temporal) refuse('a list without a window', first)
  if (list && isArrayList(task)) refuse('LIST_DISTINCT of an array', first)
  const aggregate = list ? undefined : valued(walkAggregates(task.target))
  if (aggregate) refuse(`${aggregate.name} in a target`, aggregate.span.start)
  if (task.options.explain) refuse('the option explain')
  if (task.options.embedding && !(task.temporal && EMBEDDED.includes(task.kind)))
    refuse(`an embedding of ${task.temporal ? 'lists and forecasts' : 'columns'}`, undefined, EMBEDS)
  if (task.options.set !== undefined) refuse('the option set')
}
