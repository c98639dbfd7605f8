// Conditions that demand rows: an aggregate without whose rows no example can be in a context.

import type { Aggregate, Condition, Task } from '../../pql/task.js'

export const conjuncts = (c: Condition | null): Condition[] =>
  c === null ? [] : c.kind === 'and' ? c.items.flatMap(conjuncts) : [c]

/** The COUNT that this condition requires to be at least one; null if it requires none. */
export function demandsRows(c: Condition): Aggregate | null {
  if (
    c.kind !== 'compare' ||
    c.left.kind !== 'aggregate' ||
    c.left.name !== 'COUNT' ||
    c.right.constant.kind !== 'number'
  )
    return null
  const n = Number(c.right.constant.text)
  const demands = (c.op === '>' && n >= 0) || (c.op === '>=' && n > 0) || (c.op === '=' && n > 0)
  return demands ? c.left : null
}

/** An aggregate without whose rows no pair can be in the context: pairs then start from its groups. */
export function driverOf({ kind, where, assuming, target }: Task): Aggregate | null {
  for (const c of [...conjuncts(assuming), ...conjuncts(where)]) {
    const a = demandsRows(c)
    if (a) return a
  }
  if (kind === 'forecast') return null
  const operand =
    target.kind === 'value' ? target.operand : target.condition.kind === 'compare' ? target.condition.left : null
  return operand?.kind === 'aggregate' && ['AVG', 'MIN', 'MAX', 'FIRST', 'LAST'].includes(operand.name) ? operand : null
}
