// The arrays of a result as the parameters of the rewritten statement, column by column in the order of output-columns.ts.

import type { InferResult } from '../infer/client.js'
import { PgError } from '../pg-error.js'
import type { OutputColumn, Task } from '../pql/task.js'
import { encodeArray } from './binary-array.js'
import type { Param } from './plan.js'

/** One binary array with an element for each entity scored; `ms` is what the answer took so far. */
export function outputParam(
  column: OutputColumn,
  outputs: readonly OutputColumn[],
  task: Task,
  result: InferResult,
  ms: number,
): Param {
  const keys = task.entity.key.length
  const index = outputs.indexOf(column)
  const values =
    index < keys
      ? (result.keys[index] ?? encodeArray(task.entity.key[index]!.type, []))
      : byRole(index - keys, task, result, ms)
  return { format: 1, value: values }
}

/** The columns after the key, in the order that output-columns.ts gives them. */
function byRole(i: number, task: Task, result: InferResult, ms: number): Buffer {
  const fixed =
    task.kind === 'binary'
      ? [result.anchorTime, result.prediction, result.probability]
      : [result.anchorTime, result.prediction, result.lower, result.upper]
  const extra = task.options.timing ? [encodeArray(1186, new Array<Buffer>(result.count).fill(intervalOf(ms)))] : []
  const found = [...fixed, ...extra][i]
  if (!found) throw new PgError({ code: 'XX000', message: `prediction has no column ${i + 1}` })
  return found
}

function intervalOf(ms: number): Buffer {
  const value = Buffer.alloc(16)
  value.writeBigInt64BE(BigInt(Math.round(ms * 1000)))
  return value
}
