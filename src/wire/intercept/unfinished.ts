// A portal of the client's whose answer is still being made. Execute takes what there is and has the next part made, bound under the
// same name, until all rows or as many as are wanted have gone out. Before anything else runs in the transaction the rest is made and
// bound, so that the portal keeps showing what it would have, to FETCH, to savepoints and beside the transaction's own writes.

import { serialize } from 'pg-protocol'
import type { Bound } from '../../rewrite/plan.js'
import { type Handler, TAKE } from '../expected.js'
import { FAILED } from '../flow.js'
import { type Bind, encodeBind } from '../messages/bind.js'
import { withPosition } from '../messages/error-response.js'
import { encodeExecute } from '../messages/execute.js'
import * as F from '../messages/frontend.js'
import { encodeParse } from '../messages/parse.js'
import { encodeTarget, PORTAL } from '../messages/target.js'
import type { Unfinished } from '../portals.js'
import { endsTransaction } from './concerns.js'
import { type Execution, executionOf } from './execution.js'
import type { InterceptHost } from './host.js'
import { OneExecution } from './one-execution.js'
import { refuse } from './refuse.js'

const OUTER = 'pgpredict_o'

/** Binds the client's portal to a statement of ours that is prepared for this once; `bound` hears of the Bind. */
export function bindAfresh(
  host: InterceptHost,
  bind: Bind,
  { sql, types, params, map }: Execution,
  bound: Handler,
): void {
  const hide: Handler = { take: () => null, error: response => withPosition(response, map) }
  const close = serialize.close({ type: 'S', name: OUTER })
  host.together(() => {
    // a Bind that failed, as for a portal that exists, has left it behind
    host.send(close, TAKE, hide)
    host.send(encodeParse({ name: OUTER, sql: host.settings.encode(sql), types }), TAKE, hide)
    host.send(encodeBind({ ...bind, params, statement: OUTER }), TAKE, { ...hide, ...bound })
    host.send(close, TAKE, hide)
  })
}

/** Puts other rows into the portal. */
function rebind(host: InterceptHost, portal: Unfinished, bound: Bound): void {
  const { plan, bind } = portal
  portal.fetched = 0
  portal.execution = executionOf(plan, bound, bind.params)
  host.together(() => {
    host.send(encodeTarget(F.CLOSE, PORTAL, bind.portal), TAKE, { take: () => null })
    bindAfresh(host, bind, portal.execution, {})
  })
}

/** Executes an unfinished portal for so many rows, 0 for all. */
export async function fetchRows(host: InterceptHost, portal: Unfinished, limit: number): Promise<void> {
  const { plan, bind, parts, lease } = portal
  const one = new OneExecution(host, plan)
  // COPY knows no limit
  let wanted = plan.copies ? 0 : limit
  host.flow.unsynced = true
  host.resume(lease)
  lease.unhurried = wanted > 0
  try {
    for (;;) {
      const ended = new Promise<number | null>(resolve => {
        const error = (response: Buffer) => withPosition(response, position => portal.execution.map(position))
        const execute = encodeExecute({ portal: bind.portal, limit: wanted })
        host.send(execute, ...one.next(portal.last, error, resolve))
        host.flush()
      })
      if (wanted > 0) {
        const rows = await ended
        portal.fetched += rows ?? wanted
        if (rows === null) break
        wanted -= rows
      }
      if (portal.last) break
      const part = await parts.next()
      await lease.ready()
      portal.last = part.last
      rebind(host, portal, part)
    }
    await lease.settle()
    if (portal.last) host.memory.portals.release(bind.portal)
  } catch (error) {
    host.memory.portals.release(bind.portal)
    await refuse(host, lease, error, { text: plan.source })
  } finally {
    lease.end()
  }
}

/**
 * Before a statement of this text runs: what it may look at is there, or is not needed any more where it ends the transaction.
 * @returns whether it may run; the client knows of the error otherwise
 */
export async function finishPortals(host: InterceptHost, text: string): Promise<boolean> {
  const { portals } = host.memory
  if (host.flow.status === FAILED) return true
  // a savepoint that it may go back to is older than all of them: those before it have been finished
  if (endsTransaction(text)) portals.clear()
  for (const portal of portals.all()) if (!(await finish(host, portal))) return false
  return true
}

async function finish(host: InterceptHost, portal: Unfinished): Promise<boolean> {
  const { plan, bind, parts, lease, fetched } = portal
  host.resume(lease)
  try {
    const rest = await parts.rest()
    await lease.settle()
    host.together(() => {
      rebind(host, portal, rest)
      // the client has them
      const skip = encodeExecute({ portal: bind.portal, limit: fetched })
      if (fetched > 0) host.send(skip, TAKE, { take: () => null })
      host.flush()
    })
    return true
  } catch (error) {
    await refuse(host, lease, error, { text: plan.source })
    return false
  } finally {
    lease.end()
    host.memory.portals.release(bind.portal)
  }
}

/** The same before another portal runs, which the server is asked about. */
export async function finishBefore(host: InterceptHost, portal: string): Promise<void> {
  const lease = host.lease()
  const name = { type: 25, format: 0, value: Buffer.from(portal, 'latin1') } as const
  try {
    const rows = await lease.query('SELECT statement FROM pg_catalog.pg_cursors WHERE name = $1', [name])
    await lease.settle()
    await finishPortals(host, rows[0]?.[0]?.toString() ?? '')
  } catch (error) {
    await refuse(host, lease, error)
  }
}
