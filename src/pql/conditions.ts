// Conditions: what is compared with what. Each leaf is typed as Postgres would type it.

import { PgError } from '../pg-error.js'
import { checkAggregate } from './aggregates.js'
import type { AggregateName, AggregateSyntax, Constant, OperandSyntax, Syntax } from './ast.js'
import { resolveColumn } from './columns.js'
import { noOperator, typeArray, typeConstant, typePattern } from './constants.js'
import type { Context, Scope } from './context.js'
import { slice } from './context.js'
import type { Condition, Operand, TypedConstant } from './task.js'
import { BOOL, elementType, isList, operandType } from './types.js'

type Leaf<K extends Syntax['kind']> = Extract<Syntax, { kind: K }>

export const checkOperand = (context: Context, syntax: OperandSyntax, scope: Scope, leaf: Syntax = syntax): Operand =>
  syntax.kind === 'column'
    ? resolveColumn(context, syntax.column, scope, leaf)
    : checkAggregate(context, syntax, scope, leaf, checkCondition)

/** Aggregates that are 0 over no rows. */
const NEVER_NULL: readonly AggregateName[] = ['COUNT', 'COUNT_DISTINCT', 'SUM']

const neverNull = (operand: OperandSyntax): operand is AggregateSyntax =>
  operand.kind === 'aggregate' && NEVER_NULL.includes(operand.name)

/** `= NULL` is never true in SQL and means IS NULL elsewhere: whoever writes it is asked which. */
const refuseNull = (context: Context, left: OperandSyntax, constant: Constant, negated: boolean): void => {
  if (constant.kind !== 'null') return
  const zero = neverNull(left)
  const test = zero ? (negated ? '<> 0' : '= 0') : negated ? 'IS NOT NULL' : 'IS NULL'
  throw new PgError({
    code: '22004',
    message: 'a comparison with NULL is never true',
    detail: zero ? `${left.name} is never NULL: over no rows it is 0.` : undefined,
    hint: `Write: ${slice(context, left)} ${test}`,
    position: constant.start,
  })
}

/** Types that can only be tested for NULL, and lists and arrays, whose only question is what they hold. */
const refuseKind = (context: Context, syntax: OperandSyntax, operand: Operand, op: string, right: Constant): void => {
  const type = operandType(operand)
  const text = slice(context, syntax)
  const arrayText = right.kind === 'param' || (right.kind === 'string' && /^\s*\{/.test(right.text))
  if (isList(operand) || (type.typeClass === 'array' && (!arrayText || op === '= ANY'))) {
    const typeName = isList(operand) ? `${type.typeName}[]` : type.typeName
    throw noOperator(
      { ...type, typeName },
      op,
      'unknown',
      right.start,
      `Write: ${text} CONTAINS ${slice(context, right)}`,
    )
  }
  if (type.typeClass === 'json' || type.typeClass === 'other') {
    const detail = 'Values of this type can be tested for NULL only.'
    throw noOperator(type, op, 'unknown', right.start, `Write: ${text} IS NOT NULL`, detail)
  }
}

const checkCompare = (context: Context, syntax: Leaf<'compare'>, scope: Scope): Condition => {
  const { op, right } = syntax
  const left = checkOperand(context, syntax.left, scope, syntax)
  const type = operandType(left)
  refuseNull(context, syntax.left, right, op === '<>')
  refuseKind(context, syntax.left, left, op, right)
  if (type.typeClass === 'bool' && op !== '=' && op !== '<>') {
    const shown = slice(context, right)
    const hint = `Write: ${slice(context, syntax.left)} = ${shown}`
    throw noOperator(type, op, 'boolean', right.start, hint, 'Truth values have no order here.')
  }
  return { kind: 'compare', op, left, right: typeConstant(context, right, type, op) }
}

const checkIn = (context: Context, syntax: Leaf<'in'>, scope: Scope): Condition => {
  const left = checkOperand(context, syntax.left, scope, syntax)
  const type = operandType(left)
  const items = syntax.items.map((item): TypedConstant => {
    refuseKind(context, syntax.left, left, '=', item)
    return typeConstant(context, item, type, '=')
  })
  return { kind: 'in', negated: syntax.negated, left, items }
}

const checkAny = (context: Context, syntax: Leaf<'any'>, scope: Scope): Condition => {
  const left = checkOperand(context, syntax.left, scope, syntax)
  const type = operandType(left)
  refuseKind(context, syntax.left, left, '= ANY', syntax.array)
  return { kind: 'any', negated: syntax.negated, left, array: typeArray(context, syntax.array, type) }
}

const checkBetween = (context: Context, syntax: Leaf<'between'>, scope: Scope): Condition => {
  const left = checkOperand(context, syntax.left, scope, syntax)
  const type = operandType(left)
  for (const bound of [syntax.low, syntax.high]) {
    refuseNull(context, syntax.left, bound, false)
    refuseKind(context, syntax.left, left, '>=', bound)
  }
  if (type.typeClass === 'bool')
    throw noOperator(type, '>=', 'boolean', syntax.low.start, `Write: ${slice(context, syntax.left)} = true`)
  const low = typeConstant(context, syntax.low, type, '>=')
  const high = typeConstant(context, syntax.high, type, '<=')
  return { kind: 'between', negated: syntax.negated, left, low, high }
}

const checkIs = (context: Context, syntax: Leaf<'is'>, scope: Scope): Condition => {
  const left = checkOperand(context, syntax.left, scope, syntax)
  const { typeClass, typeName } = operandType(left)
  if (syntax.value !== 'null' && (typeClass !== 'bool' || isList(left)))
    throw new PgError({
      code: '42804',
      message: `argument of IS ${syntax.value.toUpperCase()} must be type boolean, not type ${typeName}`,
      hint: `Write: ${slice(context, syntax.left)} IS NOT NULL`,
      position: syntax.left.start,
    })
  if (syntax.value === 'null' && neverNull(syntax.left))
    context.notices.push({
      severity: 'NOTICE',
      code: '00000',
      message: `${syntax.left.name} is never NULL: over no rows it is 0`,
      hint: `Write: ${slice(context, syntax.left)} ${syntax.negated ? '<> 0' : '= 0'}`,
    })
  return { kind: 'is', negated: syntax.negated, left, value: syntax.value }
}

const checkMatch = (context: Context, syntax: Leaf<'match'>, scope: Scope): Condition => {
  const { op, negated } = syntax
  const left = checkOperand(context, syntax.left, scope, syntax)
  const type = operandType(left)
  const element = elementType(type) ?? (isList(left) ? type : null)
  refuseNull(context, syntax.left, syntax.pattern, negated)
  if (op === 'CONTAINS' && element) {
    return { kind: 'match', negated, op, left, pattern: typeConstant(context, syntax.pattern, element, op) }
  }
  if (type.typeClass !== 'text' || element) {
    const number = syntax.pattern.kind === 'number'
    throw noOperator(
      type,
      op,
      'text',
      syntax.pattern.start,
      `Write: ${slice(context, syntax.left)} = ${slice(context, syntax.pattern)}`,
      number ? undefined : `${op} matches texts${op === 'CONTAINS' ? ' and arrays' : ''}.`,
    )
  }
  const pattern = typePattern(context, syntax.pattern, op)
  if ((op === 'LIKE' || op === 'ILIKE') && syntax.pattern.kind === 'string' && !/[%_\\]/.test(syntax.pattern.text))
    context.notices.push({
      severity: 'NOTICE',
      code: '00000',
      message: `the pattern '${syntax.pattern.text}' has no % and matches that text alone`,
      hint: `Write: '%${syntax.pattern.text}%'`,
    })
  return { kind: 'match', negated, op, left, pattern }
}

/** A bare operand where a condition must be: a boolean says it all. */
const checkTruth = (context: Context, syntax: OperandSyntax, scope: Scope): Condition => {
  const operand = checkOperand(context, syntax, scope)
  const type = operandType(operand)
  if (type.typeClass !== 'bool' || isList(operand)) {
    const numeric = type.typeClass === 'integer' || type.typeClass === 'number'
    throw new PgError({
      code: '42804',
      message: `a condition must be type boolean, not type ${type.typeName}`,
      hint: `Write: ${slice(context, syntax)} ${numeric && !isList(operand) ? '> 0' : 'IS NOT NULL'}`,
      position: syntax.start,
    })
  }
  if (operand.kind === 'column') return { kind: 'truth', operand }
  const constant: Constant = { kind: 'bool', value: true, start: syntax.end, end: syntax.end }
  return { kind: 'compare', op: '=', left: operand, right: { constant, typeName: BOOL.typeName, type: BOOL.type } }
}

/** @throws PgError where a name, a type or a window is not as it must be */
export const checkCondition = (context: Context, syntax: Syntax, scope: Scope): Condition => {
  switch (syntax.kind) {
    case 'and':
    case 'or':
      return { kind: syntax.kind, items: syntax.items.map(item => checkCondition(context, item, scope)) }
    case 'not':
      return { kind: 'not', item: checkCondition(context, syntax.item, scope) }
    case 'compare':
      return checkCompare(context, syntax, scope)
    case 'in':
      return checkIn(context, syntax, scope)
    case 'any':
      return checkAny(context, syntax, scope)
    case 'between':
      return checkBetween(context, syntax, scope)
    case 'is':
      return checkIs(context, syntax, scope)
    case 'match':
      return checkMatch(context, syntax, scope)
    default:
      return checkTruth(context, syntax, scope)
  }
}
