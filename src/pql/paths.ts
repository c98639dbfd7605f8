// Ways between two tables over foreign keys, all down or all up. The shortest is meant where it is the only one of its length.

import type { Column, Link, Table } from './catalog.js'
import { tableText } from './context.js'
import type { Step } from './task.js'
import { typed } from './typed.js'

export type Direction = Step['direction']
export type Path = readonly Step[]

const MAX_STEPS = 8
/** Against catalogs whose links form a thicket: more ways than this are as ambiguous as two. */
const MAX_PATHS = 64

const links = (table: Table, direction: Direction): readonly Link[] =>
  direction === 'down' ? table.children : table.parents

const far = (link: Link, direction: Direction): Table => (direction === 'down' ? link.from : link.to)

/** Steps from every table to `goal`, walking in one direction. */
const distancesTo = (goal: Table, direction: Direction): Map<Table, number> => {
  const back: Direction = direction === 'down' ? 'up' : 'down'
  const distances = new Map([[goal, 0]])
  for (const [table, distance] of distances)
    for (const link of links(table, back)) {
      const next = far(link, back)
      if (!distances.has(next)) distances.set(next, distance + 1)
    }
  return distances
}

/**
 * The shortest paths from a table to another, or back to itself, of one step at least and over no link twice.
 * @param accepts paths that are no candidates although they arrive; the shortest of the others are given
 * @returns all of one length, in the order of the catalog's links; empty where there is none
 */
export const shortestPaths = (
  from: Table,
  to: Table,
  direction: Direction,
  accepts: (path: Path) => boolean = () => true,
): Path[] => {
  const distances = distancesTo(to, direction)
  const found: Path[] = []
  const extend = (table: Table, path: Step[], left: number): void => {
    if (left === 0) {
      if (table === to && accepts(path)) found.push([...path])
      return
    }
    for (const link of links(table, direction)) {
      const next = far(link, direction)
      const distance = distances.get(next)
      if (distance === undefined || distance > left - 1 || path.some(step => step.link === link)) continue
      if (found.length >= MAX_PATHS) return
      path.push({ link, direction })
      extend(next, path, left - 1)
      path.pop()
    }
  }
  for (let length = 1; length <= MAX_STEPS && found.length === 0; length++) extend(from, [], length)
  return found
}

/** Tables reached in one direction, nearest first, the start left out. */
export const reachable = (from: Table, direction: Direction): Table[] => {
  const tables = new Set([from])
  for (const table of tables) for (const link of links(table, direction)) tables.add(far(link, direction))
  tables.delete(from)
  return [...tables]
}

/** `transfers.from_user -> users`, one step after the other from the lower end, for DETAIL. */
export const pathText = (path: Path): string => {
  const upwards = path[0].direction === 'up' ? path : [...path].reverse()
  return upwards
    .map(({ link }) => {
      const columns = link.columns.map(({ name }) => typed(name)).join(', ')
      return `${typed(link.from.name)}${link.columns.length === 1 ? `.${columns}` : ` (${columns})`} -> ${typed(link.to.name)}`
    })
    .join(', ')
}

/** A column by arrows from the row at hand: `orders.item_id->category`. */
export const arrowText = (base: Table, path: Path, column: Column): string => {
  const hops = path.map(({ link }) => typed(link.columns[0].name))
  return `${tableText(base)}.${[...hops, typed(column.name)].join('->')}`
}

/** For each path the foreign-key column that none of the others crosses, the one nearest to the aggregated table first. */
export const viaColumns = (paths: readonly Path[]): (string | null)[] =>
  paths.map((path, at) => {
    const others = new Set(
      paths
        .filter((_, other) => other !== at)
        .flatMap(other => other.flatMap(step => step.link.columns.map(c => c.name))),
    )
    const own = [...path].reverse().flatMap(step => step.link.columns.map(column => column.name))
    return own.find(name => !others.has(name)) ?? null
  })
