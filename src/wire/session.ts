// One client and its own connection to the server, from the start-up packet to the end of either.

import { serialize } from 'pg-protocol'
import type { Rewriter, Rewriting } from '../rewrite/plan.js'
import { ClientStream } from './client-stream.js'
import { type Action, Expected, FORWARD, type Handler, STARTUP, TAKE } from './expected.js'
import { fatalMessage, serverGone } from './fatal.js'
import { Flow, IDLE } from './flow.js'
import type { InterceptHost } from './intercept/host.js'
import { intercept } from './intercept/intercept.js'
import { cancelled, gone, Lease } from './intercept/lease.js'
import { Legs } from './legs.js'
import { Memory } from './memory.js'
import { HEADER, MAX_LENGTH } from './messages/header.js'
import { asksForReplication, startupDatabase } from './messages/startup.js'
import type { Limits, Log, UpstreamOptions } from './options.js'
import { ServerStream } from './server-stream.js'
import { Settings } from './settings.js'
import { type CancelKeys, SessionKey } from './start/cancel.js'
import type { UpstreamConnection } from './start/connect-upstream.js'
import type { Greeting } from './start/greet.js'
import { startupAnswers } from './start/startup-answer.js'

/** What all sessions of a proxy share. */
export interface SessionContext {
  readonly rewriter: Rewriting
  readonly log: Log
  readonly keys: CancelKeys
}

export interface SessionEvents {
  /** Authentication has succeeded. */
  ready(): void
  /** Once, when both connections are done with. */
  closed(session: Session): void
}

export class Session implements InterceptHost {
  readonly expected = new Expected()
  readonly flow = new Flow()
  readonly settings = new Settings()
  readonly memory = new Memory(this.flow)
  readonly rewriter: Rewriter
  readonly log: Log
  /** The server that it has a connection to. */
  readonly server: UpstreamOptions
  closed = false
  /** Chunks that the client has sent so far. */
  heard = 0

  readonly #key: SessionKey
  readonly #legs: Legs
  readonly #toServer: ClientStream
  readonly #toClient: ServerStream
  readonly #events: SessionEvents
  /** The longest message that the client may send, in bytes. */
  readonly #longest: number
  /** A walsender's, whose messages are not ours to understand. */
  readonly #raw: boolean
  #lease: Lease | null = null
  #awaitingDrain: (() => void) | null = null
  #leaving = false

  /** Both connections stand; nothing has been sent upstream yet. */
  constructor(
    context: SessionContext,
    limits: Limits,
    greeting: Greeting,
    server: UpstreamConnection,
    events: SessionEvents,
  ) {
    this.#key = new SessionKey(context.keys, this)
    this.rewriter = context.rewriter.open(startupDatabase(greeting.packet))
    this.log = context.log
    this.server = server.server
    this.#legs = new Legs(greeting.socket, server.socket)
    this.#events = events
    this.#longest = limits.message || MAX_LENGTH
    this.#raw = asksForReplication(greeting.packet)
    this.#toServer = new ClientStream(this.#clientHost())
    this.#toClient = new ServerStream(this.#serverHost())
    this.#start(greeting, server)
  }

  send(message: Buffer, action: Action = FORWARD, handler?: Handler): void {
    if (this.closed || this.flow.skipping) {
      handler?.skipped?.()
      return
    }
    if (handler === undefined) this.expected.push(message[0])
    else this.expected.pushHandled(message[0], action, handler)
    this.#write(message)
  }

  flush(): void {
    this.#write(serialize.flush())
  }

  together(send: () => void): void {
    this.#legs.together(send)
  }

  forward(message: Buffer): void {
    this.#toServer.forward(message)
  }

  aside(message: Buffer): void {
    if (!this.closed) this.#toClient.aside(message)
  }

  async drained(): Promise<void> {
    if (this.expected.quiet || this.closed) return
    this.flush()
    await new Promise<void>(resolve => {
      this.#awaitingDrain = resolve
    })
  }

  lease(): Lease {
    this.#lease = new Lease(this)
    return this.#lease
  }

  resume(lease: Lease): void {
    this.#lease = lease
    lease.resume()
  }

  async cancelUpstream(): Promise<void> {
    try {
      await this.#key.cancel(this.server)
    } catch (error) {
      this.log.warn({ err: error }, 'could not cancel a query upstream')
    }
  }

  /** A CancelRequest of the client's has reached the server; what the server does not see is cancelled here. */
  cancel(): void {
    this.#lease?.abort(cancelled())
  }

  /** Ends the session as soon as it is idle. */
  leave(): void {
    this.#leaving = true
    this.#leaveIfIdle()
  }

  /** Waits for its client's next word, outside of a transaction. */
  get idle(): boolean {
    return !this.#raw && this.#betweenTransactions && this.#toServer.between
  }

  get #betweenTransactions(): boolean {
    return this.flow.status === IDLE && this.expected.quiet && !this.flow.unsynced
  }

  /** Waits for the server to answer. */
  get waiting(): boolean {
    return !this.#raw && !this.expected.quiet
  }

  /** Bytes that the server has sent so far. */
  get said(): number {
    return this.#legs.said
  }

  /** Ends the session now. */
  destroy(code: string, message: string): void {
    if (this.#toServer.busy) void this.cancelUpstream()
    this.#end(fatalMessage(code, message, undefined, this.settings))
  }

  fail(error: unknown): void {
    if (this.closed) return
    this.log.error({ err: error }, 'session failed')
    this.destroy('XX000', `internal error in the proxy: ${error instanceof Error ? error.message : error}`)
  }

  #start(greeting: Greeting, server: UpstreamConnection): void {
    const guard = (take: (chunk: Buffer) => void) => (chunk: Buffer) => {
      if (this.closed) return
      try {
        take(chunk)
      } catch (error) {
        this.fail(error)
      }
    }
    this.#write(greeting.packet)
    const answers = startupAnswers({
      clientEncrypted: greeting.encrypted,
      serverEncrypted: server.encrypted,
      key: key => this.#key.set(key),
      ready: () => this.#events.ready(),
    })
    this.expected.pushHandled(STARTUP, TAKE, answers)
    const up = guard(chunk => {
      this.heard++
      if (this.#raw) this.#write(chunk)
      else this.#toServer.feed(chunk)
    })
    const down = guard(chunk => {
      if (this.#unread) this.#legs.toClient(chunk)
      else this.#toClient.feed(chunk)
    })
    const [ended, gone, lost] = [() => this.#clientEnded(), () => this.#clientGone(), () => this.#serverGone()]
    this.#legs.start({ said: up, ended, gone }, { said: down, ended: lost, gone: lost }, this.log)
    if (greeting.rest.length > 0) up(greeting.rest)
  }

  /** What the server says is passed on as it comes, messages or not. */
  get #unread(): boolean {
    return this.#raw && this.flow.status !== 0
  }

  #clientHost() {
    const session = this
    return {
      longest: this.#longest,
      expected: this.expected,
      flow: this.flow,
      get intercepts() {
        return !session.memory.empty
      },
      get unfinished() {
        return !session.memory.portals.empty
      },
      write: (bytes: Buffer) => this.#write(bytes),
      mayConcern: (bytes: Buffer, start: number, end: number) => this.rewriter.mayConcern(bytes, start, end),
      touches: (message: Buffer) => this.memory.touches(message),
      intercept: (message: Buffer) =>
        intercept(this, message).finally(() => {
          this.#lease = null
        }),
      hold: (held: boolean) => this.#legs.holdClient(held),
      violation: (reason: string) => this.destroy('08P01', reason),
      fail: (error: unknown) => this.fail(error),
    }
  }

  #serverHost() {
    return {
      expected: this.expected,
      flow: this.flow,
      write: (bytes: Buffer) => this.#legs.toClient(bytes),
      parameter: (message: Buffer) => this.settings.report(message),
      command: (message: Buffer) => this.memory.command(message.toString('latin1', HEADER, message.length - 1)),
      skipping: () => this.#lease?.skip(),
      settled: () => this.#settled(),
      hold: (held: boolean) => this.#legs.holdServer(held),
      violation: (reason: string) => this.destroy('08P01', reason),
      fail: (error: unknown) => this.fail(error),
    }
  }

  #write(bytes: Buffer): void {
    this.#legs.toServer(bytes)
  }

  #settled(): void {
    if (this.#awaitingDrain !== null && (this.expected.quiet || this.flow.copying)) {
      this.#awaitingDrain()
      this.#awaitingDrain = null
    }
    if (this.#betweenTransactions) this.memory.transactionOver()
    if (this.#leaving) this.#leaveIfIdle()
  }

  #leaveIfIdle(): void {
    if (this.idle) this.destroy('57P01', 'terminating connection due to administrator command')
  }

  /** The client has nothing more to say. What it has said is still answered, except that nobody waits for a prediction. */
  #clientEnded(): void {
    if (this.#toServer.busy) this.#clientGone()
    else {
      this.flow.leaving = true
      this.#toServer.end()
      this.#legs.endServer()
    }
  }

  #clientGone(): void {
    if (this.#toServer.busy) void this.cancelUpstream()
    this.#end()
  }

  #serverGone(): void {
    // The server itself explains, if it can.
    const { leaving, farewell } = this.flow
    const explained = leaving || farewell || this.#lease?.failure?.severity === 'FATAL'
    this.#end(explained ? undefined : serverGone(this.flow, this.settings))
  }

  /** Ends both legs, the client's with these last words. */
  #end(lastWords?: Buffer): void {
    if (this.closed) return
    this.closed = true
    this.#key.forget()
    if (lastWords !== undefined && !this.#unread) this.#toClient.aside(lastWords)
    this.#legs.close(this.flow.status === IDLE && this.expected.quiet)
    this.#lease?.abort(gone())
    this.memory.portals.clear()
    this.expected.abandon()
    this.#awaitingDrain?.()
    this.#events.closed(this)
  }
}
