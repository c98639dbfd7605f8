// The channels of a plan as arrays of a row, and those that nothing reads sent as NULL.

import type { ChannelUse, PartUse } from '../neighbourhood.js'
import type { CodeSql, NumberSql } from './channels.js'
import type { Layout, NodePlan, StreamPlan } from './layout-plan.js'

/** A channel that nothing reads. */
export const UNREAD = 'NULL'

/** The layout with every channel that `use` leaves out sent as NULL: widths, and so the spec, stay as they are. */
export function restricted(layout: Layout, use: ChannelUse): Layout {
  const keep = <T extends { readonly sql: string }>(list: readonly T[], used: ReadonlySet<number>): T[] =>
    list.map((item, i) => (used.has(i) ? item : { ...item, sql: UNREAD }))
  const cut = <P extends StreamPlan | NodePlan>(plan: P, part: PartUse): P => ({
    ...plan,
    numbers: keep(plan.numbers, part.numbers),
    codes: keep(plan.codes, part.codes),
  })
  return {
    ...layout,
    nodes: layout.nodes.map((plan, i) => cut(plan, use.nodes[i]!)),
    streams: layout.streams.map((plan, i) => cut(plan, use.streams[i]!)),
  }
}

export const vector = (numbers: readonly NumberSql[]): string =>
  numbers.length > 0 ? `ARRAY[${numbers.map(n => n.sql).join(', ')}]::pg_catalog.float8[]` : 'NULL::pg_catalog.float8[]'
export const codes = (list: readonly CodeSql[]): string =>
  list.length > 0
    ? `ARRAY[${list.map(c => (c.channel.kind === 'reference' && c.sql !== UNREAD ? `COALESCE(${c.sql}, -1)` : c.sql)).join(', ')}]::pg_catalog.int4[]`
    : 'NULL::pg_catalog.int4[]'
