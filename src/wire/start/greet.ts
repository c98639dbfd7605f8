// The beginning of a client's connection: encryption is asked for or not, then comes a start-up packet or a CancelRequest.

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import { CANCEL_REQUEST, GSSENC_REQUEST, SSL_REQUEST, startupLength, TLS_HANDSHAKE } from '../messages/startup.js'
import { readAtLeast } from './read.js'

export interface Greeting {
  /** The client's socket, the encrypted one if it is. Not flowing. */
  readonly socket: Duplex
  readonly encrypted: boolean
  readonly kind: 'session' | 'cancel'
  /** The start-up packet or CancelRequest. */
  readonly packet: Buffer
  /** What the client sent behind it. */
  readonly rest: Buffer
}

/** A client that is told why it is not served. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly socket: Duplex,
  ) {
    super(message)
  }
}

/** SSLRequest and GSSENCRequest may each come once, in either order. */
const MAX_REQUESTS = 2

/** Without a context TLS is declined; with one, `client` is a socket of the operating system's. */
export async function greet(client: Duplex, secureContext: SecureContext | null): Promise<Greeting> {
  let socket = client
  let bytes = await readAtLeast(socket, 1)
  if (bytes[0] === TLS_HANDSHAKE) {
    // Someone who speaks TLS could not read an error in plain.
    if (secureContext === null) throw new Error('direct TLS connection, but no certificate is configured')
    const encrypted = await encrypt(socket as Socket, bytes, secureContext)
    // Without this check a browser could be made to speak TLS to a database.
    if (encrypted.alpnProtocol !== 'postgresql')
      throw new Error('direct TLS connection without ALPN protocol postgresql')
    socket = encrypted
    bytes = Buffer.alloc(0)
  }
  for (let requests = 0; ; requests++) {
    const { packet, rest } = await readPacket(socket, bytes)
    const code = packet.readInt32BE(4)
    if (code !== SSL_REQUEST && code !== GSSENC_REQUEST) {
      const kind = code === CANCEL_REQUEST ? 'cancel' : 'session'
      return { socket, encrypted: socket instanceof TLSSocket, kind, packet, rest }
    }
    if (requests === MAX_REQUESTS) throw new Refused('too many encryption requests', socket)
    // Sent before the answer, it was not encrypted and may be an attacker's (CVE-2021-23214).
    if (rest.length > 0) throw new Refused('received unencrypted data after encryption request', socket)
    if (code === SSL_REQUEST && secureContext !== null && !(socket instanceof TLSSocket)) {
      socket.write('S')
      socket = await encrypt(socket as Socket, null, secureContext)
    } else socket.write('N')
    bytes = Buffer.alloc(0)
  }
}

/** A whole packet that begins with `bytes`, and what has come behind it. */
async function readPacket(socket: Duplex, bytes: Buffer): Promise<{ packet: Buffer; rest: Buffer }> {
  for (let here = bytes; ; ) {
    const length = startupLength(here)
    // Closed without a word, as the server does: whoever sent this may not speak the protocol at all.
    if (length === null) throw new Error('invalid length of startup packet')
    if (here.length >= length) return { packet: here.subarray(0, length), rest: here.subarray(length) }
    here = Buffer.concat([here, await readAtLeast(socket, length - here.length)])
  }
}

function encrypt(socket: Socket, already: Buffer | null, secureContext: SecureContext): Promise<TLSSocket> {
  if (already !== null) socket.unshift(already)
  const encrypted = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['postgresql'] })
  encrypted.setNoDelay(true)
  // Errors have a listener at every moment of a socket's life, or they end the process.
  encrypted.on('error', () => {})
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => settle(() => reject(error))
    const onEnd = () => onError(new Error('connection closed during the TLS handshake'))
    const settle = (then: () => void) => {
      encrypted.off('error', onError).off('end', onEnd).off('close', onEnd)
      then()
    }
    encrypted.once('secure', () => settle(() => resolve(encrypted)))
    encrypted.once('error', onError).once('end', onEnd).once('close', onEnd)
  })
}
