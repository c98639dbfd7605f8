// ParameterDescription ('t'): the types of a statement's parameters.

import { PARAMETER_DESCRIPTION } from './backend.js'
import { frame } from './header.js'
import { Malformed, Reader } from './reader.js'

/** The message without its last `hidden` parameters. */
export function withoutLast(message: Buffer, hidden: number): Buffer {
  const reader = new Reader(message)
  const count = reader.int16() - hidden
  if (count < 0) throw new Malformed('fewer parameters than are ours')
  const body = Buffer.allocUnsafe(2 + 4 * count)
  body.writeUInt16BE(count, 0)
  reader.bytes(4 * count).copy(body, 2)
  return frame(PARAMETER_DESCRIPTION, body)
}

/** The types, from the message's payload. */
export function decodeParamTypes(payload: Buffer): number[] {
  return Array.from({ length: payload.readUInt16BE(0) }, (_, i) => payload.readUInt32BE(2 + 4 * i))
}
