// Where the database is: a libpq connection URL, read as libpq reads it.

import { existsSync } from 'node:fs'
import { nearest } from '../pql/nearest.js'
import { ConfigError } from './error.js'
import { maskUrl } from './mask.js'

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

export interface UpstreamServer {
  /** The URL as given: holds the password if one was given, so mask it before printing. */
  readonly url: string
  /** A host name or address, or the folder of a unix socket (then it starts with /). */
  readonly host: string
  readonly port: number
  /** For sessions of our own (the start-up report, `pgpredict sql`); clients bring their own. */
  readonly user: string | null
  readonly password: string | null
  readonly database: string | null
  readonly sslMode: SslMode
  /** PEM file of the authorities trusted for the upstream's certificate; null: the system's. */
  readonly sslRootCert: string | null
}

/** Parameters that mean something here; libpq's others belong to clients, who send them themselves. */
const KNOWN = ['host', 'port', 'user', 'password', 'dbname', 'sslmode', 'sslrootcert'] as const
const IGNORED = [
  'application_name',
  'connect_timeout',
  'options',
  'target_session_attrs',
  'gssencmode',
  'channel_binding',
  'keepalives',
]

export function parseUpstream(text: string, where: string, env: NodeJS.ProcessEnv): UpstreamServer {
  const fail = (message: string, hint?: string) => new ConfigError(`${where}: ${message}`, hint)
  const match = /^postgres(?:ql)?:\/\/(?:([^:@/?]*)(?::([^@/]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text)
  if (!match) throw fail(`"${maskUrl(text)}" is no connection URL`, 'postgres://user@host:5432/database')
  const [, user, password, authority = '', database, query = ''] = match
  if (authority.includes(','))
    throw fail('several hosts in one URL are not supported', 'name one, or a pooler that knows them')
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
    if ((KNOWN as readonly string[]).includes(name)) parameters.set(name, value)
    else if (!IGNORED.includes(name)) {
      const meant = nearest(name, KNOWN)
      throw fail(`unknown parameter "${name}" in the URL`, meant ? `did you mean ${meant}?` : undefined)
    }
  }
  const place = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(authority)
  if (!place) throw fail(`"${authority}" is no host:port`)
  const given = (part: string | undefined) => (part ? decode(part, fail) : undefined)
  const port = Number(parameters.get('port') ?? place[2] ?? env.PGPORT ?? 5432)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw fail(`"${parameters.get('port') ?? env.PGPORT}" is no port`)
  const sslMode = parameters.get('sslmode') ?? env.PGSSLMODE ?? 'prefer'
  if (!(SSL_MODES as readonly string[]).includes(sslMode)) {
    throw fail(`"${sslMode}" is no sslmode`, `one of ${SSL_MODES.join(', ')}`)
  }
  const sslRootCert = parameters.get('sslrootcert') ?? env.PGSSLROOTCERT ?? null
  if (sslRootCert && sslRootCert !== 'system' && !existsSync(sslRootCert)) throw fail(`there is no file ${sslRootCert}`)
  return {
    url: text,
    host: parameters.get('host') ?? given(place[1]?.replace(/^\[|\]$/g, '')) ?? env.PGHOST ?? 'localhost',
    port,
    user: parameters.get('user') ?? given(user) ?? env.PGUSER ?? null,
    password: parameters.get('password') ?? given(password) ?? env.PGPASSWORD ?? null,
    database: parameters.get('dbname') ?? given(database) ?? env.PGDATABASE ?? null,
    sslMode: sslMode as SslMode,
    sslRootCert: sslRootCert === 'system' ? null : sslRootCert,
  }
}

function decode(part: string, fail: (message: string) => ConfigError): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // the part may be a password, so it is not repeated
    throw fail('a % in the URL is not followed by two hex digits')
  }
}
