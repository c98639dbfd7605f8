// Authentication ('R'): relayed, but for one mechanism that only fits an unbroken TLS connection.

import { AUTHENTICATION } from './backend.js'
import { frame } from './header.js'
import { Reader } from './reader.js'

const SASL = 10
const CHANNEL_BINDING = 'SCRAM-SHA-256-PLUS'

/**
 * An AuthenticationSASL without SCRAM-SHA-256-PLUS; any other Authentication as it is. Channel binding cannot work for a client
 * without TLS, and libpq refuses a server that offers it there.
 */
export function withoutChannelBinding(message: Buffer): Buffer {
  const reader = new Reader(message)
  if (reader.int32() !== SASL) return message
  const kept: string[] = []
  for (let name = reader.name(); name !== ''; name = reader.name()) if (name !== CHANNEL_BINDING) kept.push(name)
  const code = Buffer.alloc(4)
  code.writeInt32BE(SASL)
  return frame(
    AUTHENTICATION,
    Buffer.concat([code, ...kept.map(name => Buffer.from(`${name}\0`, 'latin1')), Buffer.of(0)]),
  )
}
