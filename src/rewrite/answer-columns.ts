// The arrays of a result as the parameters of the rewritten statement, column by column in the order of output-columns.ts.

import type { InferResult } from '../infer/client.js'
import { PgError } from '../pg-error.js'
import type { OutputColumn, Task } from '../pql/task.js'
import { encodeArray } from './binary-array.js'
import type { Param } from './plan.js'

/** The columns between key and extras, in the order that output-columns.ts gives them, as the inference process calls them. */
const answered: Readonly<Record<Task['kind'], readonly string[]>> = {
  binary: ['prediction', 'probability'],
  numeric: ['prediction', 'lower', 'upper'],
  multiclass: ['prediction', 'probability', 'probabilities'],
  classify: ['item', 'probability', 'prediction'],
  rank: ['rank', 'item', 'score'],
  forecast: ['step', 'window_start', 'window_end', 'prediction', 'lower', 'upper'],
}

/** One binary array with an element for each row of the answer; `ms` is what it took so far. */
export function outputParam(
  column: OutputColumn,
  outputs: readonly OutputColumn[],
  task: Task,
  result: InferResult,
  ms: number,
): Param {
  const keys = task.entity.key.length
  const index = outputs.indexOf(column)
  if (result.rows === 0) return { format: 1, value: encodeArray(column.type, []) }
  return { format: 1, value: index < keys ? result.keys[index]! : byRole(index - keys, task, result, ms) }
}

function byRole(i: number, task: Task, result: InferResult, ms: number): Buffer {
  const names = ['anchor_time', ...answered[task.kind]]
  if (task.options.timing && i === names.length)
    return encodeArray(1186, new Array<Buffer>(result.rows).fill(intervalOf(ms)))
  const found = result.columns.get(names[i] ?? '')
  if (!found) throw new PgError({ code: 'XX000', message: `prediction has no column ${i + 1}` })
  return found
}

function intervalOf(ms: number): Buffer {
  const value = Buffer.alloc(16)
  value.writeBigInt64BE(BigInt(Math.round(ms * 1000)))
  return value
}
