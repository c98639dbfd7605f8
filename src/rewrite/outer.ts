// The outer SQL: the client's statement with each PREDICT replaced by a sub-select over unnest($n, …), everything of ours
// schema-qualified, since search_path is the client's.

import type { PredictSyntax } from '../pql/ast.js'
import type { OutputColumn } from '../pql/task.js'
import type { Node } from './node.js'
import { type Pick, writePicked, writeScalar } from './pick.js'
import { rowsAlias } from './pushed-down.js'
import { quote } from './quote.js'
import { buildSegments, edited, type SegmentBuilder, type SegmentText } from './segment-text.js'

export interface OuterNode {
  readonly node: Node
  readonly tail: PredictSyntax['tail']
  readonly outputs: readonly OutputColumn[]
  /** Number of the parameter that holds its first column; the others follow. */
  readonly firstParam: number
  /** Which row, where the query around says so. */
  readonly pick: Pick | null
}

/** unnest() would take an array of arrays apart to its scalars: such a column travels as the text of each value. */
export const travelsAsText = (column: OutputColumn): boolean => column.typeName.endsWith(']')

/** The type of the elements that a column's array holds. */
export const elementType = (column: OutputColumn): string =>
  travelsAsText(column) ? 'pg_catalog.text' : (column.element ?? column.typeName)

type Name = (column: number) => string

/** FROM item of an answer. `pg_catalog.unnest` alone would be searched for with several arguments; ROWS FROM takes each by its own name. */
const rowsFrom = ({ outputs, firstParam }: OuterNode, write: WriteArray, alias: string, name: Name): string => {
  const arrays = outputs.map((column, i) => `pg_catalog.unnest(${write(firstParam + i)}::${elementType(column)}[])`)
  return `ROWS FROM (${arrays.join(', ')}) AS ${alias}(${outputs.map((_, i) => name(i)).join(', ')})`
}

/** SELECT and its list: every column under its own name and in its own type. */
const select = (outputs: readonly OutputColumn[], name: Name): string => {
  const items = outputs.map((column, i) => {
    const [from, to] = [name(i), quote(column.name)]
    if (travelsAsText(column) || column.element) return `${from}::${column.typeName} AS ${to}`
    return from === to ? from : `${from} AS ${to}`
  })
  return `SELECT ${items.join(', ')}`
}

const subSelect = (outer: OuterNode, write: WriteArray): string => {
  const own: Name = i => quote(outer.outputs[i].name)
  return `${select(outer.outputs, own)} FROM ${rowsFrom(outer, write, rowsAlias(outer.firstParam), own)}`
}

const writeNode = (outer: OuterNode, write: WriteArray, stub: WriteStub | undefined, builder: SegmentBuilder): void => {
  const { node, tail, outputs, pick } = outer
  const rows = () => (stub ? stub(outer, builder) : builder.ours(subSelect(outer, write)))
  if (pick && stub) {
    if (node.form === 'scalar') builder.ours('(')
    rows()
    if (node.form === 'scalar') builder.ours(`)${node.alias ? ` AS ${node.alias}` : ''}`)
  } else if (pick && node.form === 'scalar') {
    writeScalar(
      pick,
      outputs,
      rowsFrom(outer, write, 'u', i => `c${i + 1}`),
      builder,
    )
    if (node.alias) builder.ours(` AS ${node.alias}`)
  } else if (pick) {
    const hidden: Name = i => `pgpredict_${i + 1}`
    writePicked(pick, select(outputs, hidden), rowsFrom(outer, write, 'pgpredict_u', hidden), hidden, builder)
  } else if (node.form === 'table') rows()
  else if (node.form === 'function') {
    builder.ours('(')
    rows()
    builder.ours(`)${node.alias ? ` AS ${node.alias}` : ''}`)
  } else {
    builder.ours('SELECT * FROM (')
    rows()
    builder.ours(') AS predict ')
    if (tail) builder.slice(node.toClient(tail.start), node.toClient(tail.end))
  }
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

/** Writes what a view keeps in a node's place: a SELECT of its columns, or of the one value that a scalar shows. */
export type WriteStub = (outer: OuterNode, builder: SegmentBuilder) => void

export const buildOuter = ({ sql, nodes, start, end }: Source, write = asParameter, stub?: WriteStub): SegmentText => {
  const builder = buildSegments(sql)
  let at = start
  for (const outer of nodes) {
    builder.slice(at, outer.node.start)
    writeNode(outer, write, stub, builder)
    at = outer.node.end
  }
  builder.slice(at, end)
  return builder.done()
}

/** The text with each node blanked to an empty SELECT, or a NULL, of the same length, to be read by Postgres' parser before any node is. */
export const mask = (sql: string, nodes: readonly Node[]): string => {
  const blank = ({ form, start, end }: Node) => (form === 'scalar' ? 'NULL' : 'SELECT').padEnd(end - start)
  return edited(
    sql,
    nodes.map(node => ({ start: node.start, end: node.end, text: blank(node) })),
  ).text
}
