// Execute of a portal whose command has another name for the client than for the server, or whose answer is still being made; or of
// another while one is.

import type { Plan } from '../../rewrite/plan.js'
import { type Handler, TAKE } from '../expected.js'
import { FAILED } from '../flow.js'
import * as B from '../messages/backend.js'
import { decodeExecute } from '../messages/execute.js'
import { frame, HEADER } from '../messages/header.js'
import type { InterceptHost } from './host.js'
import { fetchRows, finishBefore } from './unfinished.js'

/** Shows the plan's own tag in the place of the server's. */
export const retagged = (plan: Plan): Handler => ({
  take(type, message) {
    if (type !== B.COMMAND_COMPLETE) return message
    const tag = plan.tag!(message.toString('latin1', HEADER, message.length - 1))
    return frame(B.COMMAND_COMPLETE, Buffer.from(`${tag}\0`, 'latin1'))
  },
})

export async function interceptExecute(host: InterceptHost, message: Buffer): Promise<void> {
  const { portal, limit } = decodeExecute(message)
  const { portals, tagged } = host.memory
  if (!portals.empty) {
    // a Sync on its way may be the end of them, and a failure that of everything up to the next
    await host.drained()
    const unfinished = portals.find(portal)
    const runs = !host.closed && !host.flow.skipping && host.flow.status !== FAILED
    if (runs && unfinished) return fetchRows(host, unfinished, limit)
    if (runs && !portals.empty) await finishBefore(host, portal)
  }
  const plan = tagged.get(portal)
  tagged.delete(portal)
  if (plan === undefined) {
    host.forward(message)
    return
  }
  host.flow.unsynced = true
  host.send(message, TAKE, retagged(plan))
}
