// Describe ('D') and Close ('C') name a statement or a portal.

import { Reader } from './reader.js'

export const STATEMENT = 0x53
export const PORTAL = 0x50

export interface Target {
  /** STATEMENT, PORTAL, or whatever else the client sent. */
  readonly kind: number
  readonly name: string
}

export function decodeTarget(message: Buffer): Target {
  const reader = new Reader(message)
  const kind = reader.byte()
  const name = reader.name()
  reader.end()
  return { kind, name }
}

export function encodeTarget(type: number, kind: number, name: string): Buffer {
  const out = Buffer.alloc(5 + 1 + name.length + 1)
  out[0] = type
  out.writeInt32BE(out.length - 1, 1)
  out[5] = kind
  out.write(name, 6, 'latin1')
  return out
}
