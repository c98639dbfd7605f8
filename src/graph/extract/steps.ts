// FORECAST: the target's window again and again, each where the one before ends. Every window of the question is named in the answer; a model
// is fitted for each of the first, and for some of many.

import { add, multiply, subtract, ZERO } from '../../pql/interval.js'
import type { Aggregate, Task } from '../../pql/task.js'
import { OID, type SqlParams } from './sql.js'

/** Windows that are learnt one by one; of more, evenly spaced ones, the first and the last among them. */
const MOST_FITTED = 24

/** Numbers of the windows that examples carry labels of, ascending from 1; null: no forecast. */
export function fittedSteps({ kind, steps }: Task): readonly number[] | null {
  if (kind !== 'forecast') return null
  const n = steps!
  if (n <= MOST_FITTED) return Array.from({ length: n }, (_, i) => i + 1)
  return Array.from({ length: MOST_FITTED }, (_, i) => 1 + Math.round((i * (n - 1)) / (MOST_FITTED - 1)))
}

/** The aggregate that is forecast. */
function targetOf({ target }: Task): Aggregate {
  if (target.kind !== 'value' || target.operand.kind !== 'aggregate')
    throw new Error('a forecast is about an aggregate')
  return target.operand
}

const widthOf = ({ window }: Aggregate) => subtract(window!.end, window!.start ?? ZERO)

/** The target's aggregate over each fitted window. */
export function stepAggregates(task: Task): Aggregate[] {
  const a = targetOf(task)
  const window = a.window!
  return (fittedSteps(task) ?? []).map(step => {
    const by = multiply(widthOf(a), step - 1)
    return { ...a, window: { start: add(window.start ?? ZERO, by), end: add(window.end, by) } }
  })
}

/** Part `steps`: every window of the question after its own anchor, which is anchor 0 of `a`. */
export function stepsPart(part: number, task: Task, params: SqlParams, nulls: string): string {
  const a = targetOf(task)
  const width = params.interval(widthOf(a))
  const us = (t: string) => `pg_catalog.round((pg_catalog.date_part('epoch', ${t}) - 946684800) * 1000000)`
  const bound = (by: string, times: string) => us(`at + (${by} + ${width} * ${times})`)
  const [start, end] = [a.window!.start ?? ZERO, a.window!.end].map(by => params.interval(by))
  const steps = params.text(OID.int4, String(task.steps!))
  const v = `ARRAY[${bound(start!, '(s - 1)')}, ${bound(end!, '(s - 1)')}]`
  return `SELECT ${part}, pg_catalog.array_agg(s ORDER BY s), NULL::pg_catalog.timestamptz[], pg_catalog.array_agg(${v} ORDER BY s), NULL::pg_catalog.int4[], ${nulls} FROM a, pg_catalog.generate_series(1, ${steps}) s WHERE a.i = 0`
}
