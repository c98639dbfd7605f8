// The beginning of a client's connection: encryption is asked for or not, then comes a start-up packet or a CancelRequest.

import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import { Malformed } from '../messages/reader.js'
import {
  CANCEL_REQUEST,
  GSSENC_REQUEST,
  MAX_STARTUP,
  SSL_REQUEST,
  startupLength,
  TLS_HANDSHAKE,
} from '../messages/startup.js'
import { readAtLeast } from './read.js'

export interface Greeting {
  /** The client's socket, the encrypted one if it is. Not flowing. */
  readonly socket: Socket
  readonly encrypted: boolean
  readonly kind: 'session' | 'cancel'
  /** The start-up packet or CancelRequest. */
  readonly packet: Buffer
  /** What the client sent behind it. */
  readonly rest: Buffer
}

/** SSLRequest and GSSENCRequest may each come once, in either order. */
const MAX_REQUESTS = 3

export async function greet(client: Socket, secureContext: SecureContext | null): Promise<Greeting> {
  let socket = client
  let bytes = await readAtLeast(socket, 1)
  if (bytes[0] === TLS_HANDSHAKE) {
    if (secureContext === null) throw new Malformed('direct TLS connection, but no certificate is configured')
    const encrypted = await encrypt(socket, bytes, secureContext)
    // Without this check a browser could be made to speak TLS to a database.
    if (encrypted.alpnProtocol !== 'postgresql')
      throw new Malformed('direct TLS connection without ALPN protocol postgresql')
    socket = encrypted
    bytes = await readAtLeast(socket, 1)
  }
  for (let requests = 0; requests < MAX_REQUESTS; requests++) {
    const length = startupLength(bytes)
    if (length === null || bytes.length < length) {
      bytes = Buffer.concat([bytes, await readAtLeast(socket, (length ?? 8) - bytes.length)])
      requests--
      continue
    }
    const code = bytes.readInt32BE(4)
    if (code !== SSL_REQUEST && code !== GSSENC_REQUEST) {
      return {
        socket,
        encrypted: socket instanceof TLSSocket,
        kind: code === CANCEL_REQUEST ? 'cancel' : 'session',
        packet: bytes.subarray(0, length),
        rest: bytes.subarray(length),
      }
    }
    // Sent before the answer, it was not encrypted and may be an attacker's (CVE-2021-23214).
    if (bytes.length > length) throw new Malformed('received unencrypted data after encryption request')
    if (code === SSL_REQUEST && secureContext !== null && !(socket instanceof TLSSocket)) {
      socket.write('S')
      socket = await encrypt(socket, null, secureContext)
    } else socket.write('N')
    bytes = await readAtLeast(socket, 1)
  }
  throw new Malformed(
    `more than ${MAX_REQUESTS - 1} encryption requests, or a start-up packet beyond ${MAX_STARTUP} bytes`,
  )
}

function encrypt(socket: Socket, already: Buffer | null, secureContext: SecureContext): Promise<TLSSocket> {
  if (already !== null) socket.unshift(already)
  const encrypted = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['postgresql'] })
  encrypted.setNoDelay(true)
  // Errors have a listener at every moment of a socket's life, or they end the process.
  encrypted.on('error', () => {})
  return new Promise((resolve, reject) => {
    encrypted.once('secure', () => {
      encrypted.off('error', reject)
      resolve(encrypted)
    })
    encrypted.once('error', reject)
    encrypted.once('close', () => reject(new Error('connection closed during the TLS handshake')))
  })
}
