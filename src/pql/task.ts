// A checked PREDICT: names resolved against a Catalog, constants typed, the task known. What graph and infer work from.

import type { AggregateName, CompareOp, Constant, Interval, MatchOp, Span } from './ast.js'
import type { Column, Link, Table } from './catalog.js'

/** One crossing of a foreign key: down from the referenced row to the rows that refer to it, or up to the one referred to. */
export interface Step {
  readonly link: Link
  readonly direction: 'down' | 'up'
}

/** A column of the row at hand, or of a parent of it reached by going up. */
export interface ColumnRef {
  readonly kind: 'column'
  readonly up: readonly Step[]
  readonly table: Table
  readonly column: Column
}

/** Rows with anchor + start < time <= anchor + end; start null is unbounded. */
export interface Window {
  readonly start: Interval | null
  readonly end: Interval
}

export interface Aggregate {
  readonly kind: 'aggregate'
  readonly name: AggregateName
  /** From the entity table down to the table whose rows are aggregated; never empty. */
  readonly path: readonly Step[]
  readonly table: Table
  /** null for COUNT(t.*); its `up` starts at `table`. */
  readonly column: ColumnRef | null
  /** Over rows of `table`. */
  readonly filter: Condition | null
  /** null only for an aggregate over a static table. */
  readonly window: Window | null
  readonly span: Span
}

export type Operand = Aggregate | ColumnRef

/** A constant and the type it is read as: `typeName` is safe to write after `::`. */
export interface TypedConstant {
  readonly constant: Constant
  readonly typeName: string
  readonly type: number
}

/** Three-valued, as SQL. Inside a filter every operand is a ColumnRef. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly items: readonly Condition[] }
  | { readonly kind: 'not'; readonly item: Condition }
  | { readonly kind: 'compare'; readonly op: CompareOp; readonly left: Operand; readonly right: TypedConstant }
  | { readonly kind: 'in'; readonly negated: boolean; readonly left: Operand; readonly items: readonly TypedConstant[] }
  | { readonly kind: 'any'; readonly negated: boolean; readonly left: Operand; readonly array: TypedConstant }
  | {
      readonly kind: 'between'
      readonly negated: boolean
      readonly left: Operand
      readonly low: TypedConstant
      readonly high: TypedConstant
    }
  | {
      readonly kind: 'is'
      readonly negated: boolean
      readonly left: Operand
      readonly value: 'null' | 'true' | 'false'
    }
  | {
      readonly kind: 'match'
      readonly negated: boolean
      readonly op: MatchOp
      readonly left: Operand
      readonly pattern: TypedConstant
    }
  /** A bare boolean column. */
  | { readonly kind: 'truth'; readonly operand: ColumnRef }

export type Target =
  | { readonly kind: 'condition'; readonly condition: Condition }
  | { readonly kind: 'value'; readonly operand: Operand }

export type TaskKind = 'binary' | 'numeric' | 'multiclass' | 'classify' | 'rank' | 'forecast'

export type Ids =
  | { readonly kind: 'each' }
  | { readonly kind: 'list'; readonly rows: readonly (readonly TypedConstant[])[] }
  | { readonly kind: 'any'; readonly array: TypedConstant }
  /** In parts where it holds parameters of the client's. */
  | { readonly kind: 'query'; readonly sql: string | readonly (string | TypedConstant)[]; readonly span: Span }

export type AsOf =
  | { readonly kind: 'default' }
  | { readonly kind: 'entity time' }
  | { readonly kind: 'constant'; readonly value: TypedConstant }
  /** In parts likewise. */
  | { readonly kind: 'expression'; readonly sql: string | readonly (string | TypedConstant)[]; readonly span: Span }

export interface Options {
  readonly mode?: 'fast' | 'normal' | 'best'
  readonly seed?: number
  readonly contextSize?: number
  readonly hops?: number
  readonly statistic?: 'median' | 'mean'
  readonly task?: TaskKind
  /** Columns hidden from the model, or kept in spite of suspicion. */
  readonly exclude?: readonly ColumnRef[]
  readonly include?: readonly ColumnRef[]
  /** Values to suppose instead of the stored ones, as written. */
  readonly set?: string
  readonly explain?: boolean
  readonly timing?: boolean
  readonly embedding?: boolean
  readonly maxEntities?: number
}

export interface Task {
  readonly kind: TaskKind
  readonly steps?: number
  readonly top?: number
  readonly entity: { readonly table: Table; readonly key: readonly Column[] }
  readonly each: boolean
  readonly ids: Ids
  /** With FOR EACH: a condition on the key, SQL and its columns, that every row fulfils which anybody will look at. */
  readonly narrowed?: readonly (string | Column | TypedConstant)[]
  /** With FOR EACH: no more entities than these, by their keys, will be looked at; AS OF ENTITY TIME, of those that are answered. */
  readonly first?: number
  /** A condition may stand for its opposite: see `complement`. */
  readonly target: Target
  /** The question was about the opposite of the target: probabilities are to be taken from one. */
  readonly complement: boolean
  /** False for a static target: imputation of a column. */
  readonly temporal: boolean
  readonly where: Condition | null
  /** Where WHERE looks at columns behind a bare FOR EACH: the FOR that names the same rows and leaves the context whole; null where SQL cannot. */
  readonly selected: string | null
  readonly assuming: Condition | null
  readonly asOf: AsOf
  readonly options: Options
  /** PREDICT target AS name. */
  readonly alias: string | null
  /** The target's own width, (end - start) of its widest window: stride of the context anchors and unit of the features. null: static. */
  readonly horizon: Interval | null
  /** Largest end among target and ASSUMING: a window is closed when anchor + reach <= the query's anchor. null: static. */
  readonly reach: Interval | null
  /** Client parameters that the PQL text uses, with the type each is read as (the client's own declared type where it gave one). */
  readonly params: readonly { readonly index: number; readonly type: number; readonly typeName: string }[]
  /** Numbers of the parameters that decide what is asked, in the order in which the text names them: until their values are known, what they say is made up. */
  readonly late: readonly number[]
  /** Every aggregate in target, WHERE and ASSUMING, in order of appearance. */
  readonly aggregates: readonly Aggregate[]
  /** Text that two equal questions share: names folded and resolved, white space and clause order gone, constants spelled out, parameters as $n. Ids, tail and alias are no part of it. */
  readonly normalised: string
}

/** Output column names and types of a task, frozen by DESIGN 2.5; see columns.ts. */
export interface OutputColumn {
  readonly name: string
  readonly typeName: string
  readonly type: number
  /** The type as views and tables show it, where that has a length. */
  readonly declared?: string
  /** The type that its array has elements of, where those are cast to its own. */
  readonly element?: string
}
