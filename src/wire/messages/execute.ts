// Execute ('E'): runs a portal, all of it or a number of rows.

import { EXECUTE } from './frontend.js'
import { HEADER } from './header.js'
import { Reader } from './reader.js'

export interface Execute {
  readonly portal: string
  /** Most rows; 0: all of them. */
  readonly limit: number
}

export function decodeExecute(message: Buffer): Execute {
  const reader = new Reader(message)
  const portal = reader.name()
  const limit = reader.int32()
  reader.end()
  // as the server reads it
  return { portal, limit: Math.max(0, limit) }
}

export function encodeExecute({ portal, limit }: Execute): Buffer {
  const out = Buffer.alloc(HEADER + portal.length + 1 + 4)
  out[0] = EXECUTE
  out.writeInt32BE(out.length - 1, 1)
  out.write(portal, HEADER, 'latin1')
  out.writeInt32BE(limit, out.length - 4)
  return out
}
