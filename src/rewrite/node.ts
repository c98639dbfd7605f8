// A PREDICT within a statement: where it stands, and what takes its place.

import type { OptionSyntax } from '../pql/ast.js'
import type { KeyExpression } from './correlate.js'

/** What of a prediction a scalar shows. */
export type Facet = 'value' | 'probability' | 'interval'

export interface Node {
  readonly form: 'statement' | 'table' | 'function' | 'scalar'
  /** What the outer SQL replaces, UTF-16 offsets in the client's text: for a table expression, what stands between the parentheses. */
  readonly start: number
  readonly end: number
  /** The PREDICT, for the language's parser. */
  readonly pql: string
  /** Offset in the client's text of an offset in `pql`, or of a span of `options`. */
  readonly toClient: (offset: number) => number
  /** From named arguments of the function form. */
  readonly options: readonly OptionSyntax[]
  /** A function without an alias is named after itself; what takes its place is not. */
  readonly alias: string | null
  /** Expressions of the query around that say which row is meant; null: all rows. */
  readonly keys: readonly KeyExpression[] | null
  /** Those differ from row to row, so that the language has read FOR EACH in their place. */
  readonly varies: boolean
  /** What a scalar shows. */
  readonly facet: Facet | null
  /** SQL for the value whose probability it is; null: the value predicted, or true. */
  readonly ofClass: { readonly start: number; readonly end: number } | null
}

/** A node whose PQL stands in the client's text as it is. */
export const nodeOf = (form: Node['form'], text: string, start: number, end: number): Node => ({
  form,
  start,
  end,
  pql: text.slice(start, end),
  toClient: offset => start + offset,
  options: [],
  alias: null,
  keys: null,
  varies: false,
  facet: null,
  ofClass: null,
})
