// A condition and its opposite are one question with two answers that add up to one: the side that is learnt is the same for both, so
// that P(COUNT = 0) and P(COUNT > 0) share a context and never contradict each other.

import type { CompareOp } from './ast.js'
import type { Condition, Target } from './task.js'

type Compare = Extract<Condition, { kind: 'compare' }>

/** The side that is learnt, and whether the question was about the other one. Both are NULL for the same rows. */
interface OneSide {
  readonly condition: Condition
  readonly complement: boolean
}

const OPPOSITE: Partial<Record<CompareOp, CompareOp>> = { '<>': '=', '>': '<=', '>=': '<' }

const other = ({ condition, complement }: OneSide): OneSide => ({ condition, complement: !complement })

function oneSide(condition: Condition): OneSide {
  switch (condition.kind) {
    case 'not':
      return other(oneSide(condition.item))
    case 'compare':
      return compared(condition)
    case 'in':
    case 'any':
    case 'between':
    case 'match':
      return { condition: { ...condition, negated: false }, complement: condition.negated }
    case 'is':
      return condition.value === 'null'
        ? { condition: { ...condition, negated: false }, complement: condition.negated }
        : { condition, complement: false }
    default:
      return { condition, complement: false }
  }
}

function compared(condition: Compare): OneSide {
  const none = comparedWithNone(condition)
  if (none) return none
  const op = OPPOSITE[condition.op]
  return op ? { condition: { ...condition, op }, complement: true } : { condition, complement: false }
}

/** No rows, or any: the many ways to ask whether a count is 0. */
function comparedWithNone(condition: Compare): OneSide | null {
  const { left, op, right } = condition
  if (left.kind !== 'aggregate' || (left.name !== 'COUNT' && left.name !== 'COUNT_DISTINCT')) return null
  const { constant } = right
  if (constant.kind !== 'number' || (constant.text !== '0' && constant.text !== '1')) return null
  const zero: Condition = { ...condition, op: '=', right: { ...right, constant: { ...constant, text: '0' } } }
  const asked = `${op} ${constant.text}`
  if (['= 0', '<= 0', '< 1'].includes(asked)) return { condition: zero, complement: false }
  return ['<> 0', '> 0', '>= 1'].includes(asked) ? { condition: zero, complement: true } : null
}

/** The target as it is learnt, and whether its answers are the complement of those asked for. Of a yes-or-no question alone. */
export function learntSide(target: Target): { readonly target: Target; readonly complement: boolean } {
  if (target.kind !== 'condition') return { target, complement: false }
  const { condition, complement } = oneSide(target.condition)
  return { target: { kind: 'condition', condition }, complement }
}
