// The client's prepared statements that hold a rewritten one. A change takes effect for the messages behind it at once, and is
// taken back when the server fails or skips the message that made it.

import type { Plan } from '../rewrite/plan.js'
import type { Handler } from './expected.js'
import type { Flow } from './flow.js'

interface Change {
  readonly name: string
  /** null: the name no longer holds a statement of ours. */
  readonly plan: Plan | null
  /** Syncs sent before it. */
  readonly syncs: number
}

export class Statements {
  readonly #confirmed = new Map<string, Plan>()
  readonly #pending: Change[] = []

  constructor(private readonly flow: Flow) {}

  /** True when no message of the client's can touch a rewritten statement. */
  get empty(): boolean {
    return this.#confirmed.size === 0 && this.#pending.length === 0
  }

  /** Whether `name` holds a rewritten statement, or held one before changes that may yet fail. */
  mayHold(name: string): boolean {
    return this.#confirmed.has(name) || this.#pending.some(change => change.name === name && change.plan !== null)
  }

  /** The rewritten statement that `name` holds for a message sent now, if the changes under way succeed. */
  find(name: string): Plan | null {
    const change = this.#lastChange(name)
    return change === undefined ? (this.#confirmed.get(name) ?? null) : change.plan
  }

  /** Whether a change under way may fail without failing a message sent now: there is a Sync between them. */
  unsettled(name: string): boolean {
    const change = this.#lastChange(name)
    return change !== undefined && change.syncs !== this.flow.syncs
  }

  /** Announces what a Parse or Close on its way upstream makes of `name`; its answers decide whether that holds. */
  change(name: string, plan: Plan | null, error?: (message: Buffer) => Buffer): Handler {
    const change: Change = { name, plan, syncs: this.flow.syncs }
    this.#pending.push(change)
    const drop = () => {
      const at = this.#pending.indexOf(change)
      if (at !== -1) this.#pending.splice(at, 1)
    }
    return {
      done: () => {
        drop()
        if (plan === null) this.#confirmed.delete(name)
        else this.#confirmed.set(name, plan)
      },
      error: message => {
        drop()
        // A Parse that fails leaves no unnamed statement behind.
        if (name === '') this.#confirmed.delete(name)
        return error === undefined ? message : error(message)
      },
      skipped: drop,
    }
  }

  #lastChange(name: string): Change | undefined {
    return this.#pending.findLast(change => change.name === name)
  }

  /** DISCARD ALL or DEALLOCATE ALL. */
  clear(): void {
    this.#confirmed.clear()
  }
}
