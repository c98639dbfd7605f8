// Query ('Q'): one string of statements in the simple protocol.

import { HEADER } from './header.js'
import { Malformed } from './reader.js'

/** The SQL bytes of a whole Query message. */
export function decodeQuery(message: Buffer): Buffer {
  const end = message.indexOf(0, HEADER)
  if (end !== message.length - 1) throw new Malformed('query is not one string')
  return message.subarray(HEADER, end)
}
