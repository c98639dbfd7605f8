// A database as one role sees it: the language's catalog, and what it takes to know when it is out of date.

import type { Notice } from '../../pg-error.js'
import type { Catalog } from '../../pql/catalog.js'

export interface Graph extends Catalog {
  readonly database: { readonly oid: number; readonly name: string }
  /** current_user when it was read. */
  readonly role: { readonly oid: number; readonly name: string }
  /** server_version_num. */
  readonly version: number
  /** Hex digest of all that is in the graph, oids and names included: equal exactly where two graphs are the same. A cache key, never a seed. */
  readonly fingerprint: string
  /** State of the system catalogs that the graph was read from; see SessionFacts.token. */
  readonly token: string
  /** Declarations that name nothing, time columns that could not be told: for the start-up report. */
  readonly warnings: readonly Notice[]
  /** Those among them about what is declared of a table: for whoever asks about it, too, since they may have just declared it. */
  readonly ignored: readonly Ignored[]
  /** Tables whose time column was told from few rows or could not be told: their oids and sizes then. More rows may change the answer. */
  readonly unsettled: ReadonlyMap<number, number>
}

export interface Ignored extends Notice {
  /** The table's name without its schema. */
  readonly relation: string
}

/** SQLSTATE of every warning of a graph. */
export const graphWarning = '01PQ6'

export function warning(message: string, detail?: string, hint?: string): Notice {
  return { severity: 'WARNING', code: graphWarning, message, detail, hint }
}
