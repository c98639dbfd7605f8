// The server's stream of messages on its way to the client: headers are walked, chunks go on whole, and only answers that
// somebody has a stake in are cut out.

import { type Expected, FORWARD, takes } from './expected.js'
import type { Flow } from './flow.js'
import * as B from './messages/backend.js'
import { isFatal } from './messages/error-response.js'
import { HEADER, int32, MAX_LENGTH } from './messages/header.js'

export interface ServerStreamHost {
  readonly expected: Expected
  readonly flow: Flow
  /** On to the client. */
  write(bytes: Buffer): void
  parameter(message: Buffer): void
  /** A command tag that begins with D, such as DISCARD ALL. */
  command(message: Buffer): void
  /** The server now ignores everything up to a Sync that the client has yet to send. */
  skipping(): void
  /** Everything read so far has been dealt with. */
  settled(): void
  /** Stops and starts reading of the server. */
  hold(held: boolean): void
  violation(reason: string): void
  fail(error: unknown): void
}

/** What an answer of each type asks of us when nobody has a stake in it; 0 for nothing. */
const COUNT = 1
const READ = 2
const CARE = new Uint8Array(256)
for (const type of [
  B.PARSE_COMPLETE,
  B.BIND_COMPLETE,
  B.CLOSE_COMPLETE,
  B.ROW_DESCRIPTION,
  B.NO_DATA,
  B.EMPTY_QUERY_RESPONSE,
  B.PORTAL_SUSPENDED,
  B.COPY_IN_RESPONSE,
  // completes nothing, but says that what came before is over
  B.FUNCTION_CALL_RESPONSE,
])
  CARE[type] = COUNT
for (const type of [B.READY_FOR_QUERY, B.COMMAND_COMPLETE, B.PARAMETER_STATUS, B.ERROR_RESPONSE]) CARE[type] = READ

/** Messages that come between any others and answer nothing. */
const isAsynchronous = (type: number) => type === B.PARAMETER_STATUS || type === B.NOTIFICATION_RESPONSE

export class ServerStream {
  /** Bytes still to come of a message that is being forwarded in parts. */
  #passing = 0
  /** Fewer than five bytes of a header. */
  #header: Buffer | null = null
  /** A message that must be seen whole, and how much of it is here. */
  #message: Buffer | null = null
  #filled = 0
  #held = false
  readonly #backlog: Buffer[] = []
  readonly #asides: Buffer[] = []

  constructor(readonly host: ServerStreamHost) {}

  /** Takes the next bytes from the server. */
  feed(chunk: Buffer): void {
    if (this.#held) {
      this.#backlog.push(chunk)
      return
    }
    let bytes = chunk
    if (this.#header !== null) {
      bytes = Buffer.concat([this.#header, chunk])
      this.#header = null
    }
    this.#walk(bytes)
    if (!this.#held) this.host.settled()
  }

  /** A message of our own to the client, as soon as no other is half-way through. */
  aside(message: Buffer): void {
    if (this.#passing === 0) this.host.write(message)
    else this.#asides.push(message)
  }

  #walk(bytes: Buffer): void {
    const { host } = this
    const { expected } = host
    const size = bytes.length
    let at = 0
    if (this.#message !== null) {
      at = bytes.copy(this.#message, this.#filled, 0)
      this.#filled += at
      if (this.#filled < this.#message.length) return
      const message = this.#message
      this.#message = null
      if (this.#deliver(message, bytes.subarray(at))) return
    }
    /** Where the bytes begin that have been passed but not yet written. */
    let start = at
    if (this.#passing > 0) {
      const step = Math.min(this.#passing, size - at)
      this.#passing -= step
      at += step
      if (this.#passing === 0 && this.#asides.length > 0) {
        host.write(bytes.subarray(start, at))
        start = at
        for (const aside of this.#asides.splice(0)) host.write(aside)
      }
    }
    while (size - at >= HEADER) {
      const type = bytes[at]
      const length = int32(bytes, at + 1)
      if (length < 4 || length > MAX_LENGTH) {
        host.violation(`invalid length of a message from the server: ${length}`)
        return
      }
      const end = at + 1 + length
      const care = CARE[type]
      const action = expected.special === 0 || isAsynchronous(type) ? FORWARD : expected.actionFor(type)
      const taken = takes(action, type) || (action !== FORWARD && type === B.ERROR_RESPONSE)
      if (!taken && care !== READ) {
        if (care === COUNT) this.#count(type)
        if (end > size) {
          this.#passing = end - size
          at = size
          break
        }
        at = end
        continue
      }
      if (end > size) {
        if (start < at) host.write(bytes.subarray(start, at))
        this.#message = Buffer.allocUnsafe(end - at)
        this.#filled = bytes.copy(this.#message, 0, at)
        return
      }
      if (!taken) {
        this.#read(type, bytes, at, end)
        at = end
        continue
      }
      if (start < at) host.write(bytes.subarray(start, at))
      start = at = end
      if (this.#deliver(bytes.subarray(end - 1 - length, end), bytes.subarray(end))) return
    }
    if (at < size) this.#header = bytes.subarray(at)
    if (start < at) host.write(start === 0 && at === size ? bytes : bytes.subarray(start, at))
  }

  /** Accounts for an answer of which only the type matters. */
  #count(type: number): void {
    const { expected, flow } = this.host
    if (type === B.COPY_IN_RESPONSE) {
      if (expected.copyIn()) flow.copying = true
    } else expected.complete(type)
  }

  /** Accounts for an answer whose body matters too. */
  #read(type: number, bytes: Buffer, at: number, end: number): void {
    const { host } = this
    if (type === B.ERROR_RESPONSE) {
      this.#failed(bytes.subarray(at, end))
      return
    }
    if (type === B.PARAMETER_STATUS) {
      host.parameter(bytes.subarray(at, end))
      return
    }
    if (type === B.COMMAND_COMPLETE) {
      if (bytes[at + HEADER] === 0x44) host.command(bytes.subarray(at, end))
      else if (bytes[at + HEADER] === 0x43 && bytes[at + HEADER + 2] === 0x50) host.expected.copied()
    }
    host.expected.complete(type)
    if (type === B.READY_FOR_QUERY) {
      host.flow.status = bytes[at + HEADER]
      host.flow.farewell = false
    }
  }

  #failed(error: Buffer): void {
    const { expected, flow } = this.host
    flow.copying = false
    flow.farewell = isFatal(error)
    if (expected.fail()) return
    flow.skipping = true
    this.host.skipping()
  }

  /** Hands a whole message to whoever has a stake in it. Returns true when `rest` must wait. */
  #deliver(message: Buffer, rest: Buffer): boolean {
    const { host } = this
    const { expected } = host
    const type = message[0]
    const action = isAsynchronous(type) ? FORWARD : expected.actionFor(type)
    if (type === B.ERROR_RESPONSE && action !== FORWARD) {
      const { handler } = expected
      const shown = handler.error === undefined ? message : handler.error(message)
      if (shown !== null) host.write(shown)
      this.#failed(message)
      return false
    }
    if (!takes(action, type)) {
      this.#read(type, message, 0, message.length)
      host.write(message)
      return false
    }
    const shown = expected.handler.take?.(type, message) ?? null
    if (shown instanceof Promise) this.#wait(shown, rest)
    else if (shown !== null) host.write(shown)
    if (CARE[type] === COUNT) this.#count(type)
    else if (CARE[type] === READ) this.#read(type, message, 0, message.length)
    return this.#held
  }

  #wait(until: Promise<void>, rest: Buffer): void {
    const { host } = this
    this.#held = true
    this.#backlog.push(rest)
    host.hold(true)
    const go = () => {
      this.#held = false
      for (const chunk of this.#backlog.splice(0)) if (chunk.length > 0) this.feed(chunk)
      if (!this.#held) {
        host.hold(false)
        host.settled()
      }
    }
    until.then(go, go).catch(error => host.fail(error))
  }
}
