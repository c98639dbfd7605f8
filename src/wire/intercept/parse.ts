// Parse of a statement that concerns us: the rewritten one is prepared under the client's own name.

import { WATCH } from '../expected.js'
import { FAILED } from '../flow.js'
import { withPosition } from '../messages/error-response.js'
import { decodeParse, encodeParse, type Parse } from '../messages/parse.js'
import { endsTransaction } from './concerns.js'
import type { InterceptHost } from './host.js'
import { refuse } from './refuse.js'

export async function interceptParse(host: InterceptHost, message: Buffer): Promise<void> {
  const parse = decodeParse(message)
  if (!host.rewriter.mayConcern(parse.sql, 0, parse.sql.length)) return forwardParse(host, message, parse)
  // only then is it known whether the transaction has failed, and whether the server listens at all
  await host.drained()
  if (host.closed || host.flow.skipping) return host.forward(message)
  const lease = host.lease()
  const text = host.settings.decode(parse.sql)
  try {
    if (host.flow.status === FAILED && endsTransaction(text ?? '')) return forwardParse(host, message, parse)
    await lease.probe()
    const plan = await host.rewriter.plan(text ?? parse.sql.toString('latin1'), parse.types, lease)
    await lease.settle()
    if (plan === null) {
      await lease.leave()
      return forwardParse(host, message, parse)
    }
    if (text === null) throw host.settings.unreadable()
    const rewritten = encodeParse({ name: parse.name, sql: host.settings.encode(plan.sql), types: plan.paramTypes })
    const map = (response: Buffer) => withPosition(response, position => plan.mapPosition(position))
    host.send(rewritten, WATCH, host.memory.statements.change(parse.name, { ...plan, source: text }, map))
  } catch (error) {
    await refuse(host, lease, error, { text: text ?? undefined, name: parse.name })
  } finally {
    lease.end()
  }
}

/** An ordinary statement; but its name may hold one of ours until now. */
function forwardParse(host: InterceptHost, message: Buffer, { name }: Parse): void {
  if (host.flow.skipping || !host.memory.statements.mayHold(name)) host.forward(message)
  else host.send(message, WATCH, host.memory.statements.change(name, null))
}
