// Labelled examples from the past, in SQL: the query replayed at earlier anchors whose windows have closed, and a reference population.

import type { Link } from '../../pql/catalog.js'
import { walkAggregates } from '../../pql/index.js'
import type { Aggregate, Condition, Operand, Task } from '../../pql/task.js'
import type { Grid } from './anchors.js'
import { classesCtes, labelSql, labelsSql } from './classes.js'
import { conditionSql, withEmptyValue } from './conditions.js'
import { activityOf, keptSql, liveSql, MEMORY_JOINS, memoryCtes, memoryOf, thinningCte } from './dormant.js'
import { drawSql } from './draw.js'
import { conjuncts, demandsRows, driverOf } from './driver.js'
import { conjunction, identityColumns, keyName, type Point, RowSource } from './rows.js'
import { identifier, OID, type SqlParams, timestamp } from './sql.js'
import { stepAggregates } from './steps.js'
import { targetAggregates } from './target-rows.js'
import { windowCtes } from './windows.js'

/** Entities a context is drawn from; a table with more is sampled by a hash of key and seed. */
const MOST_CANDIDATES = 20_000
/** Pairs tried where no condition narrows them. */
const MOST_PAIRS = 400_000
const REFERENCE_ROWS = 500

export interface ContextSize {
  /** Rows taken newest first. */
  readonly newest: number
  /** Rows drawn from all that are older. */
  readonly older: number
}

/**
 * CTEs `a` (anchors), `cand`, one g<i> an aggregate, `kept(e, i, label, w)` and `ref(e)`: e is a candidate's number, i an anchor's index as in the
 * `anchors` part, w how many examples one stands for: 1, unless dormant entities are to be thinned out (`thin`). Expects the parameter list of anchors in `anchors` (timestamptz[]).
 */
export function contextCtes(
  task: Task,
  grid: Grid,
  size: ContextSize,
  seed: number,
  params: SqlParams,
  thin = false,
): string[] {
  return new ContextSql(task, grid, size, seed, params, thin).ctes()
}

class ContextSql {
  readonly #task: Task
  readonly #grid: Grid
  readonly #size: ContextSize
  readonly #seed: number
  readonly #params: SqlParams
  /** The cell's start: what a context shows of a value must not depend on which of the cell's anchors came first. */
  readonly #latest: Point
  readonly #groups = new Map<Aggregate, string>()
  /** Of a forecast, the target over each window that is learnt; none otherwise. */
  readonly #steps: readonly Aggregate[]
  /** What tells live examples from dormant ones; null where those are not thinned out. */
  readonly #activity: Aggregate | null

  constructor(task: Task, grid: Grid, size: ContextSize, seed: number, params: SqlParams, thin: boolean) {
    this.#task = task
    this.#grid = grid
    this.#size = size
    this.#seed = seed
    this.#params = params
    this.#steps = task.kind === 'forecast' ? stepAggregates(task) : []
    this.#activity = thin ? activityOf(task, this.#steps[0] ?? null) : null
    const cell = params.text(OID.timestamptz, timestamp(grid.cell))
    this.#latest = { timestamptz: cell, timestamp: `${cell}::pg_catalog.timestamp` }
  }

  ctes(): string[] {
    const { where, assuming } = this.#task
    const out = this.#candidates()
    for (const a of new Set(this.#aggregates())) {
      const name = `g${this.#groups.size + 1}`
      this.#groups.set(a, name)
      const links = a.path.map(step => step.link)
      out.push(...windowCtes(a, name, this.#grid, this.#latest, rows => joinEntity(links, rows, 'c'), this.#params))
    }
    const exists = this.#existence()
    if (exists) out.push(exists)
    if (this.#activity) {
      const horizon = this.#params.interval(this.#task.horizon!)
      out.push(...memoryCtes(this.#groups.get(this.#activity)!, horizon, memoryOf(this.#task, this.#params)))
    }
    const temporal = conjuncts(where).filter(isTemporal)
    out.push(`labelled AS MATERIALIZED (${this.#labelled(temporal, assuming)})`)
    const { newest, older } = this.#size
    if (this.#activity) out.push(thinningCte(newest + older))
    const drawn = this.#activity
      ? `SELECT e, i, h, label, CASE WHEN live THEN 1 ELSE k END AS w FROM labelled, thinning WHERE ${keptSql('live', 'h', 'i')}`
      : 'SELECT e, i, h, label, 1 AS w FROM labelled'
    const order = `i, pg_catalog.hashint8extended(h, i), e`
    out.push(`ranked AS (SELECT *, pg_catalog.row_number() OVER (ORDER BY ${order}) AS r FROM (${drawn}) s)`)
    out.push(
      `kept AS MATERIALIZED (SELECT e, i, label, w FROM ranked WHERE r <= ${newest} UNION ALL (SELECT e, i, label, w FROM ranked WHERE r > ${newest} ORDER BY pg_catalog.hashint8extended(h, i + 1000003), e, i LIMIT ${older}))`,
    )
    out.push(...classesCtes(this.#task))
    out.push(`ref AS MATERIALIZED (${this.#reference(temporal)})`)
    return out
  }

  /** Every aggregate whose value at the context's anchors is needed, the cohort's recency included. */
  #aggregates(): Aggregate[] {
    const { where, assuming, target } = this.#task
    return [
      ...(this.#steps.length > 0 ? this.#steps : walkAggregates(target)),
      ...(where ? walkAggregates(where) : []),
      ...(assuming ? walkAggregates(assuming) : []),
      ...(this.#activity ? [this.#activity] : []),
    ]
  }

  #candidates(): string[] {
    const { table, key } = this.#task.entity
    const rows = new RowSource(table, 'x', this.#latest)
    const keys = identityColumns(table)
      .map((c, i) => `${rows.own(c)} AS ${keyName(i)}`)
      .join(', ')
    const text =
      key.length === 1
        ? `${rows.own(key[0]!)}::pg_catalog.text`
        : `ROW(${key.map(c => rows.own(c)).join(', ')})::pg_catalog.text`
    const filters = [
      ...(rows.dated ? [rows.atMost(this.#latest)] : []),
      ...conjuncts(this.#task.where)
        .filter(c => !isTemporal(c))
        .map(c => conditionSql(c, o => columnOperand(o, rows), this.#params)),
    ]
    const end = table.columns.find(c => c.tag === 'end')
    const columns = [
      keys,
      `pg_catalog.hashtextextended(${text}, ${this.#params.text(OID.int8, String(this.#seed))}) AS h`,
      `${rows.time()} AS born`,
      `${end ? `${rows.own(end)}::pg_catalog.timestamptz` : 'NULL::pg_catalog.timestamptz'} AS died`,
    ].join(', ')
    const { ctes, sql } = drawSql({
      table,
      latest: this.#latest,
      wanted: MOST_CANDIDATES,
      seed: this.#seed,
      select: (from, more, condition) =>
        `SELECT ${columns}${more} FROM ${rows.from}${from} WHERE ${conjunction([...filters, condition])}`,
      order: 'h',
    })
    const names = key.map((_, i) => keyName(i)).join(', ')
    return [
      ...ctes,
      `cand AS MATERIALIZED (SELECT pg_catalog.row_number() OVER (ORDER BY h, ${names}) AS e, s.* FROM (${sql}) s)`,
    ]
  }

  #labelled(where: readonly Condition[], assuming: Condition | null): string {
    const driver = driverOf(this.#task)
    const value = this.#values(driver)
    const label = this.#steps.length > 0 ? labelsSql(this.#steps, value) : labelSql(this.#task, value, this.#params)
    const base = driver
      ? `${this.#groups.get(driver)!} p JOIN a ON a.i = p.i JOIN cand c ON c.e = p.e`
      : `cand c JOIN a ON a.i <= 2 + GREATEST(12, ${MOST_PAIRS} / GREATEST(1, (${this.#population()})))`
    const joins = [...this.#groups]
      .filter(([a]) => a !== driver)
      .map(([, g]) => `LEFT JOIN ${g} ON ${g}.e = c.e AND ${g}.i = a.i`)
    const conditions = [
      'a.i >= 2',
      'c.born <= a.at',
      '(c.died IS NULL OR c.died > a.at)',
      ...where.map(c => conditionSql(c, value, this.#params)),
    ]
    if (assuming) conditions.push(conditionSql(assuming, value, this.#params))
    if (this.#needsExistence()) conditions.push('first.t <= a.at')
    const first = this.#needsExistence() ? 'JOIN first ON first.e = c.e' : ''
    const live = this.#activity
      ? `, ${liveSql(this.#born())} AS live, ${this.#groups.get(this.#activity)}.v IS NOT NULL AS woke`
      : ''
    const memory = this.#activity ? MEMORY_JOINS : ''
    return `SELECT * FROM (SELECT c.e, a.i, c.h, ${label} AS label${live} FROM ${base} ${joins.join(' ')} ${first} ${memory} WHERE ${conjunction(conditions)}) s WHERE label IS NOT NULL`
  }

  /** How many candidates there were by the cell's start. */
  #population(): string {
    if (!this.#needsExistence()) return 'SELECT pg_catalog.count(*) FROM cand'
    return `SELECT pg_catalog.count(*) FROM first WHERE t <= ${this.#latest.timestamptz}`
  }

  /** A sample of the population at the cell's start: whom the scored entities are ranked among. */
  #reference(where: readonly Condition[]): string {
    const value = this.#values(null)
    const joins = [...this.#groups].map(([, g]) => `LEFT JOIN ${g} ON ${g}.e = c.e AND ${g}.i = a.i`)
    const conditions = [
      'c.born <= a.at',
      '(c.died IS NULL OR c.died > a.at)',
      ...where.map(c => conditionSql(c, value, this.#params)),
    ]
    if (this.#task.assuming) conditions.push(`EXISTS (${this.#recent()})`)
    if (this.#needsExistence()) conditions.push('first.t <= a.at')
    const first = this.#needsExistence() ? 'JOIN first ON first.e = c.e' : ''
    if (this.#activity) conditions.push(keptSql(liveSql(this.#born()), 'c.h', 'a.i'))
    const memory = this.#activity ? `${MEMORY_JOINS} CROSS JOIN thinning` : ''
    return `SELECT c.e FROM cand c JOIN a ON a.i = 1 ${joins.join(' ')} ${first} ${memory} WHERE ${conjunction(conditions)} ORDER BY c.h, c.e LIMIT ${REFERENCE_ROWS}`
  }

  /** With ASSUMING, the cohort is who had a row of the target's table within a year, or three horizons where that is longer. */
  #recent(): string {
    const a = targetAggregates(this.#task)[0]!
    const rows = new RowSource(a.table, 'q')
    const join = joinEntity(
      a.path.map(s => s.link),
      rows,
      'c',
    )
    const back = memoryOf(this.#task, this.#params)
    const lower: Point = { timestamptz: `a.at - ${back}`, timestamp: `a.ts - ${back}` }
    const upper: Point = { timestamptz: 'a.at', timestamp: 'a.ts' }
    const conditions = conjunction([join, rows.after(lower), rows.atMost(upper)])
    return `SELECT 1 FROM ${rows.from} WHERE ${conditions}`
  }

  /** An undated entity exists from its first row in a dated child; ASSUMING, or a WHERE that demands past rows, selects it by itself. */
  #needsExistence(): boolean {
    const { entity, assuming, where } = this.#task
    if (entity.table.time.kind !== 'static' || assuming) return false
    if (conjuncts(where).some(c => demandsRows(c) !== null)) return false
    return datedChildren(this.#task).length > 0
  }

  #existence(): string | null {
    if (!this.#needsExistence()) return null
    const each = datedChildren(this.#task).map(link => {
      const rows = new RowSource(link.from, 'r')
      const join = joinEntity([link], rows, 'c')
      return `SELECT c.e, pg_catalog.min(${rows.time()}) AS t FROM ${rows.from} JOIN cand c ON ${join} GROUP BY c.e`
    })
    return `first AS MATERIALIZED (SELECT e, pg_catalog.min(t) AS t FROM (${each.join(' UNION ALL ')}) s GROUP BY e)`
  }

  /** Since when a candidate is there. */
  #born(): string {
    return this.#needsExistence() ? 'first.t' : 'c.born'
  }

  /** Values of aggregates from their groups; the driver's stand in the base rows, `p`. */
  #values(driver: Aggregate | null): (o: Operand) => string {
    return o => {
      if (o.kind !== 'aggregate') throw new Error('a column of the entity stands in a temporal condition')
      return withEmptyValue(o, `${o === driver ? 'p' : this.#groups.get(o)!}.v`)
    }
  }
}

/** Dated children of the entity table: whose first row makes an undated entity exist. */
export function datedChildren(task: Task): Link[] {
  return task.entity.table.children.filter(l => new RowSource(l.from, 'r').dated)
}

/** `rows`, reached down `path`, belongs to the row of the path's first table that `alias` holds the identity columns of. */
export function joinEntity(path: readonly Link[], rows: RowSource, alias: string): string {
  const child = rows.parent([...path].reverse().slice(0, -1))
  const link = path[0]!
  const identity = identityColumns(link.to)
  return link.columns
    .map((c, i) => `${child}.${identifier(c.name)} = ${alias}.${keyName(identity.indexOf(link.toColumns[i]!))}`)
    .join(' AND ')
}

/** The aggregate's window around anchor row `a`, in the types of its time columns. */
export function windowSql(
  a: Aggregate,
  rows: RowSource,
  params: SqlParams,
  point: Point = { timestamptz: 'a.at', timestamp: 'a.ts' },
): string {
  const window = a.window
  if (!window) return 'true'
  const moved = (by: string): Point => ({
    timestamptz: `${point.timestamptz} + ${by}`,
    timestamp: `(${point.timestamptz} + ${by})::pg_catalog.timestamp`,
  })
  const upper = rows.atMost(moved(params.interval(window.end)))
  return window.start === null ? upper : `${upper} AND ${rows.after(moved(params.interval(window.start)))}`
}

const isTemporal = (c: Condition): boolean => [...walkAggregates(c)].length > 0

function columnOperand(o: Operand, rows: RowSource): string {
  if (o.kind === 'aggregate') throw new Error('an aggregate stands in a static condition')
  return rows.column(o)
}
