// The target's expression over numbers that are read of the past: a program whose leaves are aggregates and whose constants are a part of the answer.

import type { Condition, Operand, Task, TypedConstant } from '../../pql/task.js'
import type { TargetProgram, TargetSpec } from '../neighbourhood.js'
import type { Layout } from './layout-plan.js'
import type { SqlParams } from './sql.js'

/** `constants`: SQL of each that the program compares with, by number. */
export function targetProgramOf(
  task: Task,
  layout: Layout,
  params: SqlParams,
): { target: TargetSpec; constants: readonly string[] } {
  const programs = new Programs(layout, params)
  const { target, assuming } = task
  const program = target.kind === 'value' ? programs.ofLeaf(target.operand) : programs.of(target.condition)
  const { leaves, histories } = layout
  return {
    target: { leaves, program, assuming: assuming ? programs.of(assuming) : null, histories },
    constants: programs.constants,
  }
}

class Programs {
  readonly constants: string[] = []
  readonly #layout: Layout
  readonly #params: SqlParams

  constructor(layout: Layout, params: SqlParams) {
    this.#layout = layout
    this.#params = params
  }

  ofLeaf(operand: Operand): TargetProgram | null {
    const leaf = this.#leaf(operand)
    return leaf === null ? null : { op: 'leaf', leaf }
  }

  #leaf(operand: Operand): number | null {
    return operand.kind === 'aggregate' ? (this.#layout.leafOf.get(operand) ?? null) : null
  }

  /** null where the past cannot be read with numbers alone. */
  of(c: Condition): TargetProgram | null {
    switch (c.kind) {
      case 'and':
      case 'or': {
        const items = c.items.map(i => this.of(i))
        return items.every(i => i !== null) ? { op: c.kind, items } : null
      }
      case 'not': {
        const item = this.of(c.item)
        return item && { op: 'not', item }
      }
      case 'compare': {
        const leaf = this.#leaf(c.left)
        const constant = this.#constant(c.left, c.right)
        return leaf === null || constant === null ? null : { op: 'compare', compare: c.op, leaf, constant }
      }
      case 'in': {
        const leaf = this.#leaf(c.left)
        const constants = c.items.map(i => this.#constant(c.left, i))
        return leaf === null || constants.includes(null)
          ? null
          : { op: 'in', negated: c.negated, leaf, constants: constants as number[] }
      }
      case 'between': {
        const [leaf, low, high] = [this.#leaf(c.left), this.#constant(c.left, c.low), this.#constant(c.left, c.high)]
        return leaf === null || low === null || high === null
          ? null
          : { op: 'between', negated: c.negated, leaf, low, high }
      }
      case 'is': {
        const leaf = this.#leaf(c.left)
        return leaf === null || c.value !== 'null' ? null : { op: 'null', negated: c.negated, leaf }
      }
      default:
        return null
    }
  }

  #constant(left: Operand, constant: TypedConstant): number | null {
    const numeric =
      left.kind === 'aggregate' &&
      (!left.column || left.name.startsWith('COUNT') || ['integer', 'number'].includes(left.column.column.typeClass))
    return numeric ? this.constants.push(this.#params.constant(constant)) - 1 : null
  }
}

/** Counts, and sums of columns that the data shows to be non-negative (which the head sees for itself), are never negative. */
export function isCounting(task: Task): boolean {
  return (
    task.target.kind === 'value' &&
    task.target.operand.kind === 'aggregate' &&
    task.target.operand.name.startsWith('COUNT')
  )
}
