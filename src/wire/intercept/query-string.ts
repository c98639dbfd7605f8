// A string of several statements with one of ours among them.

import { PgError } from '../../pg-error.js'
import type { Piece } from '../../rewrite/plan.js'
import { FAILED } from '../flow.js'
import { concerns, SKIPPED } from './concerns.js'
import type { InterceptHost } from './host.js'
import type { Lease } from './lease.js'
import { Pipeline } from './pipeline.js'
import { refuse } from './refuse.js'

/** Statements that run in no transaction block, or talk in COPY messages: beside a PREDICT they would have to share its pipeline. */
const ALONE = [
  /^(vacuum|cluster|reindex|alter\s+system)\b/i,
  /^(create|drop|alter)\s+(database|tablespace|subscription)\b/i,
  /^(create\s+(unique\s+)?|drop\s+)index\s+concurrently\b/i,
  /^copy\b.*\b(from\s+stdin|to\s+stdout)\b/is,
]

/** Runs the string in its own implicit transaction. Returns false, with nothing sent, when no statement is ours after all. */
export async function runString(
  host: InterceptHost,
  lease: Lease,
  pieces: readonly Piece[],
  text: string,
  readable: boolean,
): Promise<boolean> {
  const pipeline = new Pipeline(host, text)
  lease.several = true
  let piece = pieces[0]
  try {
    if (host.flow.status !== FAILED) {
      const ours = await isOurs(host, lease, pieces)
      // A transaction that the string begins must not find itself begun.
      if (lease.used) await lease.sync()
      if (!ours) return false
    }
    if (!readable) throw host.settings.unreadable()
    for (piece of pieces) refuseAlone(piece)
    for (piece of pieces) {
      lease.statement = {}
      const plan = concerns(host.rewriter, piece) ? await host.rewriter.plan(piece.sql, [], lease) : null
      await lease.settle()
      if (plan === null) pipeline.ordinary(piece)
      else {
        pipeline.prepare(piece, plan)
        const bound = await plan.run([], lease)
        await lease.settle()
        pipeline.rewritten(piece, plan, bound)
      }
    }
  } catch (error) {
    await refuse(host, lease, error, { text, offset: piece.start })
  }
  pipeline.sync()
  return true
}

/**
 * Planned before anything has run: an error may only mean that an earlier statement of the string makes what this one needs. The
 * statement is planned again in its turn. A refusal by the server ends the string here.
 */
async function isOurs(host: InterceptHost, lease: Lease, pieces: readonly Piece[]): Promise<boolean> {
  for (const piece of pieces) {
    if (!concerns(host.rewriter, piece)) continue
    try {
      if ((await host.rewriter.plan(piece.sql, [], lease)) !== null) return true
    } catch (error) {
      await lease.settle()
      if (error instanceof PgError) return true
      throw error
    }
    await lease.settle()
  }
  return false
}

function refuseAlone({ sql }: Piece): void {
  const start = SKIPPED.exec(sql)![0].length
  const statement = sql.slice(start)
  if (!ALONE.some(pattern => pattern.test(statement))) return
  throw new PgError({
    code: '0A000',
    message: `${/^\w+/.exec(statement)![0].toUpperCase()} cannot be sent in one string with PREDICT`,
    hint: 'Send it as a query of its own.',
    position: start,
  })
}
