// A simple Query that concerns us. One statement becomes helper queries and an extended pipeline of the rewritten one, with the
// messages cut out of the answer that the simple protocol does not have; several become one pipeline with one Sync.

import { serialize } from 'pg-protocol'
import type { Piece } from '../../rewrite/plan.js'
import { FAILED } from '../flow.js'
import { decodeQuery } from '../messages/query.js'
import { concerns, endsTransaction } from './concerns.js'
import type { InterceptHost } from './host.js'
import type { Lease } from './lease.js'
import { Pipeline } from './pipeline.js'
import { runString } from './query-string.js'
import { refuse } from './refuse.js'
import { finishPortals } from './unfinished.js'

export async function interceptQuery(host: InterceptHost, message: Buffer): Promise<void> {
  const sql = decodeQuery(message)
  await host.drained()
  // An earlier failure may have turned this message into one that the server ignores; and COPY takes no queries.
  if (host.closed || host.flow.skipping || host.flow.copying) return host.forward(message)
  const decoded = host.settings.decode(sql)
  const text = decoded ?? sql.toString('latin1')
  if (!host.memory.portals.empty && !(await finishPortals(host, text))) return host.forward(serialize.sync())
  const pieces = host.rewriter.split(text, host.settings.standardConformingStrings)
  if (!pieces.some(piece => concerns(host.rewriter, piece))) return host.forward(message)
  if (host.flow.status === FAILED && pieces.length === 1 && endsTransaction(text)) return host.forward(message)
  const lease = host.lease()
  try {
    const intercepted =
      pieces.length === 1
        ? await runOne(host, lease, pieces[0], text, decoded !== null)
        : await runString(host, lease, pieces, text, decoded !== null)
    if (!intercepted) host.forward(message)
  } finally {
    lease.end()
  }
}

async function runOne(
  host: InterceptHost,
  lease: Lease,
  piece: Piece,
  text: string,
  readable: boolean,
): Promise<boolean> {
  const pipeline = new Pipeline(host, text)
  try {
    await lease.probe()
    const plan = await host.rewriter.plan(piece.sql, [], lease)
    await lease.settle()
    if (plan === null) {
      if (lease.used) await lease.sync()
      return false
    }
    if (!readable) throw host.settings.unreadable()
    pipeline.prepare(piece, plan)
    if (plan.parts) await pipeline.sliced(piece, plan, plan.parts([], lease), lease)
    else {
      const bound = await plan.run([], lease)
      await lease.settle()
      pipeline.rewritten(piece, plan, bound)
    }
  } catch (error) {
    await refuse(host, lease, error, { text, offset: piece.start })
  }
  pipeline.sync()
  return true
}
