// The last words to a client before its connection is closed.

import type { Duplex } from 'node:stream'
import { PgError } from '../pg-error.js'
import type { Flow } from './flow.js'
import { errorMessage } from './intercept/error-message.js'
import { Settings } from './settings.js'

/** An ErrorResponse of severity FATAL. */
export function fatalMessage(code: string, message: string, detail?: string, settings = new Settings()): Buffer {
  return errorMessage(new PgError({ code, message, detail, severity: 'FATAL' }), settings)
}

/** What a client hears when the server has closed the connection without a word of its own. */
export const serverGone = ({ nonsense }: Flow, settings: Settings): Buffer =>
  nonsense
    ? fatalMessage('08P01', 'invalid message length', undefined, settings)
    : fatalMessage('08006', 'the upstream server closed the connection unexpectedly', undefined, settings)

/** Sends the last message and closes, without waiting for a client that no longer reads. */
export function hangUp(client: Duplex, message?: Buffer): void {
  if (client.destroyed) return
  if (message === undefined) client.end()
  else client.end(message)
  // Unread input would turn the close into a reset, which can overtake the message.
  client.resume()
  setTimeout(() => client.destroy(), 2000).unref()
}
