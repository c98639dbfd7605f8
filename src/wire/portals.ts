// The client's portals whose answers are still being made: the server has a portal of their name with a part of the rows.

import type { Parts, Plan } from '../rewrite/plan.js'
import type { Execution } from './intercept/execution.js'
import type { Lease } from './intercept/lease.js'
import type { Bind } from './messages/bind.js'

export interface Unfinished {
  readonly plan: Plan
  /** As the client bound it. */
  readonly bind: Bind
  readonly parts: Parts
  readonly lease: Lease
  /** What the server has been sent of it. */
  execution: Execution
  /** Whether the part that the server has is the last one. */
  last: boolean
  /** Rows of that part which the client has. */
  fetched: number
}

export class Portals {
  readonly #unfinished = new Map<string, Unfinished>()

  get empty(): boolean {
    return this.#unfinished.size === 0
  }

  find(name: string): Unfinished | undefined {
    return this.#unfinished.get(name)
  }

  all(): Unfinished[] {
    return [...this.#unfinished.values()]
  }

  add(portal: Unfinished): void {
    this.#unfinished.set(portal.bind.portal, portal)
  }

  /** It is the server's alone from now on; whatever is still to be made of it is not made. */
  release(name: string): void {
    this.#unfinished.get(name)?.parts.close()
    this.#unfinished.delete(name)
  }

  /** None of them exists any more. */
  clear(): void {
    for (const name of this.#unfinished.keys()) this.release(name)
  }
}
