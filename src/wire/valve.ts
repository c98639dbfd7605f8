// Lets a socket be read only while nothing speaks against it.

import type { Duplex } from 'node:stream'

/** The peer's write buffer is full. */
export const CONGESTED = 1
/** Enough bytes wait behind an intercepted message. */
export const HELD = 2
/** A consumer of rows has not caught up. */
export const CONSUMER = 4

export class Valve {
  #reasons = 0

  constructor(readonly socket: Duplex) {}

  /** Returns false when it was closed for this reason already. */
  close(reason: number): boolean {
    if (this.#reasons & reason) return false
    if (this.#reasons === 0) this.socket.pause()
    this.#reasons |= reason
    return true
  }

  set(reason: number, closed: boolean): void {
    if (closed) this.close(reason)
    else this.open(reason)
  }

  open(reason: number): void {
    if (this.#reasons === 0) return
    this.#reasons &= ~reason
    if (this.#reasons === 0) this.socket.resume()
  }
}

/** Writes to `to`; when its buffer is full, nothing more is read from `source` until it has drained. */
export function pour(bytes: Buffer, to: Duplex, source: Valve): void {
  if (!to.writable || to.write(bytes)) return
  // One listener at a time: what waited behind an answer may be many writes in a row.
  if (source.close(CONGESTED)) to.once('drain', () => source.open(CONGESTED))
}
