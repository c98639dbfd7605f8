// The target: a value or a condition, over windows ahead or over columns, never both.

import { PgError } from '../pg-error.js'
import type { ColumnSyntax, OperandSyntax, PredictSyntax, Syntax } from './ast.js'
import type { Column, Table, TypeClass } from './catalog.js'
import { checkCondition, checkOperand } from './conditions.js'
import type { Context, Scope } from './context.js'
import { slice, tableText } from './context.js'
import { andOperand, restated } from './restate.js'
import type { ColumnRef, Target } from './task.js'
import { typed } from './typed.js'

/** Columns and aggregates that stand outside any aggregate, in order. */
const operands = (syntax: Syntax): OperandSyntax[] => {
  switch (syntax.kind) {
    case 'aggregate':
    case 'column':
      return [syntax]
    case 'and':
    case 'or':
      return syntax.items.flatMap(operands)
    case 'not':
      return operands(syntax.item)
    default:
      return [syntax.left]
  }
}

export const holdsAggregate = (syntax: Syntax): boolean => operands(syntax).some(({ kind }) => kind === 'aggregate')

/** The first column that stands outside any aggregate. */
export const firstPlainColumn = (syntax: Syntax): ColumnSyntax | undefined =>
  operands(syntax).find(operand => operand.kind === 'column')

/** A column of now and an aggregate of later in one target: where AND joins them, the column selects, and WHERE takes it. */
const mixed = (context: Context, target: Syntax): PgError => {
  let hint: string | undefined
  if (target.kind === 'and') {
    const later = target.items.filter(holdsAggregate)
    const now = target.items.filter(item => !holdsAggregate(item))
    const text = later.map(item => andOperand(context, item)).join(' AND ')
    if (now.length > 0 && later.every(item => !firstPlainColumn(item)))
      hint = `Write: ${restated(context, [{ start: target.start, end: target.end, text }], now.map(item => andOperand(context, item)).join(' AND '))}`
  }
  const column = firstPlainColumn(target)!
  return new PgError({
    code: '42601',
    message: 'a target is about columns or about windows, not both',
    detail: `${slice(context, column)} is known at the anchor; aggregates lie after it.`,
    hint,
    position: column.start,
  })
}

/** The key itself: known for every row, or the row's own name. */
const predictsKey = (syntax: ColumnSyntax, ref: ColumnRef, entity: Table): PgError | null => {
  const { table, column, up } = ref
  const step = up[up.length - 1]
  if (!table.key?.includes(column)) return null
  // A key column that is a foreign key besides says what the row belongs to; alone it may be the row's own name.
  if (!step && table.key.length > 1) return null
  const through = step?.link.columns[step.link.toColumns.indexOf(column)]
  const other = entity.columns.find(candidate => !isKey(entity, candidate) && LABELS.includes(candidate.typeClass))
  return new PgError({
    code: '22023',
    message: `cannot predict "${column.name}", the key of "${table.name}"`,
    detail: step ? `It is what "${step.link.from.name}" refers to.` : 'Every row is known by it.',
    hint:
      through && up.length === 1
        ? `Write: ${tableText(step.link.from)}.${typed(through.name)}`
        : other && `Write: ${tableText(entity)}.${typed(other.name)}`,
    position: syntax.start,
  })
}

const LABELS: readonly TypeClass[] = ['bool', 'integer', 'number', 'text', 'enum', 'uuid']

const isKey = (table: Table, column: Column): boolean =>
  (table.key?.includes(column) ?? false) || table.parents.some(({ columns }) => columns.includes(column))

/** @throws PgError where the target cannot be one */
export const checkTarget = (context: Context, syntax: PredictSyntax, scope: Scope): Target => {
  const { target } = syntax
  if (holdsAggregate(target) && firstPlainColumn(target)) throw mixed(context, target)
  if (target.kind === 'aggregate') return { kind: 'value', operand: checkOperand(context, target, scope) }
  if (target.kind === 'column') {
    const operand = checkOperand(context, target, scope)
    const error = operand.kind === 'column' ? predictsKey(target, operand, scope.entity) : null
    if (error) throw error
    return { kind: 'value', operand }
  }
  return { kind: 'condition', condition: checkCondition(context, target, scope) }
}
