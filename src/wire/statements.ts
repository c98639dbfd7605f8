// The client's prepared statements that hold a rewritten one. A change takes effect for the messages behind it at once, and is
// taken back when the server fails or skips the message that made it.

import type { Plan } from '../rewrite/plan.js'
import type { Handler } from './expected.js'

interface Change {
  readonly name: string
  /** null: the name no longer holds a statement of ours. */
  readonly plan: Plan | null
}

export class Statements {
  readonly #confirmed = new Map<string, Plan>()
  readonly #pending: Change[] = []

  /** True when no message of the client's can touch a rewritten statement. */
  get empty(): boolean {
    return this.#confirmed.size === 0 && this.#pending.length === 0
  }

  /** The rewritten statement that `name` holds for a message sent now. */
  find(name: string): Plan | null {
    for (let i = this.#pending.length - 1; i >= 0; i--) {
      if (this.#pending[i].name === name) return this.#pending[i].plan
    }
    return this.#confirmed.get(name) ?? null
  }

  /** Announces what a Parse or Close on its way upstream makes of `name`; its answers decide whether that holds. */
  change(name: string, plan: Plan | null, error?: (message: Buffer) => Buffer): Handler {
    const change: Change = { name, plan }
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

  /** DISCARD ALL or DEALLOCATE ALL. */
  clear(): void {
    this.#confirmed.clear()
  }
}
