// A connection to Postgres, encrypted as libpq's sslmode would have it.

import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect as connectTls } from 'node:tls'
import { sslRequest } from '../messages/startup.js'
import type { UpstreamOptions } from '../options.js'
import { readAtLeast } from './read.js'

export interface UpstreamConnection {
  /** Not flowing yet. */
  readonly socket: Socket
  readonly encrypted: boolean
  /** Where it leads. */
  readonly server: UpstreamOptions
}

/** A peer that has vanished without a word, as a cut network makes it, is noticed within a minute. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 30_000 }

const YES = 0x53
const NO = 0x4e

/** The first of the servers that can be reached. Rejects with an Error that names each and its reason. */
export async function connectFirst(servers: readonly UpstreamOptions[]): Promise<UpstreamConnection> {
  const reasons: string[] = []
  for (const server of servers) {
    try {
      return await connectUpstream(server)
    } catch (error) {
      reasons.push((error as Error).message)
    }
  }
  throw new Error(reasons.join('; '))
}

/** Why there is no way to the host of the server; null: there is, be there a server or not. */
export async function reach(options: UpstreamOptions): Promise<string | null> {
  if (options.host.startsWith('/')) return null
  try {
    const socket = await dial(options)
    socket.destroy()
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? null : (error as Error).message
  }
}

/** Rejects with an Error whose message names the server and the reason. */
export async function connectUpstream(options: UpstreamOptions): Promise<UpstreamConnection> {
  const { host, port, tls } = options
  const local = host.startsWith('/')
  try {
    if (local || tls === 'disable') return { socket: await dial(options), encrypted: false, server: options }
    return { ...(await dialEncrypted(options)), server: options }
  } catch (error) {
    const where = local ? `on socket "${host}/.s.PGSQL.${port}"` : `at "${host}", port ${port}`
    throw new Error(`could not connect to the upstream server ${where}: ${(error as Error).message}`, { cause: error })
  }
}

async function dialEncrypted(options: UpstreamOptions): Promise<Omit<UpstreamConnection, 'server'>> {
  const plain = await dial(options)
  const clock = setTimeout(() => plain.destroy(new Error('no answer to the encryption request')), patience(options))
  try {
    plain.write(sslRequest())
    const answer = await readAtLeast(plain, 1)
    // Anything behind the answer was not encrypted and may be an attacker's (CVE-2021-23222).
    if (answer.length > 1) throw new Error('received unencrypted data after the answer to an encryption request')
    if (answer[0] === NO) {
      if (options.tls === 'prefer') return { socket: plain, encrypted: false }
      throw new Error(`the server does not support TLS, but sslmode is ${options.tls}`)
    }
    if (answer[0] !== YES) throw new Error('the server did not answer the encryption request')
    const socket = connectTls({ socket: plain, ...verification(options), ALPNProtocols: ['postgresql'] })
    socket.on('error', () => {})
    await once(socket, 'secureConnect')
    socket.setNoDelay(true)
    return { socket, encrypted: true }
  } catch (error) {
    plain.destroy()
    if (options.tls !== 'prefer') throw error
    return { socket: await dial(options), encrypted: false }
  } finally {
    clearTimeout(clock)
  }
}

/** require asks for encryption alone, unless there is an authority to ask about the certificate. */
function verification({ tls, ca, cert, key, host, servername = host }: UpstreamOptions): ConnectionOptions {
  const verify = tls === 'verify-ca' || tls === 'verify-full' || (tls === 'require' && ca !== undefined)
  return {
    ca,
    cert,
    key,
    // SNI knows no addresses.
    servername: isIP(servername) ? '' : servername,
    rejectUnauthorized: verify,
    checkServerIdentity:
      tls === 'verify-full' ? (_, certificate) => checkServerIdentity(servername, certificate) : () => undefined,
  }
}

const patience = ({ connectTimeout = 10_000 }: UpstreamOptions) => connectTimeout

async function dial(options: UpstreamOptions): Promise<Socket> {
  const { host, port } = options
  const where = host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
  const socket = connect({ ...where, allowHalfOpen: true, noDelay: true, ...KEEP_ALIVE })
  // Errors have a listener at every moment of a socket's life, or they end the process.
  socket.on('error', () => {})
  const clock = setTimeout(() => socket.destroy(new Error('no connection in time')), patience(options))
  try {
    await once(socket, 'connect')
    return socket
  } finally {
    clearTimeout(clock)
  }
}
