// An intercepted message ends in an error. The server must be in the state that the error implies, so the server raises it: a Parse
// that cannot succeed, whose ErrorResponse is replaced by ours.

import { WATCH } from '../expected.js'
import { isFatal } from '../messages/error-response.js'
import { encodeParse } from '../messages/parse.js'
import { errorMessage, toPgError } from './error-message.js'
import type { InterceptHost } from './host.js'
import type { Lease } from './lease.js'

export interface Blame {
  /** What the client sent, and where the statement at fault begins in it (UTF-16 units). */
  readonly text?: string
  readonly offset?: number
  /** The statement name of the Parse that fails: an unnamed one is lost by a failing Parse. */
  readonly name?: string
}

/** Answers the intercepted message with what was thrown. Sends no Sync. */
export async function refuse(host: InterceptHost, lease: Lease, thrown: unknown, blame: Blame = {}): Promise<void> {
  await lease.quiet()
  if (host.closed || lease.skipped) return
  const { text, offset, name } = blame
  const verdict = lease.verdict(thrown)
  const error = toPgError(verdict)
  if (error.code === 'XX000' && error !== verdict) host.log.error({ err: thrown }, 'interception failed')
  const response = errorMessage(error, host.settings, text, offset)
  if (lease.failure !== null) {
    // The server has failed already. A FATAL error has reached the client as it came.
    if (lease.failure.severity !== 'FATAL') host.aside(response)
    return
  }
  host.send(
    encodeParse({ name: name ?? 'pgpredict_error', sql: failing(error.code, error.message), types: [] }),
    WATCH,
    {
      // should the server end the session instead, that is what happened
      error: message => (isFatal(message) ? message : response),
      done: () => host.fail(new Error('the server accepted a statement that cannot be parsed')),
    },
  )
}

/** A syntax error to any Postgres, and in its log the reason. */
function failing(code: string, message: string): Buffer {
  return Buffer.from(`pgpredict refuses: ${code} ${message.replace(/[^ -~]/g, '?')}`, 'latin1')
}
