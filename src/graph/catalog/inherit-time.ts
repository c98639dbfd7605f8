// Undated tables take the latest time among the parents they hang on by foreign keys without NULLs: a row cannot be older than what
// it refers to. Here it is settled which links that is, so that following them always ends.

import type { Column, Link } from '../../pql/catalog.js'
import type { OpenTable } from './build.js'

/**
 * Sets `time` of every table that has no time of its own but a dated ancestor. Within a circle of undated tables only links
 * towards the nearer dated ancestor are followed; all other links without NULLs to dated tables are. `filled`: nullable columns
 * that hold none. `timeless`: tables known to be older than any time found for them.
 */
export function inheritTimes(
  tables: readonly OpenTable[],
  { filled, timeless }: { readonly filled: ReadonlySet<Column>; readonly timeless: ReadonlySet<OpenTable> },
): void {
  const distance = new Map<unknown, number>(tables.filter(t => t.time.kind === 'own').map(table => [table, 0]))
  const upwards = (table: OpenTable) =>
    table.parents.filter(
      link =>
        !timeless.has(table) &&
        link.to !== link.from &&
        link.columns.every(column => column.notNull || filled.has(column)),
    )
  for (let round = 1, before = -1; distance.size > before; round++) {
    before = distance.size
    const reached = tables.filter(table => !distance.has(table) && upwards(table).some(link => distance.has(link.to)))
    for (const table of reached) distance.set(table, round)
  }
  const undated = tables.filter(table => (distance.get(table) ?? 0) > 0)
  const circle = circles(undated, table => upwards(table).map(link => link.to as OpenTable))
  const ends = (link: Link) =>
    distance.has(link.to) &&
    (circle.get(link.to as OpenTable) === undefined ||
      circle.get(link.to as OpenTable) !== circle.get(link.from as OpenTable) ||
      distance.get(link.to)! < distance.get(link.from)!)
  for (const table of undated) table.time = { kind: 'inherited', through: upwards(table).filter(ends) }
}

/** Number of each node's strongly connected component (Tarjan), only nodes of `nodes` counting. */
function circles<T>(nodes: readonly T[], next: (node: T) => readonly T[]): ReadonlyMap<T, number> {
  const within = new Set(nodes)
  const order = new Map<T, number>()
  const low = new Map<T, number>()
  const component = new Map<T, number>()
  const stack: T[] = []
  const visit = (node: T) => {
    order.set(node, order.size)
    low.set(node, order.get(node)!)
    stack.push(node)
    for (const other of next(node)) {
      if (!within.has(other)) continue
      if (!order.has(other)) {
        visit(other)
        low.set(node, Math.min(low.get(node)!, low.get(other)!))
      } else if (!component.has(other)) low.set(node, Math.min(low.get(node)!, order.get(other)!))
    }
    if (low.get(node) !== order.get(node)) return
    const id = component.size
    for (let member = stack.pop()!; ; member = stack.pop()!) {
      component.set(member, id)
      if (member === node) break
    }
  }
  for (const node of nodes) if (!order.has(node)) visit(node)
  return component
}
