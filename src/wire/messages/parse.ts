// Parse ('P'): SQL text becomes a prepared statement.

import { PARSE } from './frontend.js'
import { HEADER } from './header.js'
import { Reader } from './reader.js'

export interface Parse {
  /** The client's bytes as latin1; '' is the unnamed statement. */
  readonly name: string
  /** In client_encoding. */
  readonly sql: Buffer
  /** Type oids; 0 and missing ones are for the server to infer. */
  readonly types: readonly number[]
}

export function decodeParse(message: Buffer): Parse {
  const reader = new Reader(message)
  const name = reader.name()
  const sql = reader.terminated()
  const types = Array.from({ length: reader.int16() }, () => reader.uint32())
  reader.end()
  return { name, sql, types }
}

export function encodeParse({ name, sql, types }: Parse): Buffer {
  const size = name.length + 1 + sql.length + 1 + 2 + 4 * types.length
  const out = Buffer.allocUnsafe(HEADER + size)
  out[0] = PARSE
  out.writeInt32BE(size + 4, 1)
  let at = HEADER + out.write(name, HEADER, 'latin1')
  out[at++] = 0
  at += sql.copy(out, at)
  out[at++] = 0
  at = out.writeUInt16BE(types.length, at)
  for (const type of types) at = out.writeUInt32BE(type, at)
  return out
}
