// What is understood and not answered yet. The language is whole; this is the line between it and the engine behind.

import { PgError } from '../pg-error.js'
import type { Task, TaskKind } from './task.js'

const refuse = (what: string, hint: string): never => {
  throw new PgError({ code: '0A000', message: `${what} is not supported yet`, hint })
}

const EMBEDDED: readonly TaskKind[] = ['binary', 'numeric', 'multiclass']

const EMBEDS =
  'Embeddings are made where a condition, a number or a value over a window is asked about, as in COUNT(orders.*, 0, 30, days) > 0.'

/** @throws PgError 0A000 for a task that can be stated and not yet answered */
export const assertSupported = (task: Task): void => {
  const { explain, embedding, set } = task.options
  if (explain) refuse('the option explain', 'Leave it out.')
  if (embedding && !(task.temporal && EMBEDDED.includes(task.kind)))
    refuse(`an embedding of ${task.temporal ? 'lists and forecasts' : 'columns'}`, EMBEDS)
  if (set !== undefined) refuse('the option set', 'Leave it out.')
}
