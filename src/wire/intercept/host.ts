// What interception may do to a session.

import type { Rewriter } from '../../rewrite/plan.js'
import type { Action, Expected, Handler } from '../expected.js'
import type { Flow } from '../flow.js'
import type { Memory } from '../memory.js'
import type { Log } from '../options.js'
import type { Settings } from '../settings.js'
import type { Lease } from './lease.js'

export interface InterceptHost {
  readonly expected: Expected
  readonly flow: Flow
  readonly settings: Settings
  readonly memory: Memory
  readonly rewriter: Rewriter
  readonly log: Log
  /** The client or the server has gone. */
  readonly closed: boolean
  /** Sends a message of ours upstream; without an action its answers go to the client. */
  send(message: Buffer, action?: Action, handler?: Handler): void
  /** Sends Flush upstream, which has no answer. */
  flush(): void
  /** What is sent meanwhile goes out in one piece. */
  together(send: () => void): void
  /** Sends a message of the client's on as it came. */
  forward(message: Buffer): void
  /** A message of ours to the client, between two of the server's. */
  aside(message: Buffer): void
  /** Every message sent so far has been answered. */
  drained(): Promise<void>
  /** The session's upstream, lent for one statement. */
  lease(): Lease
  /** Goes on with one of an earlier message. */
  resume(lease: Lease): void
  /** Asks the server to cancel what it runs for this session; resolves when the request has been delivered. */
  cancelUpstream(): Promise<void>
  fail(error: unknown): void
}
