// The queue of messages sent upstream whose answers are still to come, in order. Ordinary traffic costs one small integer a
// message; the few messages that we have a stake in carry a handler beside it.

import * as B from './messages/backend.js'
import * as F from './messages/frontend.js'

/** The answers to one message that is not simply forwarded. Handlers must not throw: the session would end. */
export interface Handler {
  /**
   * Only for TAKE, and for TRIM what is no row: each answer as a whole message. Returns what the client sees of it, if anything; a promise holds the
   * server's stream back until it settles, and shows nothing.
   */
  take?(type: number, message: Buffer): Buffer | null | Promise<void>
  /** The last answer to the message has come. */
  done?(): void
  /** The message failed; what the client sees of the ErrorResponse. Without it: all of it. */
  error?(message: Buffer): Buffer | null
  /** No answer will come: an earlier message failed and the server skips to Sync, or the session has ended. */
  skipped?(): void
}

/** Answers go to the client as they come. */
export const FORWARD = 0
/** So they do, but the handler hears of the end, a failure, a skip. */
export const WATCH = 1
/** The handler takes them, one by one. */
export const TAKE = 2
/** Rows, of a query or of COPY, go to the client as they come; the handler takes what is around them. */
export const TRIM = 3
export type Action = typeof FORWARD | typeof WATCH | typeof TAKE | typeof TRIM

/** Whether the handler of an entry with this action takes an answer of this type. */
export const takes = (action: Action, answer: number): boolean =>
  action === TAKE || (action === TRIM && answer !== B.DATA_ROW && answer !== B.COPY_DATA)

/** The start-up packet and what authentication adds to it, answered by the first ReadyForQuery. */
export const STARTUP = 1
/** CopyDone or CopyFail of a COPY under way, which have no answer. */
const COPY_END = 2
/** Something that turned out to have no answer, or has had its effect. */
const SILENT = 3

const TYPE = 0xff
const ACTION_SHIFT = 8
/** A Sync sent while COPY was reading: the server ignores it, unless COPY had just failed. */
const DOUBTFUL = 1 << 10

/** By type of answer: the type of message that it completes. ReadyForQuery completes four, see `completes`. */
const COMPLETES = new Uint8Array(256)
COMPLETES[B.PARSE_COMPLETE] = F.PARSE
COMPLETES[B.BIND_COMPLETE] = F.BIND
COMPLETES[B.CLOSE_COMPLETE] = F.CLOSE
COMPLETES[B.ROW_DESCRIPTION] = F.DESCRIBE
COMPLETES[B.NO_DATA] = F.DESCRIBE
COMPLETES[B.COMMAND_COMPLETE] = F.EXECUTE
COMPLETES[B.EMPTY_QUERY_RESPONSE] = F.EXECUTE
COMPLETES[B.PORTAL_SUSPENDED] = F.EXECUTE

export class Expected {
  // A ring that doubles when full: a pipeline may be a quarter of a million messages deep.
  #ring = new Int32Array(32)
  #head = 0
  #length = 0
  #handlers: Handler[] = []
  #firstHandler = 0
  #doubtful = 0
  #copyEnds = 0
  #silent = 0
  /** The command at the head is a COPY that reads. */
  #reading = false

  /** How many entries have a handler; 0 is the fast path. */
  special = 0

  get empty(): boolean {
    return this.#length === 0
  }

  /** Nothing is sure to come any more. */
  get quiet(): boolean {
    return this.#length === this.#doubtful + this.#copyEnds + this.#silent
  }

  push(type: number): void {
    this.#add(type)
  }

  pushHandled(type: number, action: Action, handler: Handler): void {
    this.#handlers.push(handler)
    this.special++
    this.#add(type | (action << ACTION_SHIFT))
  }

  pushDoubtfulSync(): void {
    this.#doubtful++
    this.#add(F.SYNC | DOUBTFUL)
  }

  /** CopyDone or CopyFail: a Sync behind it is no longer part of the COPY. */
  pushCopyEnd(): void {
    if (this.#length === 0) return
    this.#copyEnds++
    this.#add(COPY_END)
  }

  /** Action of the entry that an answer, not an asynchronous message, belongs to. */
  actionFor(answer: number): Action {
    if (this.#doubtful > 0) this.#resolveDoubt(answer)
    return this.#length === 0 ? FORWARD : (((this.#ring[this.#head] >> ACTION_SHIFT) & 3) as Action)
  }

  get type(): number {
    return this.#length === 0 ? 0 : this.#ring[this.#head] & TYPE
  }

  /** Handler of that entry, when its action is not FORWARD. */
  get handler(): Handler {
    return this.#handlers[this.#firstHandler]
  }

  /** From here on the handler at the head takes no more rows. */
  trim(): void {
    this.#ring[this.#head] = (this.#ring[this.#head] & ~(3 << ACTION_SHIFT)) | (TRIM << ACTION_SHIFT)
  }

  /** Accounts for an answer other than ErrorResponse: the message that it completes, if it does, is over. */
  complete(answer: number): void {
    if (this.#doubtful > 0) this.#settleDoubt(answer)
    const type = this.type
    if (answer === B.READY_FOR_QUERY) {
      if (type === F.QUERY || type === F.SYNC || type === F.FUNCTION_CALL || type === STARTUP) this.#finish()
    } else if (COMPLETES[answer] === type && type !== 0) this.#finish()
  }

  /**
   * Accounts for an ErrorResponse. A failed message of the extended protocol takes all behind it along, up to the next Sync.
   * Returns false when that Sync is still to be sent.
   */
  fail(): boolean {
    this.#reading = false
    if (this.#doubtful > 0) this.#resolveDoubt(B.ERROR_RESPONSE)
    const type = this.type
    if (type === 0 || type === F.QUERY || type === F.SYNC || type === F.FUNCTION_CALL || type === STARTUP) return true
    this.#shift()
    while (this.#length > 0 && this.type !== F.SYNC) this.#shift()?.skipped?.()
    return this.#length > 0
  }

  /** COPY FROM STDIN begins to read. Returns false when its CopyDone or CopyFail is already on its way. */
  copyIn(): boolean {
    this.#reading = true
    for (let i = 1; i < this.#length; i++) {
      const slot = this.#slot(i)
      if (this.#ring[slot] === COPY_END) return false
      if (this.#ring[slot] === F.SYNC) {
        this.#ring[slot] |= DOUBTFUL
        this.#doubtful++
      }
    }
    return true
  }

  /** A command whose tag may be COPY is over: if it read to its end, every Sync sent meanwhile was ignored. */
  copied(): void {
    if (!this.#reading) return
    this.#reading = false
    if (this.#copyEnds === 0) return
    for (let i = 1; i < this.#length; i++) {
      const slot = this.#slot(i)
      const entry = this.#ring[slot]
      if (entry !== COPY_END && !(entry & DOUBTFUL)) continue
      this.#ring[slot] = SILENT
      this.#silent++
      if (entry === COPY_END) {
        this.#copyEnds--
        return
      }
      this.#doubtful--
    }
  }

  /** No answer is coming to anything any more. */
  abandon(): void {
    while (this.#length > 0) this.#shift()?.skipped?.()
  }

  #add(entry: number): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[this.#slot(this.#length++)] = entry
  }

  #slot(index: number): number {
    return (this.#head + index) & (this.#ring.length - 1)
  }

  #finish(): void {
    this.#shift()?.done?.()
  }

  #shift(): Handler | undefined {
    const entry = this.#ring[this.#head]
    this.#advance()
    while (this.#length > 0 && (this.#ring[this.#head] === COPY_END || this.#ring[this.#head] === SILENT)) {
      if (this.#ring[this.#head] === COPY_END) this.#copyEnds--
      else this.#silent--
      this.#advance()
    }
    if (entry & DOUBTFUL) this.#doubtful--
    if (entry >> ACTION_SHIFT === 0 || entry & DOUBTFUL) return undefined
    this.special--
    const handler = this.#handlers[this.#firstHandler++]
    if (this.special === 0) {
      this.#handlers = []
      this.#firstHandler = 0
    }
    return handler
  }

  #advance(): void {
    this.#head = this.#slot(1)
    this.#length--
  }

  /** Any answer but ReadyForQuery proves that a doubtful Sync at the head was ignored. */
  #resolveDoubt(answer: number): void {
    if (answer === B.READY_FOR_QUERY) return
    while (this.#length > 0 && this.#ring[this.#head] & DOUBTFUL) this.#shift()
  }

  /** A ReadyForQuery may be a doubtful Sync's own or the next one's: that one then inherits the doubt. */
  #settleDoubt(answer: number): void {
    this.#resolveDoubt(answer)
    if (this.#length === 0 || !(this.#ring[this.#head] & DOUBTFUL)) return
    for (let i = 1; i < this.#length; i++) {
      const slot = this.#slot(i)
      if (this.#ring[slot] !== F.SYNC) continue
      this.#ring[slot] |= DOUBTFUL
      this.#doubtful++
      break
    }
  }

  #grow(): void {
    const ring = new Int32Array(this.#ring.length * 2)
    for (let i = 0; i < this.#length; i++) ring[i] = this.#ring[this.#slot(i)]
    this.#ring = ring
    this.#head = 0
  }
}
