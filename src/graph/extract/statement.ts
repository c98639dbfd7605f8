// The one extraction statement: context pairs, entities to score, and the rows around both, as the parts that neighbourhood.ts describes.

import type { Task } from '../../pql/task.js'
import type { ChannelUse, NeighbourhoodSpec, Part } from '../neighbourhood.js'
import { type Grid, UNIT } from './anchors.js'
import type { CodeSql, NumberSql } from './channels.js'
import { classArrays, classesPart, numberedKept } from './classes.js'
import { ownCtes, PERIOD_ROWS, periodsPart, placeOfScored, sharedCtes, shareOf } from './columns-context.js'
import { type ContextSize, contextCtes, joinEntity } from './context.js'
import { thinned } from './dormant.js'
import { layoutOf } from './layout.js'
import { type Layout, type NodePlan, type StreamPlan, specOf } from './layout-plan.js'
import { fewHang, nodeCtes, sameKeys } from './neighbours.js'
import { conjunction, identityColumns, keyName, type Point } from './rows.js'
import { scoredCtes } from './scored.js'
import { isSet } from './sets.js'
import { identifier, OID, type SqlParam, SqlParams, timestamp } from './sql.js'
import { fittedSteps, stepsPart } from './steps.js'
import { isCounting, targetProgramOf } from './target-program.js'
import { codes, restricted, UNREAD, vector } from './used.js'

/** Keys of a node that one row of the answer holds: large parts come in several rows. */
const KEYS_PER_ROW = 2048

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
  readonly #anchor: Point
  /** The start of the context's cell; null: no context is read. */
  readonly #cell: Point | null
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
    this.#cell = request.context ? point(request.grid.cell) : null
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
    const { target, constants } = targetProgramOf(task, this.#layout, this.#params)
    const parts: Part[] = []
    const selects: string[] = []
    const add = (part: Part, select: (index: number) => string) => {
      parts.push(part)
      selects.push(select(parts.length - 1))
    }
    add({ kind: 'anchors' }, i => this.#anchorsPart(i))
    add({ kind: 'constants' }, i => this.#constantsPart(i, constants))
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
    const around = { task, layout: this.#layout, params: this.#params, anchor: this.#anchor, cell: this.#cell }
    const ctes = [
      // first, so that a query of the user's that names whom to score sees no name of ours
      ...scored,
      // at their rows' own times, anchors are those of the rows
      ...(this.#own ? ownCtes(request, this.#params) : [this.#anchorsCte(), ...(context ? examples() : [])]),
      this.#entitiesCte(context !== null),
      ...this.#layout.nodes.flatMap((plan, node) =>
        node > 0 && this.#reached(node) ? nodeCtes(around, node, plan) : [],
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
        ...(task.temporal ? {} : this.#own ? { moment: 'own', periodRows: PERIOD_ROWS } : { moment: 'shared' }),
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

  #anchorsPart(part: number): string {
    const h = this.#params.interval(this.#task.horizon ?? UNIT)
    const year = this.#params.interval({ months: 12, days: 0, microseconds: 0n })
    const us = (t: string) => `pg_catalog.round((pg_catalog.date_part('epoch', ${t}) - 946684800) * 1000000)`
    const bounds = Array.from({ length: 11 }, (_, k) => us(k === 0 ? 'at' : `at - ${h} * ${k}`))
    bounds.push(us(`at - ${year}`), us(`at - ${year} + ${h}`))
    return `SELECT ${part}, pg_catalog.array_agg(i ORDER BY i), pg_catalog.array_agg(at ORDER BY i), pg_catalog.array_agg(ARRAY[${bounds.join(', ')}] ORDER BY i), NULL::pg_catalog.int4[], ${this.#nulls} FROM a`
  }

  /** The target's constants, and last the number of entities asked for by name (-1: not by name). */
  #constantsPart(part: number, constants: readonly string[]): string {
    const asked = this.#task.ids.kind === 'each' ? '-1' : '(SELECT pg_catalog.count(*) FROM wanted)'
    const values = [...constants, asked].map(c => `ARRAY[(${c})::pg_catalog.float8]`).join(', ')
    const n = constants.length + 1
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
    if (plan.node > 0 && this.#cell) read.push(fewHang(this.#layout, this.#cell, plan, on))
    const inner = `SELECT n.k, ${time} AS t, ${vector(plan.numbers)} AS v, ${codes(plan.codes)} AS c FROM ${plan.rows.from} JOIN n${plan.node} n ON ${on} ${joins} WHERE ${conjunction(read)} ORDER BY n.k / ${KEYS_PER_ROW}, n.k, t, ${plan.rows.keyOrder()}`
    return this.#packed(part, plan, inner)
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
            `${alias}.${identifier(column.name)} = n${c.channel.node}.${keyName(identity.indexOf(link.toColumns[i]!))}`,
        )
        return `LEFT JOIN n${c.channel.node} ON ${on.join(' AND ')}`
      })
      .join(' ')
  }
}
