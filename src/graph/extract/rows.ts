// Rows of one table in a FROM clause: the parents its columns need, joined once each, and the time at which a row became true.

import type { Column, Link, Table } from '../../pql/catalog.js'
import type { ColumnRef, Step } from '../../pql/task.js'
import { identifier, tableName } from './sql.js'

/** One dated ancestor (or the row itself): an expression in the column's own type, so that indexes on it serve. */
interface Moment {
  readonly sql: string
  readonly type: 'timestamptz' | 'timestamp' | 'date'
}

/** A point in time in the three types a time column may have, as SQL expressions. */
export interface Point {
  readonly timestamptz: string
  readonly timestamp: string
}

export class RowSource {
  readonly alias: string
  readonly table: Table
  readonly #joins: string[] = []
  readonly #aliases = new Map<string, string>()
  #moments: readonly Moment[] | undefined
  /** Rows on the way up to the entity: a row is no older than they are. */
  readonly #through: readonly (readonly Link[])[]
  readonly #anchor: Point | null

  /** With `anchor`, a date or timestamp later than it reads as NULL in `column`. */
  constructor(table: Table, alias: string, anchor: Point | null = null, through: readonly (readonly Link[])[] = []) {
    this.table = table
    this.alias = alias
    this.#anchor = anchor
    this.#through = through
  }

  /** `schema.table AS r LEFT JOIN …`: complete only when every expression has been asked for. */
  get from(): string {
    return [`${tableName(this.table)} AS ${this.alias}`, ...this.#joins].join(' ')
  }

  /** The joins alone, for a FROM clause that starts elsewhere. */
  get joins(): string {
    return this.#joins.join(' ')
  }

  own(column: Column): string {
    return `${this.alias}.${identifier(column.name)}`
  }

  column(ref: ColumnRef): string {
    const { column } = ref
    const bare = `${this.parent(ref.up.map(step => step.link))}.${identifier(column.name)}`
    if (!this.#anchor || !['date', 'timestamp', 'timestamptz'].includes(column.typeClass)) return bare
    return `(CASE WHEN ${bare} <= ${pointAs({ sql: bare, type: momentType(column) }, this.#anchor)} THEN ${bare} END)`
  }

  steps(up: readonly Step[]): string {
    return this.parent(up.map(step => step.link))
  }

  /** Alias of the parent reached over these foreign keys, joined on first use; a missing parent leaves NULLs. */
  parent(links: readonly Link[]): string {
    let alias = this.alias
    let key = ''
    for (const link of links) {
      key += `>${link.id}`
      let next = this.#aliases.get(key)
      if (next === undefined) {
        next = `${this.alias}_${this.#aliases.size + 1}`
        this.#aliases.set(key, next)
        this.#joins.push(`LEFT JOIN ${tableName(link.to)} AS ${next} ON ${matches(link, alias, next)}`)
      }
      alias = next
    }
    return alias
  }

  /** Empty for a static table. */
  moments(): readonly Moment[] {
    this.#moments ??= [
      ...momentsOf(this.table, [], links => this.parent(links)),
      ...this.#through.flatMap(path => momentsOf(path.at(-1)!.to, path, links => this.parent(links))),
    ]
    return this.#moments
  }

  get dated(): boolean {
    return this.moments().length > 0
  }

  /** The row's time as timestamptz; '-infinity' where the table is static. NULL where any of its times is. */
  time(): string {
    const moments = this.moments()
    if (moments.length === 0) return `'-infinity'::pg_catalog.timestamptz`
    if (moments.length === 1) return asTimestamptz(moments[0]!)
    const all = moments.map(asTimestamptz)
    return `CASE WHEN pg_catalog.num_nulls(${all.join(', ')}) = 0 THEN GREATEST(${all.join(', ')}) END`
  }

  /** The row's time in the type that all its moments share, so that an index on the one column serves; timestamptz where they differ. Of a dated row alone. */
  commonTime(): Moment {
    const moments = this.moments()
    const type = moments[0]!.type
    if (moments.length === 1) return moments[0]!
    if (moments.some(m => m.type !== type)) return { sql: this.time(), type: 'timestamptz' }
    const all = moments.map(m => m.sql).join(', ')
    return { sql: `(CASE WHEN pg_catalog.num_nulls(${all}) = 0 THEN GREATEST(${all}) END)`, type }
  }

  /** time <= point; never true for a NULL time; always for a static row. */
  atMost(point: Point): string {
    return conjunction(this.moments().map(m => `${m.sql} <= ${pointAs(m, point)}`))
  }

  /** time > point: one of the row's times is later, and none is NULL (the caller's upper bound sees to that). */
  after(point: Point): string {
    const moments = this.moments()
    if (moments.length === 0) return 'false'
    return `(${moments.map(m => `${m.sql} > ${pointAs(m, point)}`).join(' OR ')})`
  }

  /** Time of a parent is not later than this row's own: only then may its columns be read with the row. */
  parentVisible(links: readonly Link[]): string | null {
    const target = links.at(-1)!.to
    const moments = momentsOf(target, links, path => this.parent(path))
    if (moments.length === 0) return null
    const time = this.time()
    return conjunction(moments.map(m => `${asTimestamptz(m)} <= ${time}`))
  }

  /** Primary key in order, for rows at one instant. */
  keyOrder(): string {
    return (this.table.key ?? this.table.columns).map(c => this.own(c)).join(', ') || '1'
  }
}

/** `child.fk = parent.key`, column by column. */
export function matches(link: Link, child: string, parent: string): string {
  return link.columns
    .map((c, i) => `${child}.${identifier(c.name)} = ${parent}.${identifier(link.toColumns[i]!.name)}`)
    .join(' AND ')
}

function momentsOf(table: Table, path: readonly Link[], alias: (links: readonly Link[]) => string): Moment[] {
  const time = table.time
  if (time.kind === 'static') return []
  if (time.kind === 'own')
    return [{ sql: `${alias(path)}.${identifier(time.column.name)}`, type: momentType(time.column) }]
  return time.through.flatMap(link => momentsOf(link.to, [...path, link], alias))
}

function momentType(column: Column): Moment['type'] {
  return column.typeClass === 'date' || column.typeClass === 'timestamp' ? column.typeClass : 'timestamptz'
}

const asTimestamptz = (m: Moment): string => (m.type === 'timestamptz' ? m.sql : `${m.sql}::pg_catalog.timestamptz`)

/** A date is its midnight: midnight <= x exactly when the date <= x's date, and midnight > x exactly when the date > x's date. */
function pointAs(m: Moment, point: Point): string {
  if (m.type === 'timestamptz') return point.timestamptz
  return m.type === 'timestamp' ? point.timestamp : `(${point.timestamp})::pg_catalog.date`
}

export const conjunction = (parts: readonly string[]): string => (parts.length === 0 ? 'true' : parts.join(' AND '))

/** The columns that rows are found by inside our CTEs: the key, then what other foreign keys refer to. */
export function identityColumns(table: Table): readonly Column[] {
  return [...new Set([...(table.key ?? []), ...table.children.flatMap(l => l.toColumns)])]
}

/** Name of the i-th identity column in our CTEs. */
export const keyName = (i: number): string => `k${i + 1}`
