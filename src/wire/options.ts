// What a proxy is made of.

import type { SecureContextOptions } from 'node:tls'
import type { Rewriting } from '../rewrite/plan.js'

/** libpq's sslmode, without allow. */
export type SslMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** Where Postgres is. A `host` that begins with a slash is the directory of its Unix socket, where TLS does not apply, as in libpq. */
export interface UpstreamOptions {
  readonly host: string
  readonly port: number
  readonly tls: SslMode
  /** Certificate authorities in PEM; the system's without it. With `require` they are checked too, as libpq does. */
  readonly ca?: string | Buffer
  /** Name to expect in the certificate and to send as SNI; `host` without it. */
  readonly servername?: string
  /** Time to connect, milliseconds; 10,000 without it. */
  readonly connectTimeout?: number
}

export interface ProxyOptions {
  /** `host` is 127.0.0.1 without it; port 0 picks a free one. */
  readonly listen: { readonly host?: string; readonly port: number }
  readonly upstream: UpstreamOptions
  /** Certificate and key for clients that ask for TLS; without it they are told that there is none. */
  readonly tls?: Pick<SecureContextOptions, 'cert' | 'key' | 'ca' | 'passphrase'>
  readonly rewriter: Rewriting
  readonly log?: Log
  /** A CancelRequest for a session that is not here but may be in another process behind the same port. */
  readonly onForeignCancel?: (key: Buffer) => void
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
