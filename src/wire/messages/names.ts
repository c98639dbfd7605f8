// The name of the prepared statement, or of the portal, that a message is about.

import * as F from './frontend.js'
import { HEADER } from './header.js'
import { Malformed, Reader } from './reader.js'
import { PORTAL, STATEMENT } from './target.js'

/** From a Parse, Bind, Describe or Close of which at least the beginning is here; null: it names none, or is malformed. */
export function statementName(message: Buffer): string | null {
  const reader = new Reader(message)
  try {
    switch (message[0]) {
      case F.PARSE:
        return reader.name()
      case F.BIND:
        reader.terminated()
        return reader.name()
      case F.DESCRIBE:
      case F.CLOSE:
        return reader.byte() === STATEMENT ? reader.name() : null
      default:
        return null
    }
  } catch (error) {
    if (error instanceof Malformed) return null
    throw error
  }
}

/** From a Bind, Execute or Close of which at least the beginning is here; null: it names none, or is malformed. */
export function portalName(message: Buffer): string | null {
  const closes = message[0] === F.CLOSE && message[HEADER] === PORTAL
  if (message[0] !== F.BIND && message[0] !== F.EXECUTE && !closes) return null
  const start = closes ? HEADER + 1 : HEADER
  const end = message.indexOf(0, start)
  return end < 0 ? null : message.toString('latin1', start, end)
}
