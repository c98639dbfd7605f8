// One helper query on its way: takes the answers to its messages, so that the client sees none of them.

import type { Handler } from '../expected.js'
import { HEADER } from '../messages/header.js'
import { UpstreamError } from '../upstream-error.js'

export type OnRow = (payload: Buffer) => void | Promise<void>

export class HelperQuery implements Handler {
  #rows = 0
  #thrown: { readonly error: unknown } | null = null
  #over = false
  #deaf = false
  #release: () => void = () => {}

  /** `messages`: how many messages of the query get an answer; `wanted`: the type of those in it that `onRow` gets. `settle` is called once. */
  constructor(
    private messages: number,
    private readonly wanted: number,
    private readonly onRow: OnRow,
    private readonly settle: (outcome: { readonly rows: number } | { readonly error: unknown } | 'skipped') => void,
    private readonly failed: (error: UpstreamError) => void,
  ) {}

  take(type: number, message: Buffer): null | Promise<void> {
    if (type !== this.wanted || this.#deaf) return null
    this.#rows++
    try {
      const pending = this.onRow(message.subarray(HEADER))
      return pending instanceof Promise ? this.#until(pending) : null
    } catch (error) {
      this.#stop(error)
      return null
    }
  }

  /** Nobody wants the rows any more; whoever has not finished with one will not hold the server back. */
  ignoreRows(): void {
    this.#deaf = true
    this.#release()
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

  #until(pending: Promise<void>): Promise<void> {
    return new Promise(resolve => {
      this.#release = resolve
      pending.then(resolve, error => this.#stop(error))
    })
  }

  #stop(error: unknown): void {
    this.#thrown ??= { error }
    this.ignoreRows()
  }

  #end(outcome: { readonly rows: number } | { readonly error: unknown } | 'skipped'): void {
    if (this.#over) return
    this.#over = true
    this.settle(outcome)
  }
}
