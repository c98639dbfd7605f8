// What a proxy is made of.

import type { SecureContextOptions } from 'node:tls'
import type { Rewriting } from '../rewrite/plan.js'

/** libpq's sslmode, without allow. */
export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** Where one Postgres is. A `host` that begins with a slash is the directory of its Unix socket, where TLS does not apply, as in libpq. */
export interface UpstreamOptions {
  readonly host: string
  readonly port: number
  readonly tls: SslMode
  /** Certificate authorities in PEM; the system's without it. With `require` they are checked too, as libpq does. */
  readonly ca?: string | Buffer
  /** Certificate and key, in PEM, that the server may ask for. */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** Name to expect in the certificate and to send as SNI; `host` without it. */
  readonly servername?: string
  /** Time to connect, milliseconds; 10,000 without it. */
  readonly connectTimeout?: number
}

/** Several servers, of which a session gets one. */
export interface UpstreamChoice {
  /** All that may have sessions. */
  readonly servers: readonly UpstreamOptions[]
  /** Those to try for a session that begins now, in turn. Rejects with why none will do. */
  candidates(): Promise<readonly UpstreamOptions[]>
}

/** What a client may not exceed; 0: no limit of ours. */
export interface Limits {
  /** Sessions at a time. */
  readonly sessions: number
  /** Bytes of one message of a client's. */
  readonly message: number
  /** Milliseconds that a session may wait outside of a transaction for its client's next word. */
  readonly idle: number
  /** Milliseconds from the connection to the end of authentication. */
  readonly login: number
}

/** As the server's own authentication_timeout. */
export const defaultLimits: Limits = { sessions: 0, message: 0, idle: 0, login: 60_000 }

/** Certificate and key for clients that ask for TLS. */
export type ClientTls = Pick<SecureContextOptions, 'cert' | 'key' | 'passphrase'>

export interface ListenOptions {
  /** 127.0.0.1 without it. */
  readonly host?: string
  /** 0 picks a free one. */
  readonly port: number
  /** Also on a Unix socket in this folder, named as the server's would be. */
  readonly socketDir?: string
  /** Also for Postgres' protocol in binary WebSocket messages; with `tls` that is wss. */
  readonly ws?: { readonly host?: string; readonly port: number }
}

export interface ProxyOptions {
  readonly listen: ListenOptions
  readonly upstream: UpstreamOptions | UpstreamChoice
  /** Without it clients that ask for TLS are told that there is none. */
  readonly tls?: ClientTls
  readonly limits?: Limits
  /** Milliseconds that a server may be silent amid a query before it is asked whether it can be reached; 30,000 without it. */
  readonly silence?: number
  readonly rewriter: Rewriting
  readonly log?: Log
  /** A CancelRequest for a session that is not here but may be in another process behind the same port: true, if it is there. */
  readonly onForeignCancel?: (key: Buffer) => Promise<boolean>
  /** Sessions of those processes, which count for the limit too; they are told of ours. */
  readonly elsewhere?: { readonly sessions: number; tell(sessions: number): void }
}

/** The part of a pino logger that the wire uses. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const nothing = (): void => {}
export const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
