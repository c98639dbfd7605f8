// One helper query on its way: takes the answers to its messages, so that the client sees none of them.

import type { Handler } from '../expected.js'
import * as B from '../messages/backend.js'
import { HEADER } from '../messages/header.js'
import { UpstreamError } from '../upstream-error.js'

export type OnRow = (payload: Buffer) => void | Promise<void>

export class HelperQuery implements Handler {
  #rows = 0
  #thrown: { readonly error: unknown } | null = null
  #over = false
  /** Set when nobody wants the rows any more. */
  deaf = false

  /** `messages`: how many messages of the query get an answer. `settle` is called once. */
  constructor(
    private messages: number,
    private readonly onRow: OnRow,
    private readonly settle: (outcome: { readonly rows: number } | { readonly error: unknown } | 'skipped') => void,
    private readonly failed: (error: UpstreamError) => void,
  ) {}

  take(type: number, message: Buffer): null | Promise<void> {
    if (type !== B.DATA_ROW || this.deaf) return null
    this.#rows++
    try {
      const pending = this.onRow(message.subarray(HEADER))
      return pending instanceof Promise ? pending.catch(error => this.#stop(error)) : null
    } catch (error) {
      this.#stop(error)
      return null
    }
  }

  done(): void {
    if (--this.messages === 0) this.#end(this.#thrown ?? { rows: this.#rows })
  }

  /** A FATAL error ends the session, so the client sees it as it is. */
  error(message: Buffer): Buffer | null {
    const error = UpstreamError.from(message)
    this.failed(error)
    this.#end({ error })
    return error.severity === 'FATAL' ? message : null
  }

  skipped(): void {
    this.#end('skipped')
  }

  #stop(error: unknown): void {
    this.deaf = true
    this.#thrown ??= { error }
  }

  #end(outcome: { readonly rows: number } | { readonly error: unknown } | 'skipped'): void {
    if (this.#over) return
    this.#over = true
    this.settle(outcome)
  }
}
