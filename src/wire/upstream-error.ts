// An ErrorResponse to a helper query, as an exception.

import { PgError } from '../pg-error.js'
import { decodeFields, ENDING, type Fields } from './messages/error-response.js'

/** Names under which helper queries run, and what they hold. */
const OURS = /\bpgpredict_[a-z]\w*/

/**
 * The server refused a statement of ours. A PgError, so that every room may look at its code and message; the fields keep what the
 * server said to the byte, but for the position, which lies in text that the client never saw.
 */
export class UpstreamError extends PgError {
  override readonly name = 'UpstreamError'

  constructor(
    readonly response: Fields,
    serverPosition?: number,
  ) {
    const text = (code: string) => response.get(code)?.toString('utf8')
    super({
      code: text('C') ?? 'XX000',
      message: text('M') ?? 'the upstream server reported an error',
      detail: text('D'),
      hint: text('H'),
      severity: ENDING.includes(text('V') ?? text('S') ?? '') ? 'FATAL' : 'ERROR',
      serverPosition,
    })
  }

  static from(message: Buffer): UpstreamError {
    const fields = new Map(decodeFields(message))
    const position = Number(fields.get('P')?.toString() ?? Number.NaN)
    fields.delete('P')
    const where = fields.get('W')
    if (where) {
      // portals and statements of ours that the client never made
      const lines = where.toString('latin1').split('\n')
      const theirs = lines.filter(line => !OURS.test(line)).join('\n')
      if (theirs === '') fields.delete('W')
      else fields.set('W', Buffer.from(theirs, 'latin1'))
    }
    return new UpstreamError(fields, Number.isNaN(position) ? undefined : position)
  }

  /** A cached helper statement no longer fits: it is gone, or a table that it reads has changed. */
  get stale(): boolean {
    return (
      this.code === '26000' || (this.code === '0A000' && this.response.get('R')?.toString() === 'RevalidateCachedQuery')
    )
  }
}
