// The outer SQL: the client's statement with each PREDICT replaced by a sub-select over unnest($n, …), everything of ours
// schema-qualified, since search_path is the client's.

import type { PredictSyntax } from '../pql/ast.js'
import type { OutputColumn } from '../pql/task.js'
import type { Node } from './nodes.js'
import { buildSegments, type SegmentText } from './segment-text.js'

export interface OuterNode {
  readonly node: Node
  readonly tail: PredictSyntax['tail']
  readonly outputs: readonly OutputColumn[]
  /** Number of the parameter that holds its first column; the others follow. */
  readonly firstParam: number
}

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** unnest() would take an array of arrays apart to its scalars: such a column travels as the text of each value. */
export const travelsAsText = (column: OutputColumn): boolean => column.typeName.endsWith(']')

/** The type of the elements that a column's array holds. */
export const elementType = (column: OutputColumn): string =>
  travelsAsText(column) ? 'pg_catalog.text' : column.typeName

/** `pg_catalog.unnest` alone would be searched for with several arguments; ROWS FROM takes each by its own name. */
const subSelect = (outputs: readonly OutputColumn[], firstParam: number, write: WriteArray): string => {
  const arrays = outputs.map((column, i) => `pg_catalog.unnest(${write(firstParam + i)}::${elementType(column)}[])`)
  const names = outputs.map(column => quote(column.name))
  const list = outputs.some(travelsAsText)
    ? outputs
        .map((c, i) => (travelsAsText(c) ? `u.${names[i]}::${c.typeName} AS ${names[i]}` : `u.${names[i]}`))
        .join(', ')
    : '*'
  return `SELECT ${list} FROM ROWS FROM (${arrays.join(', ')}) AS u(${names.join(', ')})`
}

/** The client's statement in its text. */
export interface Source {
  readonly sql: string
  /** In order of their place. */
  readonly nodes: readonly OuterNode[]
  readonly start: number
  /** A closing `;` left out. */
  readonly end: number
}

/** How the outer SQL spells the array with this number. */
export type WriteArray = (number: number) => string

const asParameter: WriteArray = number => `$${number}`

export const buildOuter = ({ sql, nodes, start, end }: Source, write = asParameter): SegmentText => {
  const builder = buildSegments(sql)
  let at = start
  for (const { node, tail, outputs, firstParam } of nodes) {
    builder.slice(at, node.start)
    const rows = subSelect(outputs, firstParam, write)
    if (node.form === 'table') builder.ours(rows)
    else if (node.form === 'function') builder.ours(`(${rows})${node.alias ? ` AS ${node.alias}` : ''}`)
    else {
      builder.ours(`SELECT * FROM (${rows}) AS predict `)
      if (tail) builder.slice(node.toClient(tail.start), node.toClient(tail.end))
    }
    at = node.end
  }
  builder.slice(at, end)
  return builder.done()
}

/** The text with each node blanked to an empty SELECT of the same length, to be read by Postgres' parser before any node is. */
export const mask = (sql: string, nodes: readonly Node[]): string => {
  let text = ''
  let at = 0
  for (const { start, end } of nodes) {
    text += sql.slice(at, start) + 'SELECT'.padEnd(end - start)
    at = end
  }
  return text + sql.slice(at)
}
