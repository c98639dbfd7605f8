// Ways through a checked task: every aggregate, every column, every table that its text reads.

import type { Link, Table } from './catalog.js'
import type { Aggregate, ColumnRef, Condition, Operand, Target, Task } from './task.js'

/** Every operand of a condition or target in order of appearance, the inside of an aggregate's filter left out. */
export function* walkOperands(root: Condition | Target | null): Generator<Operand> {
  if (root === null) return
  switch (root.kind) {
    case 'condition':
      yield* walkOperands(root.condition)
      break
    case 'value':
    case 'truth':
      yield root.operand
      break
    case 'and':
    case 'or':
      for (const item of root.items) yield* walkOperands(item)
      break
    case 'not':
      yield* walkOperands(root.item)
      break
    default:
      yield root.left
  }
}

/** Every aggregate of a condition or target, in order of appearance. */
export const walkAggregates = (root: Condition | Target | null): Aggregate[] =>
  [...walkOperands(root)].filter(operand => operand.kind === 'aggregate')

/** Every column that a condition or target reads, those inside aggregates too. */
export function* walkColumns(root: Condition | Target | null): Generator<ColumnRef> {
  for (const operand of walkOperands(root)) {
    if (operand.kind === 'column') yield operand
    else {
      if (operand.column) yield operand.column
      yield* walkColumns(operand.filter)
    }
  }
}

const roots = (task: Task) => [task.target, task.where, task.assuming]

/** Every link that the text crosses, up or down, each once. */
export const linksUsed = (task: Task): Link[] => {
  const links = new Set<Link>()
  for (const root of roots(task)) {
    for (const { path } of walkAggregates(root)) for (const { link } of path) links.add(link)
    for (const { up } of walkColumns(root)) for (const { link } of up) links.add(link)
  }
  return [...links]
}

/** Every table that the text itself reads, the entity's first, each once: what a role must be allowed to SELECT from. */
export const tablesUsed = (task: Task): Table[] => {
  const tables = new Set<Table>([task.entity.table])
  for (const link of linksUsed(task)) tables.add(link.from).add(link.to)
  for (const root of roots(task)) {
    for (const { table } of walkAggregates(root)) tables.add(table)
    for (const { table } of walkColumns(root)) tables.add(table)
  }
  return [...tables]
}
