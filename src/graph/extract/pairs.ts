// The extraction statement of RANK and CLASSIFY: rows of the target's table as (entity, time, item), of the entities asked about and of a
// population that says what is popular and what goes with what. What is made of them is arithmetic, and done in the inference process.

import { itemColumn } from '../../pql/index.js'
import type { Aggregate, ColumnRef, Condition, Task } from '../../pql/task.js'
import type { RankingPart, RankingSpec } from '../ranking.js'
import { filterSql } from './conditions.js'
import { contextCtes, joinEntity } from './context.js'
import { conjunction, identityColumns, keyName, type Point, RowSource } from './rows.js'
import { scoredCtes } from './scored.js'
import { itemLinks, itemOf, visibleItems } from './sets.js'
import { OID, type SqlParam, SqlParams, timestamp } from './sql.js'
import type { ExtractionRequest } from './statement.js'

/** Entities that one row of the answer holds: large parts come in several rows. */
const KEYS_PER_ROW = 512
/** Items read from their own table, for those who have met few; RANK TOP goes as far, and CLASSIFY refuses one more. */
export const MOST_ITEMS = 1001

export interface PairsExtraction {
  readonly sql: string
  readonly params: readonly SqlParam[]
  readonly spec: RankingSpec
}

/** Of a task of kind rank or classify, whose target is LIST_DISTINCT over a window. */
export function pairsExtractionOf(request: ExtractionRequest): PairsExtraction {
  const { task, context, grid, seed, mostEntities } = request
  const params = new SqlParams(request.client)
  const at = params.text(OID.timestamptz, timestamp(grid.anchor))
  const anchor: Point = { timestamptz: at, timestamp: `${at}::pg_catalog.timestamp` }
  const pairs = new Pairs(task, anchor, params)
  const parts: [RankingPart, string][] = [
    ['anchors', pairs.anchors()],
    ['constants', pairs.constants()],
    ['scored', pairs.scored()],
    ['rows', pairs.rows()],
  ]
  if (context) {
    parts.push(['population', pairs.population()], ['pairs', pairs.examples()])
    const cell = params.text(OID.timestamptz, timestamp(grid.cell))
    const items = pairs.items({ timestamptz: cell, timestamp: `${cell}::pg_catalog.timestamp` })
    if (items) parts.push(['items', items])
  }
  const all = context ? [grid.anchor, grid.cell, ...grid.context] : [grid.anchor]
  const list = params.text(OID.timestamptzArray, `{${all.map(t => `"${timestamp(t)}"`).join(',')}}`)
  const ctes = [
    // first, so that a query of the user's that names whom to score sees no name of ours
    ...scoredCtes(task, anchor, mostEntities, params, request.keys),
    `a AS MATERIALIZED (SELECT (o - 1)::pg_catalog.int4 AS i, at, at::pg_catalog.timestamp AS ts FROM pg_catalog.unnest(${list}) WITH ORDINALITY AS u (at, o))`,
    ...(context ? contextCtes(asCondition(task), grid, context, seed, params) : []),
    pairs.entities(context !== null),
  ]
  const selects = parts.map(([, select], i) => `SELECT ${i}, ${select}`)
  const spec: RankingSpec = {
    task: task.kind === 'classify' ? 'classify' : 'rank',
    parts: parts.map(([part]) => part),
    keys: task.entity.key.length,
    top: task.top ?? 0,
  }
  return { sql: `WITH ${ctes.join(',\n')}\n${selects.join('\nUNION ALL\n')}`, params: params.list, spec }
}

/** The LIST_DISTINCT that the task is about. */
export function listOf(task: Task): Aggregate & { readonly column: ColumnRef } {
  const { target } = task
  const list = target.kind === 'value' && target.operand.kind === 'aggregate' ? target.operand : null
  if (list?.name !== 'LIST_DISTINCT' || !list.column) throw new Error('the target is no list')
  return list as Aggregate & { readonly column: ColumnRef }
}

/**
 * The task whose examples these are: does the window hold an item at all? An order of items is learned from windows that hold some; how
 * probable each is, from empty ones too.
 */
function asCondition(task: Task): Task {
  const count: Aggregate = { ...listOf(task), name: 'COUNT' }
  const zero = {
    constant: { kind: 'number', text: '0', start: 0, end: 0 },
    typeName: 'bigint',
    type: OID.int8,
  } as const
  const some: Condition = { kind: 'compare', op: '>', left: count, right: zero }
  const assuming: Condition | null =
    task.kind === 'classify' ? task.assuming : { kind: 'and', items: task.assuming ? [some, task.assuming] : [some] }
  return { ...task, kind: 'binary', target: { kind: 'condition', condition: some }, assuming }
}

/** `k, t, v, c` and the arrays behind them; what is not given is NULL. */
interface Fields {
  readonly k?: string
  readonly t?: string
  readonly v?: string
  readonly c?: string
  readonly keys?: readonly string[]
  readonly items?: string
}

class Pairs {
  readonly #task: Task
  readonly #list: ReturnType<typeof listOf>
  readonly #anchor: Point
  readonly #params: SqlParams

  constructor(task: Task, anchor: Point, params: SqlParams) {
    this.#task = task
    this.#list = listOf(task)
    this.#anchor = anchor
    this.#params = params
  }

  #fields({ k, t, v, c, keys, items }: Fields): string {
    const { key } = this.#task.entity
    return [
      k ?? 'NULL::pg_catalog.int4[]',
      t ?? 'NULL::pg_catalog.timestamptz[]',
      v ?? 'NULL::pg_catalog.float8[]',
      c ?? 'NULL::pg_catalog.int4[]',
      ...(keys ?? key.map(column => `NULL::${column.typeName}[]`)),
      items ?? `NULL::${itemColumn(this.#task).typeName}[]`,
    ].join(', ')
  }

  /** The keys whose rows are read: scored entities first, then the population. */
  entities(withPopulation: boolean): string {
    const keys = identityColumns(this.#task.entity.table).map((_, i) => keyName(i))
    const list = keys.join(', ')
    const scored = `SELECT ${list}, n AS o, false AS x FROM scored`
    const union = withPopulation
      ? `${scored} UNION ALL SELECT ${list}, e + 1000000000 AS o, true AS x FROM cand`
      : scored
    return `n0 AS MATERIALIZED (SELECT (pg_catalog.row_number() OVER (ORDER BY pg_catalog.min(o)) - 1)::pg_catalog.int4 AS k, ${list}, pg_catalog.min(o) FILTER (WHERE x) AS e FROM (${union}) s GROUP BY ${list})`
  }

  anchors(): string {
    const { start, end } = this.#list.window!
    const year = this.#params.interval({ months: 12, days: 0, microseconds: 0n })
    const us = (t: string) => `pg_catalog.round((pg_catalog.date_part('epoch', ${t}) - 946684800) * 1000000)`
    const lo = start ? `at + ${this.#params.interval(start)}` : 'at'
    const hi = `at + ${this.#params.interval(end)}`
    const times = [lo, hi, `${lo} - ${year}`, `${hi} - ${year}`].map(us).join(', ')
    const fields = this.#fields({
      k: 'pg_catalog.array_agg(i ORDER BY i)',
      t: 'pg_catalog.array_agg(at ORDER BY i)',
      v: `pg_catalog.array_agg(ARRAY[${times}] ORDER BY i)`,
    })
    return `${fields} FROM a`
  }

  constants(): string {
    const asked = this.#task.ids.kind === 'each' ? '-1' : '(SELECT pg_catalog.count(*) FROM wanted)'
    return this.#fields({ k: 'ARRAY[0]', v: `ARRAY[ARRAY[(${asked})::pg_catalog.float8]]` })
  }

  population(): string {
    return `${this.#fields({ k: 'pg_catalog.array_agg(k ORDER BY e)' })} FROM n0 WHERE e IS NOT NULL HAVING pg_catalog.count(*) > 0`
  }

  examples(): string {
    const on = this.#sameIdentity('c', 'n')
    const fields = this.#fields({ k: 'pg_catalog.array_agg(k)', c: 'pg_catalog.array_agg(ARRAY[i])' })
    return (
      `${fields} FROM (SELECT n.k, s.i FROM kept s JOIN cand c ON c.e = s.e JOIN n0 n ON ${on} ORDER BY s.i, c.h, c.e) p ` +
      'HAVING pg_catalog.count(*) > 0'
    )
  }

  scored(): string {
    const { table, key } = this.#task.entity
    const identity = identityColumns(table)
    const keys = key.map(column => keyName(identity.indexOf(column)))
    const fields = this.#fields({
      k: 'pg_catalog.array_agg(k)',
      c: 'pg_catalog.array_agg(ARRAY[n::pg_catalog.int4])',
      keys: keys.map(k => `pg_catalog.array_agg(${k})`),
    })
    return (
      `${fields} FROM (SELECT n.k, ${keys.map(k => `s.${k}`).join(', ')}, s.n, s.n / ${KEYS_PER_ROW} AS b FROM scored s ` +
      `JOIN n0 n ON ${this.#sameIdentity('s', 'n')} ORDER BY s.n) p GROUP BY b`
    )
  }

  #sameIdentity(one: string, other: string): string {
    const identity = identityColumns(this.#task.entity.table)
    return identity.map((_, i) => `${one}.${keyName(i)} = ${other}.${keyName(i)}`).join(' AND ')
  }

  rows(): string {
    const { table, column, path } = this.#list
    const up = column.up.map(step => step.link)
    // a row is no older than what it refers to on the way to its entity and to its item
    const down = path.map(step => step.link).reverse()
    const through = [...down.slice(0, -1).map((_, i) => down.slice(0, i + 1)), ...up.map((_, i) => up.slice(0, i + 1))]
    const rows = new RowSource(table, 'r', this.#anchor, through)
    const time = rows.time()
    const { from, item } = itemOf(column, rows)
    const filter = filterSql(this.#list, rows, this.#params)
    const on = joinEntity([...down].reverse(), rows, 'n')
    const conditions = [rows.atMost(this.#anchor), `${item} IS NOT NULL`, ...visibleItems(column, rows)]
    const passes = filter === null ? '1' : `COALESCE((${filter})::pg_catalog.int4, 0)`
    const inner = `SELECT n.k, ${time} AS t, ${passes} AS c, ${item} AS item FROM ${rows.from} JOIN n0 n ON ${on}${from} WHERE ${conjunction(conditions)}`
    const fields = this.#fields({
      k: 'pg_catalog.array_agg(k)',
      t: 'pg_catalog.array_agg(t)',
      c: 'pg_catalog.array_agg(ARRAY[c])',
      items: `pg_catalog.array_agg(${this.#alike('item')})`,
    })
    return `${fields} FROM (${inner}) s GROUP BY k / ${KEYS_PER_ROW}`
  }

  /** Items are told apart by their bytes: values that are equal, as 1.0 and 1.00, must have the same. */
  #alike(item: string): string {
    const { type, typeName } = itemColumn(this.#task)
    const { baseType } = this.#list.column.column
    if (type === OID.numeric || baseType === OID.numeric) return `pg_catalog.trim_scale(${item})::${typeName}`
    const floats: readonly number[] = [OID.float4, OID.float8]
    return floats.includes(type) || floats.includes(baseType) ? `(${item} + 0)::${typeName}` : item
  }

  /** Items of their own table by `point`, newest first; null where items are values and no rows. */
  items(point: Point): string | null {
    const { column } = this.#list.column
    const link = itemLinks(this.#list.column).find(({ columns }) => columns.length === 1)
    if (!link) return null
    const rows = new RowSource(link.to, 'i', point)
    const key = rows.own(link.toColumns[0]!)
    const order = rows.dated ? `${rows.time()} DESC, ${key}` : key
    const visible = rows.dated ? rows.atMost(point) : 'true'
    const inner = `SELECT ${key}::${column.typeName} AS item FROM ${rows.from} WHERE ${visible} ORDER BY ${order} LIMIT ${MOST_ITEMS}`
    return `${this.#fields({ items: `pg_catalog.array_agg(${this.#alike('item')})` })} FROM (${inner}) s HAVING pg_catalog.count(*) > 0`
  }
}
