// The proxy: listens, and makes a session of every connection that wants one.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { fatalMessage, hangUp } from './fatal.js'
import { type ProxyOptions, silent } from './options.js'
import { Session, type SessionContext } from './session.js'
import { CancelKeys, deliverCancel } from './start/cancel.js'
import { connectUpstream } from './start/connect-upstream.js'
import { type Greeting, greet, Refused } from './start/greet.js'
import { ConnectionClosed } from './start/read.js'

/** Time for a client to send its start-up packet, as the server's authentication_timeout. */
const GREETING_MS = 60_000

export interface RunningProxy {
  /** Where it listens. */
  readonly host: string
  readonly port: number
  /** Number of sessions now. */
  readonly sessions: number
  /** New certificate and key for connections from now on. Throws, and keeps the old ones, when they do not fit together. */
  setTls(tls: NonNullable<ProxyOptions['tls']>): void
  /** Cancels the local work of the session with this key; false: it is not here. */
  cancel(key: Buffer): boolean
  /**
   * Stops listening, then ends each session with 57P01 as soon as it is idle, and after `grace` milliseconds (10,000 without it)
   * whatever it does. Resolves when the last one has ended.
   */
  close(grace?: number): Promise<void>
}

/** Resolves when the proxy listens; rejects when it cannot. */
export async function createProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { upstream, rewriter, log = silent, onForeignCancel } = options
  // Made once: a context for every connection would cost more than the rest of its start.
  let secureContext = options.tls === undefined ? null : createSecureContext(options.tls)
  const keys = new CancelKeys()
  const sessions = new Set<Session>()
  /** Connections that have not said yet what they want. */
  const arriving = new Set<Socket>()
  const context: SessionContext = { upstream, rewriter, log, keys }
  let closing: Promise<void> | null = null
  let onEmpty = () => {}

  function cancel(key: Buffer): boolean {
    const session = keys.find(key)
    session?.cancel()
    return session !== undefined
  }

  /** The server first: once it has been told, no late signal can hit the session's next statement. */
  async function relayCancel({ socket, packet }: Greeting): Promise<void> {
    const key = packet.subarray(8)
    try {
      await deliverCancel(upstream, key)
    } catch (error) {
      log.warn({ err: error }, 'could not relay a cancel request')
    }
    if (!cancel(key)) onForeignCancel?.(key)
    hangUp(socket)
  }

  async function serve(client: Socket): Promise<void> {
    client.on('error', error => log.debug({ err: error }, 'client connection failed'))
    const clock = setTimeout(() => client.destroy(), GREETING_MS)
    arriving.add(client)
    let greeting: Greeting
    try {
      greeting = await greet(client, secureContext)
    } catch (error) {
      if (error instanceof ConnectionClosed) return void client.destroy()
      const { message } = error as Error
      log.info({ reason: message, peer: client.remoteAddress }, 'connection refused')
      return error instanceof Refused ? hangUp(error.socket, fatalMessage('08P01', message)) : hangUp(client)
    } finally {
      clearTimeout(clock)
      arriving.delete(client)
    }
    if (greeting.kind === 'cancel') return relayCancel(greeting)
    if (closing !== null) return hangUp(greeting.socket, fatalMessage('57P03', 'the proxy is shutting down'))
    try {
      const server = await connectUpstream(upstream)
      if (greeting.socket.destroyed || closing !== null) {
        server.socket.destroy()
        hangUp(greeting.socket, fatalMessage('57P03', 'the proxy is shutting down'))
        return
      }
      sessions.add(
        new Session(context, greeting, server, session => {
          sessions.delete(session)
          if (sessions.size === 0) onEmpty()
        }),
      )
    } catch (error) {
      log.error({ err: error }, 'no upstream connection')
      hangUp(greeting.socket, fatalMessage('08006', (error as Error).message))
    }
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, client => {
    serve(client).catch(error => {
      log.error({ err: error }, 'connection failed')
      client.destroy()
    })
  })
  server.listen(options.listen.port, options.listen.host ?? '127.0.0.1')
  await once(server, 'listening')
  server.on('error', error => log.error({ err: error }, 'listener failed'))
  const { address, port } = server.address() as AddressInfo

  async function close(grace: number): Promise<void> {
    server.close()
    for (const client of arriving) client.destroy()
    if (sessions.size === 0) return
    const empty = new Promise<void>(resolve => {
      onEmpty = resolve
    })
    for (const session of [...sessions]) session.leave()
    const clock = setTimeout(() => {
      for (const session of [...sessions])
        session.destroy('57P01', 'terminating connection due to administrator command')
    }, grace)
    await empty
    clearTimeout(clock)
  }

  return {
    host: address,
    port,
    get sessions() {
      return sessions.size
    },
    setTls(tls) {
      secureContext = createSecureContext(tls)
    },
    cancel,
    close(grace = 10_000) {
      closing ??= close(grace)
      return closing
    },
  }
}
