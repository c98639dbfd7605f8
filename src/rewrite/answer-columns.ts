// The arrays of a result as the parameters of the rewritten statement, column by column in the order of output-columns.ts.

import type { InferResult } from '../infer/client.js'
import { PgError } from '../pg-error.js'
import type { OutputColumn, Task } from '../pql/task.js'
import { arrayParam, encodeArray, OID } from './binary-array.js'
import { travelsAsText } from './outer.js'
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

/** The type of the elements of a column's array. */
export const arrayOf = (column: OutputColumn): number => (travelsAsText(column) ? OID.text : column.type)

/** The array of a column of no rows. */
export const emptyColumn = (column: OutputColumn): Param => arrayParam(encodeArray(arrayOf(column), []))

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
  if (result.rows === 0) return emptyColumn(column)
  return arrayParam(index < keys ? result.keys[index]! : byRole(index - keys, task, result, ms))
}

function byRole(i: number, task: Task, result: InferResult, ms: number): Buffer {
  const { timing, embedding } = task.options
  const names = [
    'anchor_time',
    ...answered[task.kind],
    ...(timing ? ['timing'] : []),
    ...(embedding ? ['embedding'] : []),
  ]
  const name = names[i] ?? ''
  if (name === 'timing') return encodeArray(1186, new Array<Buffer>(result.rows).fill(intervalOf(ms)))
  const found = result.columns.get(name)
  if (!found) throw new PgError({ code: 'XX000', message: `prediction has no column ${i + 1}` })
  return found
}

function intervalOf(ms: number): Buffer {
  const value = Buffer.alloc(16)
  value.writeBigInt64BE(BigInt(Math.round(ms * 1000)))
  return value
}
