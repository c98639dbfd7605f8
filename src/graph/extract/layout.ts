// What to read for a task: which rows around an entity, which columns of them, and where the target's own expression stands among them.
// The choice follows foreign keys and types alone, in catalog order: no name, and nothing that depends on the data.

import type { Column, Link, Table } from '../../pql/catalog.js'
import { walkColumns } from '../../pql/index.js'
import type { Aggregate, Task } from '../../pql/task.js'
import type { CodeChannel, NumberChannel, TargetLeaf } from '../neighbourhood.js'
import { columnChannels, hash, sourceOf } from './channels.js'
import { conditionSql, filterSql, ordinary } from './conditions.js'
import type { Layout, NodePlan, StreamPlan } from './layout-plan.js'
import { category, dedupe, keyColumns, keyHash, reference, refOf } from './links.js'
import { type Point, RowSource } from './rows.js'
import { isSet, listsOf } from './sets.js'
import type { SqlParams } from './sql.js'
import { comparisonsOf, isClass, targetAggregates, targetValue } from './target-rows.js'

/** Widths beyond which a table's further columns are left out, in column order. */
const OWN_COLUMNS = 24
const PARENT_COLUMNS = 12
const VIA_STREAMS = 4

/** `anchor` is the query's own. */
export function layoutOf(task: Task, anchor: Point, params: SqlParams): Layout {
  return new LayoutBuilder(task, anchor, params).build()
}

class LayoutBuilder {
  readonly #task: Task
  readonly #anchor: Point
  readonly #params: SqlParams
  readonly #nodes: NodePlan[] = []
  readonly #streams: StreamPlan[] = []
  readonly #hidden: Set<Column>
  readonly #kept: Set<Column>
  /** Columns that the target is about. Read at one moment, they are hidden everywhere; at each row's own time, in that row alone. */
  readonly #targets: Set<Column>
  readonly #own: boolean
  #aliases = 0

  constructor(task: Task, anchor: Point, params: SqlParams) {
    this.#task = task
    this.#anchor = anchor
    this.#params = params
    this.#hidden = new Set((task.options.exclude ?? []).map(ref => ref.column))
    this.#own = task.asOf.kind === 'entity time'
    const targets = task.temporal ? [] : [...walkColumns(task.target)]
    this.#targets = new Set(targets.map(ref => ref.column))
    for (const { column, up } of targets) if (!this.#own || up.length > 0) this.#hidden.add(column)
    this.#kept = new Set((task.options.include ?? []).map(ref => ref.column))
  }

  build(): Layout {
    const entity = this.#task.entity.table
    this.#addNode({ kind: 'entity', table: entity, hop: 0 })
    for (const link of dedupe(entity.children)) this.#addBelow([link])
    for (const child of dedupe(entity.children)) {
      for (const link of dedupe(child.from.children)) if (link.from !== entity) this.#addBelow([child, link])
    }
    const targets = this.#task.temporal ? targetAggregates(this.#task) : []
    for (const a of targets) this.#streamFor(a.path.map(s => s.link))
    this.#addParents(entity)
    this.#addLatest(entity)
    const leaves: TargetLeaf[] = []
    const leafOf = new Map<Aggregate, number>()
    for (const aggregate of targets) {
      const leaf = isClass(this.#task, aggregate) ? null : this.#addLeaf(aggregate, leaves.length)
      if (!leaf) continue
      leafOf.set(aggregate, leaves.length)
      leaves.push(leaf)
    }
    const histories = targets.filter(a => isClass(this.#task, a)).map(a => this.#addHistory(a))
    if (this.#own && this.#task.kind === 'multiclass') histories.push(...this.#addKin())
    // the other values of a list tell of each; those of an array are one cell, and known together or not at all
    const lists = isSet(this.#task) ? listsOf(this.#task) : []
    for (const list of lists) if (list.column.column.typeClass !== 'array') histories.push(this.#addHistory(list))
    return { nodes: this.#nodes, streams: this.#streams, leaves, leafOf, histories }
  }

  /** Rows that hang on the entity, unless they are what is asked about, or hang on that. */
  #addBelow(path: readonly Link[]): void {
    const asked = listsOf(this.#task).some(list => list.path.every(({ link }, i) => link === path[i]))
    if (!asked) this.#addStream(0, path)
  }

  /** The entity's own parents, with a few streams of their children each. */
  #addParents(entity: Table): void {
    for (const link of dedupe(entity.parents)) {
      if (this.#asked(link)) continue
      const codes = this.#nodes[0]!.codes
      if (!this.#task.temporal) codes.push(category(link, this.#nodes[0]!.rows.alias))
      const node = this.#addNode({ kind: 'parent', table: link.to, link, channel: codes.length, hop: 1 })
      codes.push({ channel: reference(link, node, 0, true), sql: `n${node}.k` })
      for (const child of dedupe(link.to.children).slice(0, VIA_STREAMS)) this.#addStream(node, [child])
    }
  }

  /** The other parent of a child row, as the latest row names it (a driver's latest team): its streams of the same table and of the target's. */
  #addLatest(entity: Table): void {
    const targets = new Set(targetAggregates(this.#task).map(a => a.table))
    const direct = this.#streams.filter(s => s.node === 0 && s.path.length === 1)
    for (const stream of direct) {
      const child = stream.rows.table
      for (const link of dedupe(child.parents)) {
        if (this.#secret(link) || link === stream.path[0] || link.to === entity || !stream.rows.dated) continue
        const streams = dedupe(link.to.children).filter(
          c => c.from === child || targets.has(c.from) || c.from.time.kind === 'own',
        )
        if (streams.length === 0) continue
        const source = this.#streams.indexOf(stream)
        const node = this.#addNode({
          kind: 'latest',
          table: link.to,
          link,
          stream: source,
          channel: stream.codes.length,
          hop: 2,
        })
        stream.codes.push({ channel: reference(link, node, 1, true), sql: `n${node}.k` })
        const preferred = [...streams].sort((a, b) => Number(targets.has(b.from)) - Number(targets.has(a.from)))
        for (const c of preferred.slice(0, VIA_STREAMS)) this.#addStream(node, [c])
      }
    }
  }

  #addNode(at: Pick<NodePlan, 'kind' | 'table' | 'link' | 'stream' | 'channel' | 'hop'>): number {
    const rows = new RowSource(at.table, this.#alias(), this.#anchor)
    const plan: NodePlan = { ...at, rows, numbers: [], codes: [] }
    this.#readColumns(plan, at.table, [], at.hop, OWN_COLUMNS)
    return this.#nodes.push(plan) - 1
  }

  #addStream(node: number, path: readonly Link[]): number {
    const table = path.at(-1)!.from
    const up = [...path].reverse()
    const rows = new RowSource(
      table,
      this.#alias(),
      this.#anchor,
      up.slice(0, -1).map((_, i) => up.slice(0, i + 1)),
    )
    const hop = this.#nodes[node]!.hop + path.length
    const plan: StreamPlan = { node, path, rows, numbers: [], codes: [] }
    const direct = path.length === 1 && node === 0
    this.#readColumns(plan, table, [], hop, direct ? OWN_COLUMNS : PARENT_COLUMNS)
    for (const link of dedupe(table.parents)) {
      const through = link === path.at(-1)
      if (this.#secret(link)) continue
      if (!through)
        plan.codes.push({
          channel: { kind: 'key', source: sourceOf(table, link.columns[0]!, hop), own: true, trusted: false },
          sql: keyHash(link, rows.alias),
        })
      // A parent on the way back to the node tells nothing that the row's other columns and the node do not.
      if (!through && direct) this.#readColumns(plan, link.to, [link], hop + 1, PARENT_COLUMNS)
    }
    return this.#streams.push(plan) - 1
  }

  #readColumns(plan: StreamPlan | NodePlan, table: Table, up: readonly Link[], hop: number, most: number): void {
    const keys = keyColumns(table)
    const time = table.time.kind === 'own' ? table.time.column : null
    let taken = 0
    for (const column of table.columns) {
      if (taken === most) break
      if (
        keys.has(column) ||
        column === time ||
        column.tag === 'exclude' ||
        column.tag === 'end' ||
        this.#hidden.has(column) ||
        (this.#targets.has(column) && 'kind' in plan && plan.kind === 'entity')
      )
        continue
      taken++
      const visible = up.length > 0 ? plan.rows.parentVisible(up) : null
      const bare = up.length > 0 ? plan.rows.column(refOf(up, table, column)) : plan.rows.own(column)
      const value = visible === null ? bare : `CASE WHEN ${visible} THEN ${bare} END`
      const trusted = column.tag === 'immutable' || this.#kept.has(column)
      const made = columnChannels({
        value: visible === null ? value : `(${value})`,
        table,
        column,
        hop,
        own: up.length === 0,
        trusted,
        light: up.length > 0,
      })
      plan.numbers.push(...made.numbers)
      plan.codes.push(...made.codes)
    }
  }

  /** Filter, value and threshold columns of one aggregate, on its own stream and on every other stream of the same table. */
  #addLeaf(a: Aggregate, leaf: number): TargetLeaf | null {
    if (a.name === 'LIST_DISTINCT') return null
    const home = this.#streamFor(a.path.map(s => s.link))
    const filters: (number | null)[] = []
    let value: number | null = null
    let code: number | null = null
    for (const [i, stream] of this.#streams.entries()) {
      if (stream.rows.table !== a.table) continue
      const filter = filterSql(a, stream.rows, this.#params)
      const source = sourceOf(a.table, a.column?.column ?? null, stream.path.length)
      const channel = (kind: NumberChannel['kind']): NumberChannel => ({ kind, source, own: true, trusted: true, leaf })
      const add = (kind: NumberChannel['kind'], sql: string) => stream.numbers.push({ channel: channel(kind), sql }) - 1
      const filterAt = filter === null ? null : add('filter', `(${filter})::pg_catalog.int4::pg_catalog.float8`)
      const read = a.column ? targetValue(a.column, stream.rows) : null
      const within = (sql: string) => (filter === null ? sql : `CASE WHEN ${filter} THEN ${sql} END`)
      const valueAt = read === null || a.name === 'COUNT_DISTINCT' ? null : add('value', within(read))
      for (const hit of this.#thresholds(a, stream.rows))
        add('filter', `(${within(hit)})::pg_catalog.int4::pg_catalog.float8`)
      const distinct =
        a.name === 'COUNT_DISTINCT' ? hash(`${within(stream.rows.column(a.column!))}::pg_catalog.text`) : null
      const codeAt =
        distinct === null
          ? null
          : stream.codes.push({ channel: { kind: 'key', source, own: true, trusted: true, leaf }, sql: distinct }) - 1
      filters[i] = filterAt
      if (i === home) {
        value = valueAt
        code = codeAt
      }
    }
    return { name: a.name, stream: home, filter: filters[home] ?? null, value, code }
  }

  /** The classes of the rows that the target chooses among. */
  #addHistory(a: Aggregate): Layout['histories'][number] {
    const stream = this.#streamFor(a.path.map(s => s.link))
    const { rows, codes } = this.#streams[stream]!
    const filter = filterSql(a, rows, this.#params)
    const value = hash(`${rows.column(a.column!)}::pg_catalog.text`)
    const source = sourceOf(a.table, a.column!.column, a.path.length)
    const channel: CodeChannel = { kind: 'category', source, own: true, trusted: true }
    return {
      stream,
      channel: codes.push({ channel, sql: filter === null ? value : `CASE WHEN ${filter} THEN ${value} END` }) - 1,
    }
  }

  /** The classes of other rows of the table, reached over a parent they share. */
  #addKin(): Layout['histories'][number][] {
    const { target, entity } = this.#task
    const ref = target.kind === 'value' && target.operand.kind === 'column' ? target.operand : null
    if (!ref || ref.up.length > 0) return []
    return this.#streams.flatMap(({ rows, codes }, stream) => {
      if (rows.table !== entity.table) return []
      const source = sourceOf(ref.table, ref.column, 1)
      const channel: CodeChannel = { kind: 'category', source, own: true, trusted: true }
      return [{ stream, channel: codes.push({ channel, sql: hash(`${rows.column(ref)}::pg_catalog.text`) }) - 1 }]
    })
  }

  /** `value op constant` of a row, where the target compares a minimum, maximum, mean or sum of it: how often the row itself passes. */
  #thresholds(a: Aggregate, rows: RowSource): string[] {
    const target = this.#task.target
    if (target.kind !== 'condition' || !a.column || a.name === 'COUNT' || a.name === 'COUNT_DISTINCT') return []
    return comparisonsOf(target.condition, a).map(c =>
      conditionSql(c, () => ordinary(a, rows.column(a.column!)), this.#params),
    )
  }

  /** The foreign key is what is asked about. */
  #asked(link: Link): boolean {
    return link.columns.some(column => this.#targets.has(column))
  }

  /** … and may be read nowhere. */
  #secret(link: Link): boolean {
    return link.columns.some(column => this.#hidden.has(column))
  }

  #streamFor(path: readonly Link[]): number {
    const found = this.#streams.findIndex(
      s => s.node === 0 && s.path.length === path.length && s.path.every((l, i) => l === path[i]),
    )
    return found >= 0 ? found : this.#addStream(0, path)
  }

  #alias(): string {
    this.#aliases++
    return `r${this.#aliases}`
  }
}
