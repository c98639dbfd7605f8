// The client's stream of messages on its way upstream: headers are walked, chunks go on whole, and only a message that concerns
// us stops the stream until it has been dealt with.

import type { Expected } from './expected.js'
import type { Flow } from './flow.js'
import * as F from './messages/frontend.js'
import { HEADER, int32, MAX_LENGTH } from './messages/header.js'

export interface ClientStreamHost {
  readonly expected: Expected
  readonly flow: Flow
  /** True while a prepared statement of the session holds a rewritten one, or a portal one with a tag of its own. */
  readonly intercepts: boolean
  /** True while an answer to a portal is still being made, which other statements may look at. */
  readonly unfinished: boolean
  /** The longest message there may be, in bytes. */
  readonly longest: number
  /** On to the server. */
  write(bytes: Buffer): void
  /** Does the SQL text between these offsets name one of our words? */
  mayConcern(bytes: Buffer, start: number, end: number): boolean
  /** Does this Bind, Execute, Describe, Close or Parse, of which at least the names are here, touch a rewritten statement? */
  touches(message: Buffer): boolean
  /** Deals with a whole message that concerns us; the next ones wait. */
  intercept(message: Buffer): Promise<void>
  /** Too many bytes wait (true), or no longer (false). */
  hold(held: boolean): void
  violation(reason: string): void
  fail(error: unknown): void
}

/** Text longer than this is searched for our words no further and streams through with flat memory. */
const LOOK_AHEAD = 4 * 1024 * 1024
/** Statement and portal names of a Bind lie within its first bytes, or are not ours. */
const NAMES = 4096
/** Bytes that may wait behind an intercepted message before the client is read no more; until then its disconnect is noticed. */
const WAITING = 256 * 1024

const PASS = -1
const INTERCEPT = 0

export class ClientStream {
  /** Bytes still to come of a message that is being forwarded in parts. */
  #passing = 0
  /** The beginning of a message that cannot be judged yet, and the bytes needed to judge it. */
  #start: Buffer[] = []
  #here = 0
  #wanted = 0
  /** A message is being dealt with, and these bytes wait behind it. */
  busy = false
  #waiting: Buffer[] = []
  #waitingBytes = 0

  constructor(readonly host: ClientStreamHost) {}

  /** Takes the next bytes from the client. */
  feed(chunk: Buffer): void {
    if (this.host.flow.nonsense) return
    if (this.busy) {
      this.#wait(chunk)
      return
    }
    let bytes = chunk
    if (this.#here > 0) {
      this.#start.push(chunk)
      this.#here += chunk.length
      if (this.#here < this.#wanted) return
      bytes = Buffer.concat(this.#start)
      this.#start = []
      this.#here = 0
    }
    this.#walk(bytes)
  }

  /** No more will come: the server is to see what there is of a message that will never be whole. */
  end(): void {
    if (this.#here > 0) this.host.write(Buffer.concat(this.#start))
    this.#here = 0
  }

  /** Nothing of a message has come that has not gone on. */
  get between(): boolean {
    return this.#passing === 0 && this.#here === 0 && !this.busy
  }

  #walk(bytes: Buffer): void {
    const { host } = this
    const size = bytes.length
    let at = 0
    if (this.#passing > 0) {
      at = Math.min(this.#passing, size)
      this.#passing -= at
    }
    while (at < size) {
      if (size - at < HEADER) {
        this.#keep(bytes, at, HEADER)
        return
      }
      const type = bytes[at]
      const length = int32(bytes, at + 1)
      if (length < 4 || length > MAX_LENGTH) {
        // Not a message at all. What came before may still be under way, so the server is left to notice, in its turn.
        host.flow.nonsense = true
        host.write(bytes.subarray(0, at + HEADER))
        return
      }
      if (length > host.longest) {
        if (at > 0) host.write(bytes.subarray(0, at))
        host.violation(`a message of ${length} bytes is longer than the proxy allows`)
        return
      }
      const end = at + 1 + length
      const verdict = host.flow.skipping ? PASS : this.#judge(type, bytes, at, end)
      if (verdict === PASS) {
        this.#pass(type)
        if (end > size) {
          this.#passing = end - size
          break
        }
        at = end
      } else if (verdict === INTERCEPT) {
        if (at > 0) host.write(bytes.subarray(0, at))
        this.#intercept(bytes.subarray(at, end), bytes.subarray(end))
        return
      } else {
        this.#keep(bytes, at, verdict)
        return
      }
    }
    host.write(bytes)
  }

  /** PASS, INTERCEPT, or how many bytes of the message are needed to tell. */
  #judge(type: number, bytes: Buffer, at: number, end: number): number {
    const { host } = this
    const whole = end <= bytes.length
    switch (type) {
      case F.QUERY:
      case F.PARSE: {
        if (!whole && bytes.length - at < LOOK_AHEAD) return Math.min(end - at, LOOK_AHEAD)
        let from = at + HEADER
        if (type === F.PARSE) {
          from = bytes.indexOf(0, from) + 1
          if (from === 0 || from > end) return PASS
        }
        if (type === F.QUERY && host.unfinished) return whole ? INTERCEPT : end - at
        if (host.mayConcern(bytes, from, whole ? end : bytes.length)) return whole ? INTERCEPT : end - at
        if (type === F.PARSE && host.intercepts && whole && host.touches(bytes.subarray(at, end))) return INTERCEPT
        return PASS
      }
      case F.BIND:
        if (!host.intercepts) return PASS
        if (!whole && bytes.length - at < NAMES) return Math.min(end - at, NAMES)
        if (!host.touches(bytes.subarray(at, Math.min(end, bytes.length)))) return PASS
        return whole ? INTERCEPT : end - at
      case F.EXECUTE:
      case F.DESCRIBE:
      case F.CLOSE:
        if (!host.intercepts || end - at > NAMES) return PASS
        if (!whole) return end - at
        return host.touches(bytes.subarray(at, end)) ? INTERCEPT : PASS
      default:
        return PASS
    }
  }

  /** Sends a message on that was taken for one that concerns us and turned out to be ordinary. */
  forward(message: Buffer): void {
    this.#pass(message[0])
    this.host.write(message)
  }

  /** Notes what the server will answer to a message that goes on as it is. */
  #pass(type: number): void {
    const { expected, flow } = this.host
    switch (type) {
      case F.SYNC:
        if (flow.copying) expected.pushDoubtfulSync()
        else expected.push(type)
        flow.syncs++
        flow.skipping = false
        flow.unsynced = false
        break
      case F.QUERY:
        flow.unsynced = false
        if (!flow.skipping) expected.push(type)
        break
      case F.BIND:
      case F.EXECUTE:
        flow.unsynced = true
        if (!flow.skipping) expected.push(type)
        break
      case F.PARSE:
      case F.DESCRIBE:
      case F.CLOSE:
      case F.FUNCTION_CALL:
        if (!flow.skipping) expected.push(type)
        break
      case F.COPY_DONE:
      case F.COPY_FAIL:
        flow.copying = false
        expected.pushCopyEnd()
        break
      case F.TERMINATE:
        flow.leaving = true
        break
    }
  }

  #keep(bytes: Buffer, at: number, wanted: number): void {
    if (at > 0) this.host.write(bytes.subarray(0, at))
    this.#start = [at === 0 ? bytes : bytes.subarray(at)]
    this.#here = bytes.length - at
    this.#wanted = wanted
  }

  #intercept(message: Buffer, rest: Buffer): void {
    this.busy = true
    if (rest.length > 0) this.#wait(rest)
    this.host
      .intercept(message)
      .then(() => this.#go())
      .catch(error => this.host.fail(error))
  }

  #wait(bytes: Buffer): void {
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes > WAITING) this.host.hold(true)
  }

  #go(): void {
    this.busy = false
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    for (const chunk of waiting) this.feed(chunk)
    if (this.#waitingBytes <= WAITING) this.host.hold(false)
  }
}
