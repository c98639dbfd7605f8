// CancelRequests: relayed to the server to the byte, and heeded here for the work that the server does not see.

import { cancelRequest } from '../messages/startup.js'
import type { UpstreamOptions } from '../options.js'
import { connectUpstream } from './connect-upstream.js'

/** A session, as far as cancelling it goes. */
export interface Cancellable {
  /** Tells the server. */
  cancelUpstream(): Promise<void>
  /** Ends the work that the server does not see. */
  cancel(): void
}

/** Sessions by process id and secret key, as BackendKeyData gave them. */
export class CancelKeys {
  readonly #sessions = new Map<string, Cancellable>()

  add(key: Buffer, session: Cancellable): void {
    this.#sessions.set(key.toString('hex'), session)
  }

  remove(key: Buffer, session: Cancellable): void {
    const name = key.toString('hex')
    if (this.#sessions.get(name) === session) this.#sessions.delete(name)
  }

  find(key: Buffer): Cancellable | undefined {
    return this.#sessions.get(key.toString('hex'))
  }
}

/** A session's own key, once the server has given it. */
export class SessionKey {
  #key: Buffer | null = null

  constructor(
    private readonly keys: CancelKeys,
    private readonly session: Cancellable,
  ) {}

  set(key: Buffer): void {
    this.#key = key
    this.keys.add(key, this.session)
  }

  /** Has the server cancel what it runs for the session. Rejects when it cannot be reached. */
  async cancel(upstream: UpstreamOptions): Promise<void> {
    if (this.#key !== null) await deliverCancel(upstream, this.#key)
  }

  /** The session is over: its key finds it no more. */
  forget(): void {
    if (this.#key !== null) this.keys.remove(this.#key, this.session)
  }
}

/**
 * Delivers a CancelRequest and waits until the server has closed the connection: only then has the signal been sent, and a cancel
 * that arrives later would hit the session's next statement. Rejects when the server cannot be reached.
 */
export async function deliverCancel(upstream: UpstreamOptions, key: Buffer): Promise<void> {
  const { socket } = await connectUpstream(upstream)
  await new Promise<void>(resolve => {
    socket.on('error', () => resolve())
    socket.on('end', () => socket.end())
    socket.on('close', () => resolve())
    socket.resume()
    socket.write(cancelRequest(key))
    socket.setTimeout(upstream.connectTimeout ?? 10_000, () => socket.destroy())
  })
}
