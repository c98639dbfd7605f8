// Finds sessions whose server has vanished amid a query. A network that is cut says nothing, and the system gives up on bytes that
// nobody acknowledges after a quarter of an hour: so the host of a server that has been silent for long is asked for a connection, and
// where there is no way to it any more, those who wait are told. Idle sessions are the business of keep-alives.

import type { UpstreamOptions } from './options.js'
import type { Session } from './session.js'
import { reach } from './start/connect-upstream.js'

/** Milliseconds that an answer may take before its server is looked after; any query may take longer. */
const PATIENCE = 30_000

interface Silence {
  /** What the server had said when it was first found silent, in bytes, and when that was. */
  readonly said: number
  readonly at: number
}

/** Ends with 08006 each session that waits for a server which has been silent for `patience` milliseconds and cannot be reached. */
export function watchSilence(sessions: Iterable<Session>, patience = PATIENCE): NodeJS.Timeout {
  const found = new WeakMap<Session, Silence>()
  // when it may be asked again: each question is a connection
  const asked = new Map<UpstreamOptions, number>()
  const ask = async (server: UpstreamOptions, silent: readonly Session[]) => {
    asked.set(server, Number.POSITIVE_INFINITY)
    const reason = await reach(server)
    asked.set(server, performance.now() + patience)
    if (reason === null) return
    for (const session of silent)
      if (session.waiting && session.said === found.get(session)?.said)
        session.destroy('08006', `the upstream server has fallen silent and cannot be reached: ${reason}`)
  }
  const look = () => {
    const now = performance.now()
    const silent = new Map<UpstreamOptions, Session[]>()
    for (const session of sessions) {
      const { said, server, waiting } = session
      const before = found.get(session)
      if (!waiting) found.delete(session)
      else if (before?.said !== said) found.set(session, { said, at: now })
      else if (now - before.at >= patience) silent.set(server, [...(silent.get(server) ?? []), session])
    }
    for (const [server, those] of silent) if (now >= (asked.get(server) ?? 0)) void ask(server, those)
  }
  return setInterval(look, patience / 4).unref()
}
