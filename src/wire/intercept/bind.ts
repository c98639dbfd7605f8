// Bind of a rewritten statement: the predictions are made now and bound behind the client's own parameters. What the client gets is
// a portal of the server's, so row limits, formats and cursors are the server's own.

import { PgError } from '../../pg-error.js'
import type { Plan } from '../../rewrite/plan.js'
import { TAKE, WATCH } from '../expected.js'
import { type Bind, decodeBind, encodeBind } from '../messages/bind.js'
import { withPosition } from '../messages/error-response.js'
import * as F from '../messages/frontend.js'
import { encodeTarget, STATEMENT } from '../messages/target.js'
import { type Execution, executionOf } from './execution.js'
import type { InterceptHost } from './host.js'
import { refuse } from './refuse.js'
import { bindAfresh } from './unfinished.js'

export async function interceptBind(host: InterceptHost, message: Buffer): Promise<void> {
  const bind = decodeBind(message)
  // What has not been answered yet may make the statement what it is, or be the DEALLOCATE ALL that ends it.
  await host.drained()
  const { statements, tagged, portals } = host.memory
  const plan = host.flow.skipping ? null : statements.find(bind.statement)
  tagged.delete(bind.portal)
  portals.release(bind.portal)
  if (plan === null) return host.forward(message)
  const lease = host.lease()
  lease.pipelined = true
  const parts = plan.parts?.(bind.params, lease)
  try {
    checkCount(bind, plan)
    await lease.probe()
    guard(host, plan, bind)
    const bound = await (parts ? parts.next() : plan.run(bind.params, lease))
    await lease.settle()
    const execution = executionOf(plan, bound, bind.params)
    if (plan.tag) tagged.set(bind.portal, plan)
    // the rest is made for whoever executes it
    const unfinished = parts && !('last' in bound && bound.last)
    if (unfinished) portals.add({ plan, bind, parts, lease, execution, last: false, fetched: 0 })
    const release = () => portals.release(bind.portal)
    sendBind(host, bind, execution, 'sql' in bound, unfinished ? release : () => {})
  } catch (error) {
    parts?.close()
    await refuse(host, lease, error, { text: plan.source })
  } finally {
    lease.end()
  }
}

/**
 * Errors that belong to the client's own statement come before anything is predicted: that it is gone, that it has become wrong, or would
 * return other columns than before.
 */
function guard(host: InterceptHost, plan: Plan, { statement }: Bind): void {
  const error = (response: Buffer) => withPosition(response, position => plan.mapPosition(position))
  host.send(encodeTarget(F.DESCRIBE, STATEMENT, statement), TAKE, { take: () => null, error })
}

/**
 * A named statement's sixth execution may get a plan made without a look at the parameters, which takes every unnest() for ten
 * rows. So each Bind of one prepares the text afresh under a name of ours.
 */
function sendBind(host: InterceptHost, bind: Bind, execution: Execution, replaced: boolean, failed: () => void): void {
  const error = (response: Buffer) => {
    failed()
    return withPosition(response, execution.map)
  }
  host.flow.unsynced = true
  if (bind.statement === '' && !replaced)
    host.send(encodeBind({ ...bind, params: execution.params }), WATCH, { error, skipped: failed })
  else bindAfresh(host, bind, execution, { take: (_, message) => message, error, skipped: failed })
}

function checkCount({ statement, params }: Bind, { paramTypes, hidden }: Plan): void {
  const wanted = paramTypes.length - hidden
  if (params.length === wanted) return
  throw new PgError({
    code: '08P01',
    message: `bind message supplies ${params.length} parameters, but prepared statement "${statement}" requires ${wanted}`,
  })
}
