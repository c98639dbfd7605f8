// From resolved rows to the tables and links of a graph. Tables know their links and links their tables, so they are made
// unfinished, joined up, dated elsewhere and then frozen.

import type { Column, Link, Table, TimeSource } from '../../pql/catalog.js'
import { isIndexed } from './keys.js'
import { compareLinks, rankTables, type ShapedLink, type ShapedTable } from './order.js'
import type { RawColumn, RawLink, RawTable } from './raw.js'
import type { Facts, Resolved } from './resolve.js'

/** A table whose time is not known yet. */
export interface OpenTable extends Omit<Table, 'time' | 'parents' | 'children'> {
  time: TimeSource
  readonly parents: Link[]
  readonly children: Link[]
}

export interface Skeleton {
  readonly tables: readonly OpenTable[]
  readonly links: readonly Link[]
  /** Tables that may refuse to be read for reasons of their own. */
  readonly fragile: ReadonlySet<OpenTable>
}

const kinds = { r: 'table', p: 'partitioned', v: 'view', m: 'materialized view', f: 'foreign' } as const

export function build(raw: Iterable<RawTable>, { facts, links }: Resolved): Skeleton {
  const shaped = new Map<RawTable, ShapedTable & { readonly raw: RawTable }>()
  for (const table of raw) {
    const { key } = facts.get(table)!
    if (table.kind === 'v' && !key) continue // usable once keyed by a tag
    shaped.set(table, {
      raw: table,
      oid: table.oid,
      types: table.columns.map(column => column.type.stable),
      key: (key ?? []).map(attnum => position(table, attnum)),
    })
  }
  const usable = links.filter(link => shaped.has(link.from) && shaped.has(link.to))
  const shapedLinks = usable.map(link => ({
    raw: link,
    from: shaped.get(link.from)!,
    columns: link.columns.map(attnum => position(link.from, attnum)),
    to: shaped.get(link.to)!,
    toColumns: link.toColumns.map(attnum => position(link.to, attnum)),
  }))
  const rank = rankTables([...shaped.values()], shapedLinks)
  const ordered = [...rank.keys()].map(({ raw }) => raw)
  const tables = new Map(ordered.map(table => [table, openTable(table, facts.get(table)!)]))
  const inOrder = withoutTwins(shapedLinks.sort(compareLinks(rank)))
  const finished = inOrder.map(({ raw, columns, toColumns }, id) => join(raw, id, columns, toColumns, tables))
  const fragile = new Set([...tables].filter(([table]) => table.fragile).map(([, open]) => open))
  return { tables: [...tables.values()], links: finished, fragile }
}

function openTable(table: RawTable, facts: Facts): OpenTable {
  const leading = new Set(table.indexes.filter(({ ordered }) => ordered).map(({ attnums }) => attnums[0]))
  const columns = table.columns.map(column => makeColumn(column, facts, leading.has(column.attnum)))
  return {
    oid: table.oid,
    schema: table.schema,
    name: table.name,
    kind: kinds[table.kind],
    columns,
    key: facts.key && Object.freeze(facts.key.map(attnum => columns[position(table, attnum)])),
    ...(facts.keyOnTrust ? { keyOnTrust: true } : {}),
    time: { kind: 'static' },
    parents: [],
    children: [],
    visible: table.visible,
    estimatedRows: table.rows,
    cacheable: table.cacheable,
  }
}

function makeColumn({ attnum, name, type, notNull, declared }: RawColumn, facts: Facts, ordered: boolean): Column {
  return Object.freeze({
    attnum,
    name,
    type: type.oid,
    baseType: type.base,
    typeName: type.typeName,
    ...(declared === null ? {} : { declared }),
    typeClass: type.typeClass,
    arrayType: type.arrayType,
    notNull: notNull || facts.trusted.has(attnum),
    labels: type.labels,
    ...(ordered ? { ordered } : {}),
    tag: facts.tags.get(attnum),
  })
}

function join(
  raw: RawLink,
  id: number,
  columns: readonly number[],
  toColumns: readonly number[],
  tables: ReadonlyMap<RawTable, OpenTable>,
): Link {
  const [from, to] = [tables.get(raw.from)!, tables.get(raw.to)!]
  const own = columns.map(i => from.columns[i])
  const link: Link = Object.freeze({
    id,
    name: raw.name,
    from,
    columns: Object.freeze(own),
    to,
    toColumns: Object.freeze(toColumns.map(i => to.columns[i])),
    notNull: own.every(column => column.notNull),
    indexed: isIndexed(raw.from, raw.columns),
    declared: raw.declared,
  })
  from.parents.push(link)
  to.children.push(link)
  return link
}

/** The same foreign key declared twice is one link: the older one. */
function withoutTwins<T extends ShapedLink<unknown>>(sorted: readonly T[]): T[] {
  const same = (a: T, b: T) =>
    a.from === b.from && a.to === b.to && `${a.columns}` === `${b.columns}` && `${a.toColumns}` === `${b.toColumns}`
  return sorted.filter((link, i) => i === 0 || !same(sorted[i - 1], link))
}

const position = (table: RawTable, attnum: number) => table.columns.findIndex(column => column.attnum === attnum)
