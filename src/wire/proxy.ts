// The proxy: lets clients in, and makes a session of every connection that wants one.

import type { Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { fatalMessage, hangUp } from './fatal.js'
import { sweepIdle } from './idle.js'
import { openListeners } from './listeners.js'
import {
  type ClientTls,
  defaultLimits,
  type Limits,
  type ProxyOptions,
  silent,
  type UpstreamChoice,
  type UpstreamOptions,
} from './options.js'
import { Session, type SessionContext } from './session.js'
import { watchSilence } from './silence.js'
import { CancelKeys, deliverCancel } from './start/cancel.js'
import { connectFirst } from './start/connect-upstream.js'
import { type Greeting, greet, Refused } from './start/greet.js'
import { ConnectionClosed } from './start/read.js'

export interface RunningProxy {
  /** Where it listens. */
  readonly host: string
  readonly port: number
  /** Where it listens for WebSockets, or null. */
  readonly wsPort: number | null
  /** Number of sessions now. */
  readonly sessions: number
  /** New certificate and key for connections from now on. Throws, and keeps the old ones, when they do not fit together. */
  setTls(tls: ClientTls): void
  /** New limits for sessions from now on; that on idle ones for those that live, too. */
  setLimits(limits: Limits): void
  /** Cancels the query of the session with this key, here and at the server, and resolves then; false: the session is not here. */
  cancel(key: Buffer): Promise<boolean>
  /**
   * Stops listening, then ends each session with 57P01 as soon as it is idle, and after `grace` milliseconds (10,000 without it)
   * whatever it does. Resolves when the last one has ended.
   */
  close(grace?: number): Promise<void>
}

/** Resolves when the proxy listens; rejects when it cannot. */
export async function createProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { rewriter, log = silent, onForeignCancel, elsewhere } = options
  let { limits = defaultLimits } = options
  const upstream: UpstreamChoice = 'candidates' in options.upstream ? options.upstream : only(options.upstream)
  // Made once: a context for every connection would cost more than the rest of its start.
  let secureContext = options.tls === undefined ? null : createSecureContext(options.tls)
  const keys = new CancelKeys()
  const sessions = new Set<Session>()
  /** Connections that have not said yet what they want. */
  const arriving = new Set<Duplex>()
  /** Those whose upstream connection is being made. */
  let connecting = 0
  const context: SessionContext = { rewriter, log, keys }
  let closing: Promise<void> | null = null
  let onEmpty = () => {}

  /** The server first: once it has been told, no late signal can hit the session's next statement. */
  async function cancel(key: Buffer): Promise<boolean> {
    const session = keys.find(key)
    await session?.cancelUpstream()
    session?.cancel()
    return session !== undefined
  }

  async function relayCancel({ socket, packet }: Greeting): Promise<void> {
    const key = packet.subarray(8)
    if (!(await cancel(key)) && !(await onForeignCancel?.(key))) {
      await Promise.all(upstream.servers.map(server => deliverCancel(server, key))).catch(error =>
        log.warn({ err: error }, 'could not relay a cancel request'),
      )
    }
    hangUp(socket)
  }

  /** Makes a session of a client that has said what it wants. `clock` runs until it is logged in. */
  async function admit(greeting: Greeting, clock: LoginClock): Promise<void> {
    const refuse = (code: string, message: string) => {
      clock.stop()
      hangUp(greeting.socket, fatalMessage(code, message))
    }
    if (closing !== null) return refuse('57P03', 'the proxy is shutting down')
    if (limits.sessions > 0 && sessions.size + connecting + (elsewhere?.sessions ?? 0) >= limits.sessions)
      return refuse('53300', 'sorry, too many clients already')
    connecting++
    const server = await upstream
      .candidates()
      .then(connectFirst)
      .catch(error => {
        log.error({ err: error }, 'no upstream connection')
        refuse('08006', (error as Error).message)
      })
    connecting--
    if (!server) return
    if (greeting.socket.destroyed || closing !== null) {
      server.socket.destroy()
      return refuse('57P03', 'the proxy is shutting down')
    }
    const session = new Session(context, limits, greeting, server, {
      ready: clock.stop,
      closed(session) {
        clock.stop()
        sessions.delete(session)
        elsewhere?.tell(sessions.size)
        if (sessions.size === 0) onEmpty()
      },
    })
    clock.late = () => session.destroy('57014', 'canceling authentication due to timeout')
    sessions.add(session)
    elsewhere?.tell(sessions.size)
  }

  async function serve(client: Duplex, enclosed: boolean, peer?: string): Promise<void> {
    client.on('error', error => log.debug({ err: error }, 'client connection failed'))
    const clock = new LoginClock(limits.login, () => client.destroy())
    arriving.add(client)
    let greeting: Greeting
    try {
      greeting = await greet(client, enclosed ? null : secureContext)
    } catch (error) {
      clock.stop()
      if (error instanceof ConnectionClosed) return void client.destroy()
      const { message } = error as Error
      log.info({ reason: message, peer }, 'connection refused')
      return error instanceof Refused ? hangUp(error.socket, fatalMessage('08P01', message)) : hangUp(client)
    } finally {
      arriving.delete(client)
    }
    if (greeting.kind === 'session') return admit(greeting, clock)
    clock.stop()
    return relayCancel(greeting)
  }

  const listeners = await openListeners(
    options.listen,
    options.tls,
    (client, enclosed, peer) => {
      serve(client, enclosed, peer).catch(error => {
        log.error({ err: error }, 'connection failed')
        client.destroy()
      })
    },
    log,
  )
  let sweeper = sweepIdle(sessions, limits.idle)
  const watcher = watchSilence(sessions, options.silence)

  async function close(grace: number): Promise<void> {
    listeners.close()
    for (const client of arriving) client.destroy()
    clearInterval(sweeper)
    if (sessions.size === 0) return void clearInterval(watcher)
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
    clearInterval(watcher)
  }

  return {
    host: listeners.host,
    port: listeners.port,
    wsPort: listeners.wsPort,
    get sessions() {
      return sessions.size
    },
    setTls(tls) {
      secureContext = createSecureContext(tls)
      listeners.setTls(tls)
    },
    setLimits(wanted) {
      limits = wanted
      clearInterval(sweeper)
      sweeper = sweepIdle(sessions, limits.idle)
    },
    cancel,
    close(grace = 10_000) {
      closing ??= close(grace)
      return closing
    },
  }
}

const only = (server: UpstreamOptions): UpstreamChoice => ({
  servers: [server],
  candidates: async () => [server],
})

/** Gives a client so many milliseconds to log in; 0: as many as it likes. */
class LoginClock {
  readonly #timer: NodeJS.Timeout | undefined

  constructor(
    limit: number,
    public late: () => void,
  ) {
    if (limit > 0) this.#timer = setTimeout(() => this.late(), limit)
  }

  readonly stop = () => clearTimeout(this.#timer)
}
