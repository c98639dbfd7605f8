// Bind of a rewritten statement: the predictions are made now and bound behind the client's own parameters. What the client gets is
// a portal of the server's, so row limits, formats and cursors are the server's own.

import { serialize } from 'pg-protocol'
import { PgError } from '../../pg-error.js'
import type { Bound, Plan } from '../../rewrite/plan.js'
import { TAKE, WATCH } from '../expected.js'
import { type Bind, decodeBind, encodeBind } from '../messages/bind.js'
import { withPosition } from '../messages/error-response.js'
import * as F from '../messages/frontend.js'
import { encodeParse } from '../messages/parse.js'
import { encodeTarget, STATEMENT } from '../messages/target.js'
import { executionOf } from './execution.js'
import type { InterceptHost } from './host.js'
import { refuse } from './refuse.js'

const OUTER = 'pgpredict_o'

export async function interceptBind(host: InterceptHost, message: Buffer): Promise<void> {
  const bind = decodeBind(message)
  // What has not been answered yet may make the statement what it is, or be the DEALLOCATE ALL that ends it.
  await host.drained()
  const plan = host.flow.skipping ? null : host.memory.statements.find(bind.statement)
  host.memory.tagged.delete(bind.portal)
  if (plan === null) return host.forward(message)
  const lease = host.lease()
  try {
    checkCount(bind, plan)
    await lease.probe()
    guard(host, plan, bind)
    const bound = await plan.run(bind.params, lease)
    await lease.settle()
    sendBind(host, plan, bind, bound)
  } catch (error) {
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
function sendBind(host: InterceptHost, plan: Plan, bind: Bind, bound: Bound): void {
  const { sql, types, params, map: position } = executionOf(plan, bound, bind.params)
  if (plan.tag) host.memory.tagged.set(bind.portal, plan)
  const map = (response: Buffer) => withPosition(response, position)
  const hide = { take: () => null, error: map }
  host.flow.unsynced = true
  if (bind.statement === '' && !('sql' in bound)) {
    host.send(encodeBind({ ...bind, params }), WATCH, { error: map })
    return
  }
  const own = encodeBind({ ...bind, params, statement: OUTER })
  const parse = encodeParse({ name: OUTER, sql: host.settings.encode(sql), types })
  const close = serialize.close({ type: 'S', name: OUTER })
  host.together(() => {
    // a Bind that failed, as for a portal that exists, has left it behind
    host.send(close, TAKE, hide)
    host.send(parse, TAKE, hide)
    host.send(own, WATCH, { error: map })
    host.send(close, TAKE, hide)
  })
}

function checkCount({ statement, params }: Bind, { paramTypes, hidden }: Plan): void {
  const wanted = paramTypes.length - hidden
  if (params.length === wanted) return
  throw new PgError({
    code: '08P01',
    message: `bind message supplies ${params.length} parameters, but prepared statement "${statement}" requires ${wanted}`,
  })
}
