// What a session remembers from one message of its client's to the next: which of its statements and portals are ours to answer, what
// helper statements are prepared, and what it has been told.

import type { Plan } from '../rewrite/plan.js'
import type { Flow } from './flow.js'
import * as F from './messages/frontend.js'
import { portalName, statementName } from './messages/names.js'
import { Portals } from './portals.js'
import { PreparedCache } from './prepared-cache.js'
import { Statements } from './statements.js'

export class Memory {
  readonly statements: Statements
  readonly prepared = new PreparedCache()
  /** By portal: plans whose command has a tag of its own. */
  readonly tagged = new Map<string, Plan>()
  readonly portals = new Portals()
  /** Notices that are given once a session and have been. */
  readonly told = new Set<string>()

  constructor(flow: Flow) {
    this.statements = new Statements(flow)
  }

  /** No message that names a statement or a portal can be about one of ours. */
  get empty(): boolean {
    return this.statements.empty && this.tagged.size === 0 && this.portals.empty
  }

  /** Whether this message, of which at least the names are here, is about a statement or a portal of ours. */
  touches(message: Buffer): boolean {
    const statement = statementName(message)
    if (statement !== null && this.statements.mayHold(statement)) return true
    const portal = portalName(message)
    if (portal === null) return false
    // whatever runs may look at what is unfinished
    const runs = message[0] === F.EXECUTE && !this.portals.empty
    return runs || this.tagged.has(portal) || this.portals.find(portal) !== undefined
  }

  /** A command of this tag has taken away what it names. */
  command(tag: string): void {
    if (tag !== 'DISCARD ALL' && tag !== 'DEALLOCATE ALL') return
    this.statements.clear()
    this.prepared.clear()
    // a pooler's next client has heard nothing yet
    if (tag === 'DISCARD ALL') this.told.clear()
  }

  /** No transaction is open, so that the server has no portals of the protocol's any more. */
  transactionOver(): void {
    this.tagged.clear()
    this.portals.clear()
  }
}
