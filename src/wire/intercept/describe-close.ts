// Describe of a rewritten statement hides the parameters that are ours; Close of one forgets it.

import { TAKE, WATCH } from '../expected.js'
import * as B from '../messages/backend.js'
import { withoutLast } from '../messages/parameter-description.js'
import { decodeTarget, PORTAL, STATEMENT } from '../messages/target.js'
import type { InterceptHost } from './host.js'

export async function interceptDescribe(host: InterceptHost, message: Buffer): Promise<void> {
  const { kind, name } = decodeTarget(message)
  if (host.memory.statements.unsettled(name)) await host.drained()
  const plan = kind === STATEMENT ? host.memory.statements.find(name) : null
  if (plan === null) host.forward(message)
  else
    host.send(message, TAKE, {
      take: (type, answer) => (type === B.PARAMETER_DESCRIPTION ? withoutLast(answer, plan.hidden) : answer),
    })
}

export function interceptClose(host: InterceptHost, message: Buffer): void {
  const { kind, name } = decodeTarget(message)
  if (kind === PORTAL) host.memory.portals.release(name)
  if (kind !== STATEMENT || !host.memory.statements.mayHold(name)) host.forward(message)
  else host.send(message, WATCH, host.memory.statements.change(name, null))
}
