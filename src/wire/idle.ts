// Ends sessions that their clients seem to have forgotten. Looked for now and then: a timer of each session's own would have to be
// set again with every message.

import type { Session } from './session.js'

const MOST_OFTEN = 50
const LEAST_OFTEN = 15_000

/** Ends each session that has waited for `limit` milliseconds outside of a transaction, give or take an eighth; 0: none. */
export function sweepIdle(sessions: Iterable<Session>, limit: number): NodeJS.Timeout | undefined {
  if (limit === 0) return undefined
  /** What each idle session had been told when it was first found so, and when that was. */
  const found = new WeakMap<Session, { readonly heard: number; readonly at: number }>()
  const look = () => {
    const now = performance.now()
    for (const session of sessions) {
      const { heard } = session
      const before = found.get(session)
      if (!session.idle) found.delete(session)
      else if (before?.heard !== heard) found.set(session, { heard, at: now })
      else if (now - before.at >= limit) session.destroy('57P05', 'terminating connection due to idle-session timeout')
    }
  }
  return setInterval(look, Math.min(LEAST_OFTEN, Math.max(MOST_OFTEN, limit / 8))).unref()
}
