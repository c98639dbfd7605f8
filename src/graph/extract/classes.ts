// Labels in SQL: a number, a truth value, or one of several values, which travel as numbers beside a list of what they stand for.

import { classColumn, itemColumn } from '../../pql/index.js'
import type { Aggregate, Operand, Task } from '../../pql/task.js'
import { hash } from './channels.js'
import { conditionSql, ordinaryValue } from './conditions.js'
import { ENTRIES, isSet, valuesCtes } from './sets.js'
import type { SqlParams } from './sql.js'

/** More values than this are no classes any more. */
export const MOST_CLASSES = 1000

/** An example's label where `value` writes the operands: float8, or the value itself where it is one of several classes. NULL: no example. */
export function labelSql(task: Task, value: (operand: Operand) => string, params: SqlParams): string {
  const { kind, target } = task
  if (target.kind === 'condition') {
    const condition = `(${conditionSql(target.condition, value, params)})`
    return kind === 'multiclass' ? condition : `${condition}::pg_catalog.int4::pg_catalog.float8`
  }
  const found = value(target.operand)
  if (isSet(task)) return `(${found})::${itemColumn(task).typeName}[]`
  if (kind === 'multiclass') return `(${found})::${classColumn(task).typeName}`
  if (kind === 'binary') return `(${found})::pg_catalog.int4::pg_catalog.float8`
  return finite(ordinaryValue(target.operand, found))
}

/** Labels of several windows as one array; NULL where none has a value. */
export function labelsSql(windows: readonly Aggregate[], value: (operand: Operand) => string): string {
  const labels = windows.map(a => finite(ordinaryValue(a, value(a))))
  return `CASE WHEN COALESCE(${labels.join(', ')}) IS NOT NULL THEN ARRAY[${labels.join(', ')}]::pg_catalog.float8[] END`
}

/** A label that is a number; beyond float8, infinite, or NaN it is none. */
const finite = (value: string): string =>
  `CASE WHEN ${value} BETWEEN -1e300 AND 1e300 THEN (${value})::pg_catalog.float8 END`

/** CTE `classes(c, v, x, n)`: the different labels of `kept` in the order of their text, x; none where labels are numbers. */
export const classesCtes = (task: Task): string[] =>
  isSet(task) ? valuesCtes(task) : task.kind === 'multiclass' ? [CLASSES] : []

const CLASSES = `classes AS MATERIALIZED (SELECT (pg_catalog.row_number() OVER (ORDER BY x COLLATE pg_catalog."C") - 1)::pg_catalog.int4 AS c, v, x, n FROM (SELECT label AS v, label::pg_catalog.text AS x, pg_catalog.count(*) AS n FROM kept GROUP BY label) s ORDER BY c LIMIT ${MOST_CLASSES + 1})`

/** Labelled examples with labels as numbers: (e, i, label), and w where `kept` has it. */
export const numberedKept = (task: Task): string =>
  task.kind === 'multiclass'
    ? 'SELECT kept.e, kept.i, classes.c::pg_catalog.float8 AS label FROM kept JOIN classes ON classes.v = kept.label'
    : isSet(task)
      ? ENTRIES
      : 'SELECT * FROM kept'

/** Types of the two arrays that rows of the answer carry beyond the keys; none where labels are numbers. */
export const classArrays = (task: Task): string[] =>
  task.kind === 'multiclass' || isSet(task)
    ? [`${(isSet(task) ? itemColumn : classColumn)(task).typeName}[]`, 'pg_catalog.text[]']
    : []

/** Part `classes`; `keys` are the NULLs that stand in the key arrays' places. */
export function classesPart(part: number, task: Task, keys: string): string {
  const distinct = isSet(task)
    ? 'SELECT pg_catalog.count(DISTINCT v) FROM items'
    : 'SELECT pg_catalog.count(DISTINCT label) FROM labelled'
  const v = `pg_catalog.array_agg(ARRAY[n, (SELECT pg_catalog.count(*) FROM labelled), (${distinct})]::pg_catalog.float8[] ORDER BY c)`
  return `SELECT ${part}, pg_catalog.array_agg(c ORDER BY c), NULL::pg_catalog.timestamptz[], ${v}, pg_catalog.array_agg(ARRAY[${hash('x')}] ORDER BY c), ${keys}, pg_catalog.array_agg(v ORDER BY c), pg_catalog.array_agg(x ORDER BY c) FROM classes HAVING pg_catalog.count(*) > 0`
}
