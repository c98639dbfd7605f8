// The first packets of a connection carry no type byte: a length and a code that says what they are.

import { Malformed, Reader } from './reader.js'

/** The server reads no longer start-up packet (MAX_STARTUP_PACKET_LENGTH). */
const MAX_STARTUP = 10_000

export const CANCEL_REQUEST = 80877102
export const SSL_REQUEST = 80877103
export const GSSENC_REQUEST = 80877104

/** First byte of a TLS handshake: a client that encrypts without asking. */
export const TLS_HANDSHAKE = 0x16

export const sslRequest = (): Buffer => request(SSL_REQUEST, Buffer.alloc(0))

/** `key`: what BackendKeyData carried, process id and secret, 8 bytes in protocol 3.0, up to 260 in 3.2. */
export const cancelRequest = (key: Buffer): Buffer => request(CANCEL_REQUEST, key)

/** True for a walsender's session, whose messages are not ours to understand. */
export function asksForReplication(packet: Buffer): boolean {
  const value = startupParameters(packet).get('replication')
  return value !== undefined && !['false', 'off', 'no', '0', ''].includes(value.toLowerCase())
}

/** Named after the user where the client names none. */
export function startupDatabase(packet: Buffer): string {
  const parameters = startupParameters(packet)
  return parameters.get('database') || (parameters.get('user') ?? '')
}

/** As many as can be read: a malformed packet is the server's to refuse. */
function startupParameters(packet: Buffer): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  const reader = new Reader(packet, 8)
  try {
    for (let name = reader.name(); name !== ''; name = reader.name()) parameters.set(name, reader.name())
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
  }
  return parameters
}

/** Bytes needed to have the packet that begins here, or to know how many; null: no packet begins so. */
export function startupLength(bytes: Buffer): number | null {
  if (bytes.length < 8) return 8
  const length = bytes.readInt32BE(0)
  return length < 8 || length > MAX_STARTUP ? null : length
}

function request(code: number, rest: Buffer): Buffer {
  const out = Buffer.alloc(8 + rest.length)
  out.writeInt32BE(out.length, 0)
  out.writeInt32BE(code, 4)
  rest.copy(out, 8)
  return out
}
