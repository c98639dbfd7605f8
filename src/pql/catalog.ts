// What a database looks like to the language: tables, columns, keys, links and time. Plain frozen data; `graph` fills it.

/** How a column's values may be used (DESIGN 2.14); domains count as their base type. */
export type TypeClass =
  | 'bool'
  | 'integer' // int2, int4, int8
  | 'number' // float4, float8, numeric, money
  | 'text' // text, varchar, char, name, citext
  | 'enum'
  | 'uuid'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'time'
  | 'interval'
  | 'array'
  | 'json'
  | 'other' // bytea, tsvector, xml, geometry, …: presence only

export interface Column {
  readonly attnum: number
  readonly name: string
  /** Its own type, a domain's included; the base type's oid is `baseType`. */
  readonly type: number
  readonly baseType: number
  /** `format_type`, schema-qualified where search_path would need it: safe to write after `::`. */
  readonly typeName: string
  /** The same with its length, as `character(2)`, where it has one: for those who look, never to cast to. */
  readonly declared?: string
  readonly typeClass: TypeClass
  /** oid of the type `typeName[]`; 0 where there is none. */
  readonly arrayType: number
  readonly notNull: boolean
  /** Labels of an enum in order, undefined otherwise. */
  readonly labels?: readonly string[]
  /** An index begins with it: the row where it is greatest is found without looking at others. */
  readonly ordered?: true
  /** What the user said in a comment or pgpredict.toml (DESIGN 2.13). */
  readonly tag?: 'time' | 'end' | 'exclude' | 'immutable' | 'class' | 'number'
}

/** A foreign key, declared or accepted: rows of `from` refer to rows of `to`. */
export interface Link {
  /** Stable within one Graph: its position in `graph.links`. */
  readonly id: number
  /** The constraint's name, or how the user declared it. */
  readonly name: string
  readonly from: Table
  readonly columns: readonly Column[]
  readonly to: Table
  readonly toColumns: readonly Column[]
  /** Every column of it is NOT NULL. */
  readonly notNull: boolean
  /** An index of `from` leads with these columns. */
  readonly indexed: boolean
  readonly declared: boolean
}

/** Where a row's time comes from (DESIGN 2.6). */
export type TimeSource =
  | { readonly kind: 'own'; readonly column: Column }
  /** The latest among the parents reached by these not-null links, each dated itself. */
  | { readonly kind: 'inherited'; readonly through: readonly Link[] }
  | { readonly kind: 'static' }

export interface Table {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'partitioned' | 'view' | 'materialized view' | 'foreign'
  /** Only the columns the current role may SELECT. */
  readonly columns: readonly Column[]
  /** Primary key, or the unique not-null index or tag that stands for it. */
  readonly key: readonly Column[] | null
  /** The key is the user's word alone: no unique index stands behind it. */
  readonly keyOnTrust?: boolean
  readonly time: TimeSource
  /** Foreign keys of this table, and foreign keys that point at it. */
  readonly parents: readonly Link[]
  readonly children: readonly Link[]
  /** On search_path, so that its bare name finds it. */
  readonly visible: boolean
  /** Planner's estimate; for reports only, never for an answer. */
  readonly estimatedRows: number
  /** False where nothing read from it may outlive the statement: row-level security applies, view, foreign, temporary. */
  readonly cacheable: boolean
}

export interface Catalog {
  readonly tables: readonly Table[]
  readonly links: readonly Link[]
}
