// Execute of a portal whose command has another name for the client than for the server.

import type { Plan } from '../../rewrite/plan.js'
import { type Handler, TAKE } from '../expected.js'
import * as B from '../messages/backend.js'
import { frame, HEADER } from '../messages/header.js'
import { portalName } from '../messages/names.js'
import type { InterceptHost } from './host.js'

/** Shows the plan's own tag in the place of the server's. */
export const retagged = (plan: Plan): Handler => ({
  take(type, message) {
    if (type !== B.COMMAND_COMPLETE) return message
    const tag = plan.tag!(message.toString('latin1', HEADER, message.length - 1))
    return frame(B.COMMAND_COMPLETE, Buffer.from(`${tag}\0`, 'latin1'))
  },
})

export function interceptExecute(host: InterceptHost, message: Buffer): void {
  const portal = portalName(message) ?? ''
  const plan = host.memory.tagged.get(portal)
  host.memory.tagged.delete(portal)
  if (plan === undefined) {
    host.forward(message)
    return
  }
  host.flow.unsynced = true
  host.send(message, TAKE, retagged(plan))
}
