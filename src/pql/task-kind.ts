// What kind of answer a target asks for, from its type, from RANK, CLASSIFY or FORECAST, and from the option `task`.

import { PgError } from '../pg-error.js'
import type { Late, PredictSyntax, TaskSyntax } from './ast.js'
import type { Column, Table } from './catalog.js'
import type { Context } from './context.js'
import { slice, tableText } from './context.js'
import { lateCount } from './late.js'
import { oneOf } from './nearest.js'
import { restated } from './restate.js'
import type { ColumnRef, Operand, Target, TaskKind } from './task.js'
import { typed } from './typed.js'
import { isList, isTime, operandType } from './types.js'

const MAX_TOP = 1000
const MAX_STEPS = 10_000

/** A kind, with how many windows or items are asked for. */
export interface Kind {
  readonly kind: TaskKind
  readonly steps?: number
  readonly top?: number
}

const refer = (table: Table, column: Column): boolean => table.parents.some(({ columns }) => columns.includes(column))

/** Whether a value names a row of another table: it is a class, whatever its type. */
const isReference = ({ table, column }: ColumnRef): boolean =>
  refer(table, column) || (table.key?.includes(column) ?? false)

/** The kinds that a value can be asked for, the one it is unless told otherwise first; none where it is no label at all. */
const kindsOf = (operand: Operand): TaskKind[] => {
  const column = operand.kind === 'column' ? operand : operand.column
  const counted = operand.kind === 'aggregate' && ['COUNT', 'COUNT_DISTINCT', 'SUM', 'AVG'].includes(operand.name)
  const { typeClass } = operandType(operand)
  const tag = counted ? undefined : column?.column.tag
  switch (typeClass) {
    case 'bool':
      return ['binary', 'multiclass']
    case 'integer':
    case 'number':
      return tag === 'class' || (tag !== 'number' && !counted && column && isReference(column))
        ? ['multiclass', 'numeric']
        : ['numeric', 'multiclass']
    case 'text':
    case 'enum':
    case 'uuid':
      return ['multiclass']
    default:
      return []
  }
}

/** Dates, arrays, documents: the hint asks something that can be answered about them. */
const noLabel = (context: Context, syntax: PredictSyntax, operand: Operand): PgError => {
  const type = operandType(operand)
  const text = slice(context, syntax.target)
  return new PgError({
    code: '42804',
    message: `a value of type ${type.typeName} cannot be predicted`,
    detail: 'Targets are truth values, numbers, and values of text, enum and uuid columns.',
    hint: isTime(type) ? `Write: ${text} > '2024-01-31'` : `Write: ${text} IS NOT NULL`,
    position: syntax.target.start,
  })
}

/** A list or an array column: asked for with RANK or CLASSIFY alone. */
const listOperand = (target: Target): Operand | null => {
  if (target.kind !== 'value') return null
  return isList(target.operand) || operandType(target.operand).typeClass === 'array' ? target.operand : null
}

const withoutTask = (context: Context, { start, end }: TaskSyntax): string =>
  `Write: ${restated(context, [{ start, end: end + 1, text: '' }])}`

const notList = (context: Context, syntax: PredictSyntax, target: Target, task: TaskSyntax): PgError => {
  const written = slice(context, task)
  const word = task.kind === 'rank' ? 'RANK' : 'CLASSIFY'
  const aggregate = syntax.target.kind === 'aggregate' && target.kind === 'value' ? target.operand : null
  let hint: string | undefined
  if (aggregate?.kind === 'aggregate') {
    const link = aggregate.table.parents.find(
      p => p.columns.length === 1 && aggregate.path.every(step => step.link !== p),
    )
    const head = syntax.target.kind === 'aggregate' ? syntax.target.column : syntax.target
    if (link)
      hint = `Write: LIST_DISTINCT(${tableText(aggregate.table)}.${typed(link.columns[0].name)}${slice(context, { start: head.end, end: syntax.target.end })} ${written}`
  }
  hint ??= withoutTask(context, task)
  return new PgError({
    code: '42804',
    message: `${word} needs a list as target`,
    detail: 'Lists are LIST_DISTINCT over a window and array columns.',
    hint,
    position: task.start,
  })
}

/** How many are asked for, from 1 to `limit`; undefined while it is a parameter without a value. */
const countOf = (
  context: Context,
  what: string,
  count: number | Late,
  limit: number,
  hint: (near: number) => string,
  task: TaskSyntax,
): number | undefined => {
  const late = typeof count !== 'number'
  const given = late ? (lateCount(context, count, what) as number | undefined) : count
  if (given === undefined || (given >= 1 && given <= limit)) return given
  throw new PgError({
    code: given < 1 ? '22023' : '53400',
    message: given < 1 ? `${what} must be at least 1` : `${what} must be at most ${limit}`,
    detail: `It is ${given}.`,
    hint: hint(given < 1 ? 1 : limit),
    position: late ? count.start : task.start,
  })
}

const forecastKind = (
  context: Context,
  syntax: PredictSyntax,
  target: Target,
  task: TaskSyntax & { kind: 'forecast' },
): Kind => {
  const text = slice(context, syntax.target)
  const hint = (near: number) => `Write: FORECAST ${near} TIMEFRAMES`
  const steps = countOf(context, 'the number of windows', task.steps, MAX_STEPS, hint, task) ?? 1
  const operand = target.kind === 'value' ? target.operand : null
  if (operand?.kind === 'aggregate' && operand.window && kindsOf(operand).includes('numeric') && !isList(operand))
    return { kind: 'forecast', steps }
  const columns = operand?.kind === 'column'
  const compared =
    syntax.target.kind === 'compare' && syntax.target.left.kind === 'aggregate' ? syntax.target.left : null
  throw new PgError({
    code: '42804',
    message: columns ? 'FORECAST needs a target over windows' : 'FORECAST needs a number as target',
    detail: columns ? `${text} is a column: it has no windows to repeat.` : 'Each window is answered with a number.',
    hint: compared ? `Write: ${slice(context, compared)}` : withoutTask(context, task),
    position: task.start,
  })
}

const askedKind = (context: Context, syntax: PredictSyntax, target: Target, task: TaskSyntax): Kind => {
  if (task.kind === 'forecast') return forecastKind(context, syntax, target, task)
  if (!listOperand(target)) throw notList(context, syntax, target, task)
  if (task.kind === 'classify') return { kind: 'classify' }
  const hint = (near: number) => `Write: RANK TOP ${near === 1 ? 10 : near}`
  return { kind: 'rank', top: countOf(context, 'TOP', task.top, MAX_TOP, hint, task) ?? 1 }
}

const plainKinds = (context: Context, syntax: PredictSyntax, target: Target): TaskKind[] => {
  if (target.kind === 'condition') return ['binary', 'multiclass']
  const list = listOperand(target)
  if (list)
    throw new PgError({
      code: '42804',
      message: 'a list is predicted with RANK or CLASSIFY',
      detail: 'RANK gives the likeliest values in order, CLASSIFY a row for each value.',
      hint: `Write: ${slice(context, syntax.target)} RANK TOP 10`,
      position: syntax.target.start,
    })
  const kinds = kindsOf(target.operand)
  if (kinds.length === 0) throw noLabel(context, syntax, target.operand)
  return kinds
}

/**
 * The kind of a task, and how much of it.
 * @param wanted the option `task`, with the place it stands at
 * @throws PgError 42804, 22023, 53400
 */
export const taskKind = (
  context: Context,
  syntax: PredictSyntax,
  target: Target,
  wanted: { readonly value: TaskKind; readonly position?: number } | undefined,
): Kind => {
  const asked = syntax.task && askedKind(context, syntax, target, syntax.task)
  const kinds = asked ? [asked.kind] : plainKinds(context, syntax, target)
  if (!wanted) return asked ?? { kind: kinds[0] }
  if (kinds.includes(wanted.value)) return asked ?? { kind: wanted.value }
  throw new PgError({
    code: '22023',
    message: `${slice(context, syntax.target)} cannot be answered as ${wanted.value}`,
    detail: `It can be answered as ${oneOf(kinds)}.`,
    hint: `Write: task = ${kinds[0]}`,
    position: wanted.position,
  })
}
