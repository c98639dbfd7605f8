// What is proposed for a table: a key, links, and columns that may be declared NOT NULL, each with the evidence for it.

import type { Column, Table } from '../../pql/catalog.js'
import type { Containment } from './proposals-sql.js'

export interface ProposedKey {
  readonly columns: readonly Column[]
  /** `unique in all 1204 rows`. */
  readonly evidence: string
}

export interface ProposedLink extends Containment {
  /** `1000 of 1000 distinct values found`. */
  readonly evidence: string
  /** Every sampled value was found: a constraint can be validated as far as known. */
  readonly complete: boolean
}

/** What to add to one table; empty ones are not listed. */
export interface ProposedTable {
  readonly table: Table
  /** Its present comment, which a new one must keep. */
  readonly comment: string | null
  readonly key: ProposedKey | null
  readonly links: readonly ProposedLink[]
  /** Nullable columns without a NULL that its time hangs on; only where a key was lost too. */
  readonly notNull: readonly Column[]
}
