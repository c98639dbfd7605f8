// What is understood and not answered yet. The language is whole; this is the line between it and the engine behind.

import { PgError } from '../pg-error.js'
import type { PredictSyntax } from './ast.js'
import { fullTableText, tableText } from './context.js'
import type { Task, TaskKind } from './task.js'

const EMBEDDED: readonly TaskKind[] = ['binary', 'numeric', 'multiclass']

const EMBEDS =
  'Embeddings are made where a condition, a number or a value over a window is asked about, as in COUNT(orders.*, 0, 30, days) > 0.'

/** How columns get other values for a moment. */
const supposed = ({ entity: { table } }: Task, set: string): string =>
  `BEGIN; UPDATE ${fullTableText(table)} SET ${set.replaceAll(`${tableText(table)}.`, '')}; then the PREDICT without it, and ROLLBACK`

/** @throws PgError 0A000 for a task that can be stated and not yet answered, with a place in its text */
export const assertSupported = (task: Task, { options: written }: PredictSyntax): void => {
  const refuse = (option: string, what: string, hint: string, detail?: string): never => {
    const position = written.find(({ name }) => name.text === option)?.start
    throw new PgError({ code: '0A000', message: `${what} is not supported yet`, detail, hint, position })
  }
  const { explain, embedding, set } = task.options
  if (explain) refuse('explain', 'the option explain', 'Leave it out.')
  if (embedding && !(task.temporal && EMBEDDED.includes(task.kind)))
    refuse('embedding', `an embedding of ${task.temporal ? 'lists and forecasts' : 'columns'}`, EMBEDS)
  if (set !== undefined)
    refuse(
      'set',
      'the option set',
      supposed(task, set),
      'It would answer as if columns held other values than they do.',
    )
}
