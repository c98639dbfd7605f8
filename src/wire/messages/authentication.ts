// Authentication ('R'): relayed, but for one mechanism that only fits an unbroken TLS connection.

import { AUTHENTICATION } from './backend.js'
import { frame } from './header.js'
import { Reader } from './reader.js'

const OK = 0
const SASL = 10
const CHANNEL_BINDING = 'SCRAM-SHA-256-PLUS'

/** Whether the server now offers SCRAM-SHA-256-PLUS; null: it says nothing about that. */
export function offersChannelBinding(message: Buffer): boolean | null {
  const reader = new Reader(message)
  const code = reader.int32()
  if (code === SASL) return mechanisms(reader).includes(CHANNEL_BINDING)
  return code === OK ? false : null
}

/**
 * An AuthenticationSASL without SCRAM-SHA-256-PLUS; any other Authentication as it is. Channel binding cannot work for a client
 * without TLS, and libpq refuses a server that offers it there.
 */
export function withoutChannelBinding(message: Buffer): Buffer {
  const reader = new Reader(message)
  if (reader.int32() !== SASL) return message
  const kept = mechanisms(reader).filter(name => name !== CHANNEL_BINDING)
  const code = Buffer.alloc(4)
  code.writeInt32BE(SASL)
  return frame(
    AUTHENTICATION,
    Buffer.concat([code, ...kept.map(name => Buffer.from(`${name}\0`, 'latin1')), Buffer.of(0)]),
  )
}

function mechanisms(reader: Reader): string[] {
  const names: string[] = []
  for (let name = reader.name(); name !== ''; name = reader.name()) names.push(name)
  return names
}
