// The syntax tree of one PREDICT, as written: names unresolved, constants untyped, every node with its place in the text.

export interface Span {
  /** UTF-16 offsets in the PQL text. */
  readonly start: number
  readonly end: number
}

/** A Postgres interval, in its own three parts: never collapsed, since a month and a day have no fixed length. */
export interface Interval {
  readonly months: number
  readonly days: number
  readonly microseconds: bigint
}

export interface Name extends Span {
  /** After folding: lower case unless quoted. */
  readonly text: string
  readonly quoted: boolean
}

/** `a.b`, `schema.table.column`, `table.*`, `results.raceid->circuitid`. */
export interface ColumnName extends Span {
  readonly parts: readonly Name[]
  readonly star: boolean
  /** Names after each `->`. */
  readonly arrows: readonly Name[]
}

/** `cast` is the type name after `::`, lower case and single-spaced; absent where there is none. */
export type Constant = Span &
  (
    | { readonly kind: 'null' }
    | { readonly kind: 'bool'; readonly value: boolean }
    | { readonly kind: 'number'; readonly text: string; readonly cast?: string }
    | { readonly kind: 'string'; readonly text: string; readonly cast?: string }
    /** Bare 2024-01-31 [12:45:30], or DATE/TIMESTAMP/TIMESTAMPTZ/INTERVAL '…'. */
    | {
        readonly kind: 'typed'
        readonly type: 'date' | 'timestamp' | 'timestamptz' | 'interval'
        readonly text: string
      }
    /** $n of the client's statement. */
    | { readonly kind: 'param'; readonly index: number; readonly cast?: string }
  )

export type AggregateName =
  | 'COUNT'
  | 'SUM'
  | 'AVG'
  | 'MIN'
  | 'MAX'
  | 'COUNT_DISTINCT'
  | 'FIRST'
  | 'LAST'
  | 'LIST_DISTINCT'

/** $n where its value is needed to know what is asked: it comes with the client's parameters. */
export interface Late extends Span {
  readonly param: number
  readonly cast?: string
}

/** A bound that is so many of a unit, or an interval. */
export interface LateBound extends Late {
  readonly negative: boolean
  readonly unit: Interval
}

export interface WindowSyntax extends Span {
  /** Bounds relative to the anchor; null: -INF. */
  readonly from: Interval | LateBound | null
  readonly to: Interval | LateBound
}

export interface AggregateSyntax extends Span {
  readonly kind: 'aggregate'
  readonly name: AggregateName
  readonly column: ColumnName
  /** Foreign-key column named by VIA. */
  readonly via: Name | null
  readonly where: Syntax | null
  readonly window: WindowSyntax | null
}

export interface ColumnSyntax extends Span {
  readonly kind: 'column'
  readonly column: ColumnName
}

export type CompareOp = '=' | '<>' | '<' | '<=' | '>' | '>='
export type MatchOp = 'LIKE' | 'ILIKE' | 'CONTAINS' | 'STARTS WITH' | 'ENDS WITH'

export type OperandSyntax = AggregateSyntax | ColumnSyntax

export type Syntax =
  | OperandSyntax
  | (Span & { readonly kind: 'and' | 'or'; readonly items: readonly Syntax[] })
  | (Span & { readonly kind: 'not'; readonly item: Syntax })
  | (Span & {
      readonly kind: 'compare'
      readonly op: CompareOp
      readonly left: OperandSyntax
      readonly right: Constant
    })
  | (Span & {
      readonly kind: 'in'
      readonly negated: boolean
      readonly left: OperandSyntax
      readonly items: readonly Constant[]
    })
  /** `x = ANY($1)`. */
  | (Span & { readonly kind: 'any'; readonly negated: boolean; readonly left: OperandSyntax; readonly array: Constant })
  | (Span & {
      readonly kind: 'between'
      readonly negated: boolean
      readonly left: OperandSyntax
      readonly low: Constant
      readonly high: Constant
    })
  | (Span & {
      readonly kind: 'is'
      readonly negated: boolean
      readonly left: OperandSyntax
      readonly value: 'null' | 'true' | 'false'
    })
  | (Span & {
      readonly kind: 'match'
      readonly negated: boolean
      readonly op: MatchOp
      readonly left: OperandSyntax
      readonly pattern: Constant
    })

export type TaskSyntax =
  | (Span & { readonly kind: 'forecast'; readonly steps: number | Late })
  | (Span & { readonly kind: 'rank'; readonly top: number | Late })
  | (Span & { readonly kind: 'classify' })

export type IdsSyntax =
  | { readonly kind: 'each' }
  /** One row an entity; one constant a key column. */
  | (Span & { readonly kind: 'list'; readonly rows: readonly (readonly Constant[])[] })
  | (Span & { readonly kind: 'any'; readonly array: Constant })
  /** The text between the parentheses of IN (SELECT …). */
  | (Span & { readonly kind: 'query'; readonly sql: string })
  /** FOR key > 3, which names no rows: for `check` to refuse, which knows how to. `at`: its operator. */
  | (Span & { readonly kind: 'condition'; readonly condition: Syntax; readonly at: Span })

export interface PredictSyntax extends Span {
  /** What was parsed; every span counts from its start. */
  readonly text: string
  readonly target: Syntax
  readonly alias: Name | null
  readonly task: TaskSyntax | null
  /** Key columns after FOR [EACH]: several for `t.(a, b)`, none where FOR is missing, which `check` refuses with the line to type. */
  readonly entity: readonly ColumnName[]
  readonly each: boolean
  readonly ids: IdsSyntax
  readonly where: Syntax | null
  readonly assuming: Syntax | null
  readonly asOf: AsOfSyntax
  readonly options: readonly OptionSyntax[]
  /** ORDER BY … / LIMIT … / OFFSET … / FETCH FIRST … after the clauses, verbatim; null where there is none. Statement form only. */
  readonly tail: (Span & { readonly sql: string }) | null
}

export type AsOfSyntax =
  | { readonly kind: 'default' }
  | (Span & { readonly kind: 'entity time' })
  | (Span & { readonly kind: 'constant'; readonly value: Constant })
  /** Any SQL expression, verbatim. */
  | (Span & { readonly kind: 'expression'; readonly sql: string })

export interface OptionSyntax extends Span {
  readonly name: Name
  readonly value: Constant
}
