// What is read around an entity, as plans: nodes, the rows that hang on them, the SQL of every channel, and the specification without it.

import type { Link, Table } from '../../pql/catalog.js'
import type { Aggregate } from '../../pql/task.js'
import type { NodeSpec, StreamSpec, TargetLeaf, TargetSpec } from '../neighbourhood.js'
import type { CodeSql, NumberSql } from './channels.js'
import type { RowSource } from './rows.js'

/** Rows of a table hanging on the keys of a node, with the SQL of every channel. */
export interface StreamPlan {
  readonly node: number
  /** Downward links from the node's table to this one. */
  readonly path: readonly Link[]
  readonly rows: RowSource
  readonly numbers: NumberSql[]
  readonly codes: CodeSql[]
}

export interface NodePlan {
  readonly kind: NodeSpec['kind']
  readonly table: Table
  /** How its keys are found: over the entity's own foreign key, or over a foreign key of a stream's rows. */
  readonly link?: Link
  readonly stream?: number
  readonly channel?: number
  readonly hop: number
  readonly rows: RowSource
  readonly numbers: NumberSql[]
  readonly codes: CodeSql[]
}

export interface Layout {
  readonly nodes: readonly NodePlan[]
  readonly streams: readonly StreamPlan[]
  readonly leaves: readonly TargetLeaf[]
  /** Aggregates behind `leaves`, in the same order. */
  readonly leafOf: ReadonlyMap<Aggregate, number>
  readonly histories: NonNullable<TargetSpec['histories']>
}

/** The specification a decoder reads by: the layout without its SQL. */
export function specOf(layout: Layout): { nodes: NodeSpec[]; streams: StreamSpec[] } {
  const tables = [...new Set(layout.streams.map(s => s.rows.table))]
  return {
    nodes: layout.nodes.map(n => ({
      kind: n.kind,
      stream: n.stream,
      channel: n.channel,
      hop: n.hop,
      numbers: n.numbers.map(x => x.channel),
      codes: n.codes.map(x => x.channel),
    })),
    streams: layout.streams.map(s => ({
      node: s.node,
      hop: layout.nodes[s.node]!.hop + s.path.length,
      table: tables.indexOf(s.rows.table),
      numbers: s.numbers.map(x => x.channel),
      codes: s.codes.map(x => x.channel),
      static: !s.rows.dated,
    })),
  }
}
