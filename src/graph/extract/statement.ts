// The one extraction statement: context pairs, entities to score, and the rows around both, as the parts that neighbourhood.ts describes.

import type { Condition, Operand, Task, TypedConstant } from '../../pql/task.js'
import type { ChannelUse, NeighbourhoodSpec, Part, PartUse, TargetProgram, TargetSpec } from '../neighbourhood.js'
import { type Grid, UNIT } from './anchors.js'
import type { CodeSql, NumberSql } from './channels.js'
import { classArrays, classesPart, numberedKept } from './classes.js'
import { ownCtes, periodsPart, placeOfScored, sharedCtes, shareOf } from './columns-context.js'
import { type ContextSize, contextCtes, joinEntity, thinned } from './context.js'
import { type Layout, layoutOf, type NodePlan, type StreamPlan, specOf } from './layout.js'
import { conjunction, identityColumns, keyName, type Point } from './rows.js'
import { scoredCtes } from './scored.js'
import { isSet } from './sets.js'
import { OID, type SqlParam, SqlParams, timestamp } from './sql.js'
import { fittedSteps, stepsPart } from './steps.js'

/** Keys of a node that one row of the answer holds: large parts come in several rows. */
const KEYS_PER_ROW = 2048
/** A child row's other parents are followed only while they are few: beyond that they are values, not neighbours. */
const MOST_LATEST = 2000
/** Rows that hang on the context's parents are read while there are so many at most, as far as a hundred of the parents tell. */
const MOST_HANGING = 500_000
const PARENTS_COUNTED = 100

export interface Extraction {
  readonly sql: string
  readonly params: readonly SqlParam[]
  readonly spec: NeighbourhoodSpec
}

export interface ExtractionRequest {
  readonly task: Task
  readonly grid: Grid
  /** null: the context is at hand already; only the scored entities are read. */
  readonly context: ContextSize | null
  readonly seed: number
  readonly mostEntities: number
  /** Arrays of the key columns of those to score; null: whom the task names. */
  readonly keys?: readonly SqlParam[] | null
  /** What the context at hand reads, so that nothing else is sent; null: everything. */
  readonly use: ChannelUse | null
  /** The client's own parameters, as its Bind carried them. */
  readonly client: readonly { readonly format: 0 | 1; readonly value: Buffer | null }[]
}

export function extractionOf(request: ExtractionRequest): Extraction {
  return new Statement(request).build()
}

class Statement {
  readonly #request: ExtractionRequest
  readonly #task: Task
  readonly #params: SqlParams
  readonly #spec: ReturnType<typeof specOf>
  readonly #layout: Layout
  readonly #constants: string[] = []
  readonly #anchor: Point
  /** The cell's start, by which is decided what is read of the context's neighbours: whichever of the cell's anchors comes first. */
  readonly #cell: Point
  readonly #keyNulls: string
  readonly #classNulls: string
  /** What stands in the places of arrays that a part does not fill. */
  readonly #nulls: string

  constructor(request: ExtractionRequest) {
    this.#request = request
    this.#task = request.task
    this.#params = new SqlParams(request.client)
    const point = (at: bigint): Point => {
      const sql = this.#params.text(OID.timestamptz, timestamp(at))
      return { timestamptz: sql, timestamp: `${sql}::pg_catalog.timestamp` }
    }
    this.#anchor = point(request.grid.anchor)
    this.#cell = request.context ? point(request.grid.cell) : this.#anchor
    const layout = layoutOf(this.#task, this.#anchor, this.#params)
    this.#spec = specOf(layout)
    this.#layout = request.use ? restricted(layout, request.use) : layout
    this.#keyNulls = this.#task.entity.key.map(c => `NULL::${c.typeName}[]`).join(', ')
    this.#classNulls = classArrays(this.#task)
      .map(type => `, NULL::${type}`)
      .join('')
    this.#nulls = this.#keyNulls + this.#classNulls
  }

  build(): Extraction {
    const { task, grid, context, seed, mostEntities } = this.#request
    const target = this.#target()
    const parts: Part[] = []
    const selects: string[] = []
    const add = (part: Part, select: (index: number) => string) => {
      parts.push(part)
      selects.push(select(parts.length - 1))
    }
    add({ kind: 'anchors' }, i => this.#anchorsPart(i))
    add({ kind: 'constants' }, i => this.#constantsPart(i))
    if (context) add({ kind: 'pairs' }, i => this.#pairsPart(i))
    if (context && this.#classNulls !== '') add({ kind: 'classes' }, i => classesPart(i, task, this.#keyNulls))
    add({ kind: 'scored' }, i => this.#scoredPart(i))
    if (task.kind === 'forecast') add({ kind: 'steps' }, i => stepsPart(i, task, this.#params, this.#nulls))
    if (this.#own) add({ kind: 'periods' }, i => periodsPart(i, this.#nulls))
    const use = this.#request.use
    for (const [node, plan] of this.#layout.nodes.entries()) {
      if (use && !use.nodes[node]!.rows) continue
      add({ kind: 'node', node }, i => this.#nodePart(i, node, plan))
    }
    for (const [stream, plan] of this.#layout.streams.entries()) {
      if (use && !use.streams[stream]!.rows) continue
      add({ kind: 'stream', stream }, i => this.#streamPart(i, plan))
    }
    const scored = scoredCtes(task, this.#anchor, mostEntities, this.#params, this.#request.keys)
    const request = { task, grid, context, seed }
    const examples = () =>
      task.temporal
        ? contextCtes(task, grid, context!, seed, this.#params, this.#weighed)
        : sharedCtes(request, this.#params)
    const ctes = [
      // first, so that a query of the user's that names whom to score sees no name of ours
      ...scored,
      // at their rows' own times, anchors are those of the rows
      ...(this.#own ? ownCtes(request, this.#params) : [this.#anchorsCte(), ...(context ? examples() : [])]),
      this.#entitiesCte(context !== null),
      ...this.#layout.nodes.flatMap((plan, node) =>
        node > 0 && this.#reached(node) ? this.#nodeCtes(node, plan, context !== null) : [],
      ),
    ]
    const { nodes, streams } = this.#spec
    return {
      sql: `WITH ${ctes.join(',\n')}\n${selects.join('\nUNION ALL\n')}`,
      params: this.#params.list,
      spec: {
        task: isSet(task) ? 'list' : task.kind === 'binary' || task.kind === 'multiclass' ? task.kind : 'numeric',
        parts,
        nodes,
        streams,
        target,
        keys: task.entity.key.length,
        counting: isCounting(task),
        conditional: task.assuming !== null,
        ...(task.temporal ? {} : { moment: this.#own ? ('own' as const) : ('shared' as const) }),
        ...(task.kind === 'forecast' ? { steps: fittedSteps(task)! } : {}),
        ...(isSet(task) ? { list: { kind: task.kind as 'rank' | 'classify', top: task.top ?? 0 } } : {}),
        ...(this.#weighed ? { weighed: true as const } : {}),
        settled: !task.temporal && task.asOf.kind === 'default',
      },
    }
  }

  /** Every row is read at its own time. */
  get #own(): boolean {
    return this.#task.asOf.kind === 'entity time'
  }

  /** Something is read of the node, of rows that hang on it, or of which row of it others refer to. */
  #reached(node: number): boolean {
    const { use } = this.#request
    if (!use || use.nodes[node]!.rows) return true
    const { nodes, streams } = this.#layout
    const refers = ({ channel, sql }: CodeSql) => channel.node === node && sql !== UNREAD
    return (
      streams.some((s, i) => s.node === node && use.streams[i]!.rows) ||
      nodes.some((n, i) => use.nodes[i]!.rows && n.codes.some(refers)) ||
      streams.some((s, i) => use.streams[i]!.rows && s.codes.some(refers))
    )
  }

  #anchorsCte(): string {
    const { grid, context } = this.#request
    const all = context || !this.#task.temporal ? [grid.anchor, grid.cell, ...grid.context] : [grid.anchor]
    const list = this.#params.text(OID.timestamptzArray, `{${all.map(t => `"${timestamp(t)}"`).join(',')}}`)
    return `a AS MATERIALIZED (SELECT (o - 1)::pg_catalog.int4 AS i, at, at::pg_catalog.timestamp AS ts FROM pg_catalog.unnest(${list}) WITH ORDINALITY AS u (at, o))`
  }

  /** The keys whose neighbourhoods are read: scored entities first, then those of the context. */
  #entitiesCte(withContext: boolean): string {
    const keys = identityColumns(this.#task.entity.table).map((_, i) => keyName(i))
    const list = keys.join(', ')
    const scored = `SELECT ${list}, n AS o, false AS x FROM scored`
    const context = `SELECT ${keys.map(k => `c.${k}`).join(', ')}, c.e + 1000000000 AS o, true AS x FROM cand c WHERE c.e IN (SELECT e FROM kept UNION SELECT e FROM ref)`
    const union = withContext ? `${scored} UNION ALL ${context}` : scored
    return `n0 AS MATERIALIZED (SELECT (pg_catalog.row_number() OVER (ORDER BY pg_catalog.min(o)) - 1)::pg_catalog.int4 AS k, ${list}, pg_catalog.bool_or(x) AS x FROM (${union}) s GROUP BY ${list})`
  }

  #nodeCtes(node: number, plan: NodePlan, withContext: boolean): string[] {
    const link = plan.link!
    const parent = plan.rows.alias
    const identity = identityColumns(plan.table).map((c, i) => `${plan.rows.own(c)} AS ${keyName(i)}`)
    const { from, conditions } = this.#referrers(plan)
    const child = this.#referrerAlias(plan)
    const columns = link.columns.map((c, i) => `${child}."${c.name.replaceAll('"', '""')}" AS f${i + 1}`).join(', ')
    const names = link.columns.map((_, i) => `f${i + 1}`)
    const latest = plan.kind === 'latest' && withContext
    const ofContext = latest ? `n.x AND ${this.#layout.streams[plan.stream!]!.rows.atMost(this.#cell)}` : 'n.x'
    const lasting = latest ? `, ${this.#lasting(plan, ofContext)} AS lasting` : ''
    const distinct = `SELECT ${columns}, pg_catalog.bool_or(${ofContext}) AS x${lasting} FROM ${from} WHERE ${conjunction(conditions)} GROUP BY ${names.join(', ')}`
    const guard = latest
      ? ` WHERE (SELECT pg_catalog.count(*) <= ${MOST_LATEST} AND pg_catalog.avg(lasting) >= 0.5 FROM d${node} WHERE x)`
      : ''
    const on = link.toColumns.map((c, i) => `${plan.rows.own(c)} = d.${names[i]}`).join(' AND ')
    return [
      `d${node} AS MATERIALIZED (${distinct})`,
      `n${node} AS MATERIALIZED (SELECT (pg_catalog.row_number() OVER () - 1)::pg_catalog.int4 AS k, ${identity.join(', ')}, d.x FROM d${node} d JOIN ${tableOf(plan)} AS ${parent} ON ${on}${guard})`,
    ]
  }

  /** 1 where the rows of a key span a horizon or more: a team, a shop; not an event whose rows all happen at once. Context rows decide. */
  #lasting(plan: NodePlan, ofContext: string): string {
    const time = this.#layout.streams[plan.stream!]!.rows.time()
    const span = `pg_catalog.max(${time}) FILTER (WHERE ${ofContext}) - pg_catalog.min(${time}) FILTER (WHERE ${ofContext})`
    return `CASE WHEN ${span} >= ${this.#params.interval(this.#task.horizon ?? UNIT)} THEN 1 ELSE 0 END`
  }

  /** FROM and WHERE of the rows whose foreign key names the keys of a node. */
  #referrers(plan: NodePlan): { from: string; conditions: string[] } {
    if (plan.kind === 'parent') {
      const entity = this.#layout.nodes[0]!
      return { from: `${entity.rows.from} JOIN n0 n ON ${sameKeys(entity.rows.alias, entity)}`, conditions: ['true'] }
    }
    const stream = this.#layout.streams[plan.stream!]!
    const visible = stream.rows.atMost(this.#anchor)
    return {
      from: `${stream.rows.from} JOIN n0 n ON ${joinEntity(stream.path, stream.rows, 'n')}`,
      conditions: [visible],
    }
  }

  #referrerAlias(plan: NodePlan): string {
    return plan.kind === 'parent' ? this.#layout.nodes[0]!.rows.alias : this.#layout.streams[plan.stream!]!.rows.alias
  }

  #anchorsPart(part: number): string {
    const h = this.#params.interval(this.#task.horizon ?? UNIT)
    const year = this.#params.interval({ months: 12, days: 0, microseconds: 0n })
    const us = (t: string) => `pg_catalog.round((pg_catalog.date_part('epoch', ${t}) - 946684800) * 1000000)`
    const bounds = Array.from({ length: 11 }, (_, k) => us(k === 0 ? 'at' : `at - ${h} * ${k}`))
    bounds.push(us(`at - ${year}`), us(`at - ${year} + ${h}`))
    return `SELECT ${part}, pg_catalog.array_agg(i ORDER BY i), pg_catalog.array_agg(at ORDER BY i), pg_catalog.array_agg(ARRAY[${bounds.join(', ')}] ORDER BY i), NULL::pg_catalog.int4[], ${this.#nulls} FROM a`
  }

  /** The target's constants, and last the number of entities asked for by name (-1: not by name). */
  #constantsPart(part: number): string {
    const asked = this.#task.ids.kind === 'each' ? '-1' : '(SELECT pg_catalog.count(*) FROM wanted)'
    const values = [...this.#constants, asked].map(c => `ARRAY[(${c})::pg_catalog.float8]`).join(', ')
    const n = this.#constants.length + 1
    const ks = Array.from({ length: n }, (_, i) => i).join(', ')
    return `SELECT ${part}, ARRAY[${ks}]::pg_catalog.int4[], NULL::pg_catalog.timestamptz[], ARRAY[${values}], NULL::pg_catalog.int4[], ${this.#nulls}`
  }

  /** Examples carry how many they stand for. */
  get #weighed(): boolean {
    return this.#task.temporal && thinned(this.#task)
  }

  #pairsPart(part: number): string {
    const keys = identityColumns(this.#task.entity.table)
      .map((_, i) => `c.${keyName(i)} = n.${keyName(i)}`)
      .join(' AND ')
    const steps = fittedSteps(this.#task)
    const weighed = this.#weighed
    const share = weighed ? ', s.w AS share' : this.#task.temporal ? '' : `, ${shareOf('c.h')} AS share`
    const rows = `SELECT e, i, label, 0 AS role${weighed ? ', w' : ''} FROM (${numberedKept(this.#task)}) l UNION ALL SELECT e, 1, ${steps ? `pg_catalog.array_fill(NULL::pg_catalog.float8, ARRAY[${steps.length}])` : 'NULL'}, 1${weighed ? ', 1' : ''} FROM ref`
    return (
      `SELECT ${part}, pg_catalog.array_agg(k), NULL::pg_catalog.timestamptz[], pg_catalog.array_agg(${steps ? 'label' : 'ARRAY[label]'}), pg_catalog.array_agg(ARRAY[i, role${share ? ', share' : ''}]), ${this.#nulls} FROM (` +
      `SELECT n.k, s.label, s.i, s.role${share} FROM (${rows}) s JOIN cand c ON c.e = s.e JOIN n0 n ON ${keys} ORDER BY s.role, s.i, c.h, c.e, s.label) p HAVING pg_catalog.count(*) > 0`
    )
  }

  #scoredPart(part: number): string {
    const { table, key } = this.#task.entity
    const identity = identityColumns(table)
    const on = identity.map((_, i) => `s.${keyName(i)} = n.${keyName(i)}`).join(' AND ')
    const keys = key.map(c => keyName(identity.indexOf(c)))
    const place = this.#task.temporal ? null : placeOfScored(this.#task, this.#request.seed, this.#params)
    return (
      `SELECT ${part}, pg_catalog.array_agg(k), NULL::pg_catalog.timestamptz[], NULL::pg_catalog.float8[], ${place ? 'pg_catalog.array_agg(c)' : 'NULL::pg_catalog.int4[]'}, ${keys.map(k => `pg_catalog.array_agg(${k})`).join(', ')}${this.#classNulls} FROM (` +
      `SELECT n.k, ${keys.map(k => `s.${k}`).join(', ')}, s.n / ${KEYS_PER_ROW} AS b${place ? `, ${place.codes} AS c` : ''} FROM ${place ? place.from : 'scored s'} JOIN n0 n ON ${on} ORDER BY b, s.n) p GROUP BY b`
    )
  }

  #nodePart(part: number, node: number, plan: NodePlan): string {
    // a row is there to be asked about before it says anything of itself
    const time = node === 0 && this.#own ? `'-infinity'::pg_catalog.timestamptz` : plan.rows.time()
    const joins = node === 0 ? this.#referenceJoins(plan.rows.alias, plan.codes) : ''
    const inner = `SELECT n.k, ${time} AS t, ${vector(plan.numbers)} AS v, ${codes(plan.codes)} AS c FROM n${node} n JOIN ${plan.rows.from} ON ${sameKeys(plan.rows.alias, plan)} ${joins} WHERE ${plan.rows.dated ? `${time} IS NOT NULL` : 'true'} ORDER BY n.k`
    return this.#packed(part, plan, inner)
  }

  #streamPart(part: number, plan: StreamPlan): string {
    const time = plan.rows.time()
    const joins = this.#referenceJoins(plan.rows.alias, plan.codes)
    const on = joinEntity(plan.path, plan.rows, 'n')
    const visible = plan.rows.atMost(this.#anchor)
    const read = [visible]
    if (plan.node > 0 && this.#request.context) read.push(this.#fewHang(plan, on))
    const inner = `SELECT n.k, ${time} AS t, ${vector(plan.numbers)} AS v, ${codes(plan.codes)} AS c FROM ${plan.rows.from} JOIN n${plan.node} n ON ${on} ${joins} WHERE ${conjunction(read)} ORDER BY n.k / ${KEYS_PER_ROW}, n.k, t, ${plan.rows.keyOrder()}`
    return this.#packed(part, plan, inner)
  }

  /** Context rows decide, and no more are counted than matter: what parents have to tell costs no more however large the table is. */
  #fewHang({ node, rows }: StreamPlan, on: string): string {
    const keys = identityColumns(this.#layout.nodes[node]!.table).map((_, i) => keyName(i))
    const hash = `pg_catalog.hashtextextended(ROW(${keys.join(', ')})::pg_catalog.text, 0)`
    const drawn = `SELECT ${keys.join(', ')} FROM n${node} WHERE x ORDER BY ${hash}, ${keys.join(', ')} LIMIT ${PARENTS_COUNTED}`
    const most = `(SELECT ${MOST_HANGING} * LEAST(pg_catalog.count(*), ${PARENTS_COUNTED}) / GREATEST(pg_catalog.count(*), 1) FROM n${node} WHERE x)`
    const some = `SELECT FROM ${rows.from} JOIN (${drawn}) n ON ${on} WHERE ${rows.atMost(this.#cell)} LIMIT ${most} + 1`
    return `(SELECT pg_catalog.count(*) FROM (${some}) s) <= ${most}`
  }

  #packed(part: number, plan: { numbers: readonly NumberSql[]; codes: readonly CodeSql[] }, inner: string): string {
    const v = plan.numbers.length > 0 ? 'pg_catalog.array_agg(v)' : 'NULL::pg_catalog.float8[]'
    const c = plan.codes.length > 0 ? 'pg_catalog.array_agg(c)' : 'NULL::pg_catalog.int4[]'
    return `SELECT ${part}, pg_catalog.array_agg(k), pg_catalog.array_agg(t), ${v}, ${c}, ${this.#nulls} FROM (${inner}) s GROUP BY k / ${KEYS_PER_ROW}`
  }

  /** Foreign keys that lead to other nodes, as the index of the key there. */
  #referenceJoins(alias: string, channels: readonly CodeSql[]): string {
    return channels
      .filter(c => c.channel.kind === 'reference' && c.sql !== UNREAD)
      .map(c => {
        const node = this.#layout.nodes[c.channel.node!]!
        const identity = identityColumns(node.table)
        const link = node.link!
        const on = link.columns.map(
          (column, i) =>
            `${alias}."${column.name.replaceAll('"', '""')}" = n${c.channel.node}.${keyName(identity.indexOf(link.toColumns[i]!))}`,
        )
        return `LEFT JOIN n${c.channel.node} ON ${on.join(' AND ')}`
      })
      .join(' ')
  }

  #target(): TargetSpec {
    const { target, assuming } = this.#task
    const program = target.kind === 'value' ? this.#leafProgram(target.operand) : this.#program(target.condition)
    const { leaves, histories } = this.#layout
    return { leaves, program, assuming: assuming ? this.#program(assuming) : null, histories }
  }

  #leafProgram(operand: Operand): TargetProgram | null {
    const leaf = this.#leaf(operand)
    return leaf === null ? null : { op: 'leaf', leaf }
  }

  #leaf(operand: Operand): number | null {
    return operand.kind === 'aggregate' ? (this.#layout.leafOf.get(operand) ?? null) : null
  }

  /** null where the past cannot be read with numbers alone. */
  #program(c: Condition): TargetProgram | null {
    switch (c.kind) {
      case 'and':
      case 'or': {
        const items = c.items.map(i => this.#program(i))
        return items.every(i => i !== null) ? { op: c.kind, items } : null
      }
      case 'not': {
        const item = this.#program(c.item)
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
    return numeric ? this.#constants.push(this.#params.constant(constant)) - 1 : null
  }
}

/** A channel that nothing reads. */
const UNREAD = 'NULL'

/** The layout with every channel that `use` leaves out sent as NULL: widths, and so the spec, stay as they are. */
function restricted(layout: Layout, use: ChannelUse): Layout {
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

const vector = (numbers: readonly NumberSql[]): string =>
  numbers.length > 0 ? `ARRAY[${numbers.map(n => n.sql).join(', ')}]::pg_catalog.float8[]` : 'NULL::pg_catalog.float8[]'
const codes = (list: readonly CodeSql[]): string =>
  list.length > 0
    ? `ARRAY[${list.map(c => (c.channel.kind === 'reference' && c.sql !== UNREAD ? `COALESCE(${c.sql}, -1)` : c.sql)).join(', ')}]::pg_catalog.int4[]`
    : 'NULL::pg_catalog.int4[]'

const tableOf = (plan: NodePlan): string => plan.rows.from.split(' AS ')[0]!

/** The row of a node's own table whose identity the CTE row `n` holds. */
function sameKeys(alias: string, plan: NodePlan): string {
  const key = plan.table.key ?? plan.link?.toColumns ?? []
  const identity = identityColumns(plan.table)
  return key.map(c => `${alias}."${c.name.replaceAll('"', '""')}" = n.${keyName(identity.indexOf(c))}`).join(' AND ')
}

/** Counts, and sums of columns that the data shows to be non-negative (which the head sees for itself), are never negative. */
function isCounting(task: Task): boolean {
  return (
    task.target.kind === 'value' &&
    task.target.operand.kind === 'aggregate' &&
    task.target.operand.name.startsWith('COUNT')
  )
}
