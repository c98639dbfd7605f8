// When two nodes of a statement ask the same thing, so that it is answered once.

import type { OutputColumn, Task } from '../pql/task.js'

/** A table or column stands for itself by its number; where a thing was written is no part of what it asks. */
const plain = (key: string, value: unknown): unknown => {
  if (key === 'start' || key === 'end' || key === 'span') return undefined
  if (typeof value === 'bigint') return String(value)
  if (key === 'up' && Array.isArray(value)) return value.map(step => [step.link.id, step.direction])
  if (key === 'table' && value !== null && typeof value === 'object') return (value as { oid: number }).oid
  return value
}

/** Equal for equal questions: task, ids, options, anchor and the columns that come out. */
export const questionKey = (task: Task, outputs: readonly OutputColumn[]): string =>
  JSON.stringify(
    [
      task.normalised,
      task.kind,
      task.complement,
      task.steps,
      task.top,
      task.each,
      task.entity.table.oid,
      task.ids,
      task.asOf,
      task.options,
      task.late,
      outputs,
    ],
    plain,
  )
