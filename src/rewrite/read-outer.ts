// What is to be known of an outer SQL before it is planned, read once from its tree.

import { PgError } from '../pg-error.js'
import { type FirstRows, firstRows } from './first-rows.js'
import { statementsOf } from './locate.js'
import type { Node } from './node.js'
import {
  type Carriage,
  carriageOf,
  isBulk,
  isHeaded,
  isRowByRow,
  mayFailLate,
  needsBlock,
  targetOf,
  unreadParams,
} from './outer-rules.js'
import { moved } from './questions.js'
import type { SegmentText } from './segment-text.js'
import type { Target } from './views/tags.js'

/** What the tree of an outer statement decides. */
export interface Outer {
  readonly carriage: Carriage
  /** Parameters whose values nobody reads. */
  readonly unread: ReadonlySet<number>
  readonly needsBlock: boolean
  readonly bulk: boolean
  readonly mayFailLate: boolean
  /** What a LIMIT leaves of the answers, by their first parameter. */
  readonly first: ReadonlyMap<number, FirstRows>
  readonly rowByRow: boolean
  readonly headed: boolean
  /** The view or table that it makes. */
  readonly target: Target | null
}

/** What the outer SQL's tree says of it. */
export const readOuter = async (outer: SegmentText, first: Node): Promise<Outer> => {
  try {
    const [statement] = await statementsOf(outer.text, offset => outer.toSource(offset) === null)
    return {
      carriage: carriageOf(statement, first.start),
      unread: unreadParams(statement),
      needsBlock: needsBlock(statement),
      bulk: isBulk(statement),
      mayFailLate: mayFailLate(statement),
      first: firstRows(statement),
      rowByRow: isRowByRow(statement),
      headed: isHeaded(statement),
      target: targetOf(statement),
    }
  } catch (error) {
    if (!(error instanceof PgError) || error.position === undefined || error.code !== '42601') throw error
    throw moved(error, offset => outer.toSource(offset) ?? first.start)
  }
}
