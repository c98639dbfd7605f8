// Where the database is: a libpq connection URL, read as libpq reads it.

import { existsSync } from 'node:fs'
import { nearest } from '../pql/nearest.js'
import type { Address } from './address.js'
import { ConfigError } from './error.js'
import { maskUrl } from './mask.js'

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof SSL_MODES)[number]

export const SESSION_ATTRS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
/** Which of several servers a session may have. */
export type SessionAttrs = (typeof SESSION_ATTRS)[number]

export interface UpstreamServer {
  /** The URL as given: holds the password if one was given, so mask it before printing. */
  readonly url: string
  /** One or more, to be tried in turn. `host`: a name or address, or the folder of a Unix socket (then it starts with /). */
  readonly hosts: readonly Address[]
  readonly sessionAttrs: SessionAttrs
  /** Try the hosts in an order of chance. */
  readonly balance: boolean
  /** For sessions of our own (the start-up report, `pgpredict sql`); clients bring their own. */
  readonly user: string | null
  readonly password: string | null
  readonly database: string | null
  readonly sslMode: SslMode
  /** PEM file of the authorities trusted for the upstream's certificate; null: the system's. */
  readonly sslRootCert: string | null
  /** PEM files that the server may ask for. */
  readonly sslCert: string | null
  readonly sslKey: string | null
  /** Seconds to wait for a connection; null: the default. */
  readonly connectTimeout: number | null
}

/** Parameters that mean something here; libpq's others belong to clients, who send them themselves. */
const KNOWN = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'target_session_attrs',
  'load_balance_hosts',
  'connect_timeout',
] as const
const IGNORED = ['application_name', 'options', 'gssencmode', 'channel_binding', 'keepalives']

/** Throws ConfigError, naming `where` the URL stands. */
export function parseUpstream(text: string, where: string, env: NodeJS.ProcessEnv): UpstreamServer {
  const fail = (message: string, hint?: string) => new ConfigError(`${where}: ${message}`, hint)
  const match = /^postgres(?:ql)?:\/\/(?:([^:@/?]*)(?::([^@/]*))?@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text)
  if (!match) throw fail(`"${maskUrl(text)}" is no connection URL`, 'postgres://user@host:5432/database')
  const [, user, password, authority = '', database, query = ''] = match
  const parameters = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
    if ((KNOWN as readonly string[]).includes(name)) parameters.set(name, value)
    else if (!IGNORED.includes(name)) {
      const meant = nearest(name, KNOWN)
      throw fail(`unknown parameter "${name}" in the URL`, meant ? `did you mean ${meant}?` : undefined)
    }
  }
  const given = (part: string | undefined) => (part ? decode(part, fail) : undefined)
  const oneOf = <T extends string>(name: string, choices: readonly T[], value: string): T => {
    if ((choices as readonly string[]).includes(value)) return value as T
    throw fail(`"${value}" is no ${name}`, `one of ${choices.join(', ')}`)
  }
  const file = (name: string, variable: string) => {
    const value = parameters.get(name) ?? env[variable] ?? null
    if (value && value !== 'system' && !existsSync(value)) throw fail(`there is no file ${value}`)
    return value === 'system' ? null : value
  }
  const sslCert = file('sslcert', 'PGSSLCERT')
  const sslKey = file('sslkey', 'PGSSLKEY')
  if (!sslCert !== !sslKey) throw fail('sslcert and sslkey go together')
  const timeout = parameters.get('connect_timeout') ?? env.PGCONNECT_TIMEOUT
  if (timeout !== undefined && !/^\d+$/.test(timeout)) throw fail(`"${timeout}" is no connect_timeout: whole seconds`)
  return {
    url: text,
    hosts: parseHosts(authority, parameters, env, fail),
    sessionAttrs: oneOf(
      'target_session_attrs',
      SESSION_ATTRS,
      parameters.get('target_session_attrs') ?? env.PGTARGETSESSIONATTRS ?? 'any',
    ),
    balance:
      oneOf('load_balance_hosts', ['disable', 'random'], parameters.get('load_balance_hosts') ?? 'disable') ===
      'random',
    user: parameters.get('user') ?? given(user) ?? env.PGUSER ?? null,
    password: parameters.get('password') ?? given(password) ?? env.PGPASSWORD ?? null,
    database: parameters.get('dbname') ?? given(database) ?? env.PGDATABASE ?? null,
    sslMode: oneOf('sslmode', SSL_MODES, parameters.get('sslmode') ?? env.PGSSLMODE ?? 'prefer'),
    sslRootCert: file('sslrootcert', 'PGSSLROOTCERT'),
    sslCert,
    sslKey,
    connectTimeout: Number(timeout ?? 0) || null,
  }
}

type Fail = (message: string, hint?: string) => ConfigError

/** `a:1,b,[::1]:2`, or the lists of the parameters host and port; one port does for all hosts. */
function parseHosts(
  authority: string,
  parameters: ReadonlyMap<string, string>,
  env: NodeJS.ProcessEnv,
  fail: Fail,
): Address[] {
  const places = authority.split(',').map(part => {
    const place = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(part)
    if (!place) throw fail(`"${part}" is no host:port`)
    return { host: decode(place[1]!.replace(/^\[|\]$/g, ''), fail), port: place[2] }
  })
  const hosts = parameters.get('host')?.split(',') ?? places.map(({ host }) => host)
  const ports = parameters.get('port')?.split(',') ?? places.map(({ port }) => port ?? '')
  if (ports.length !== 1 && ports.length !== hosts.length)
    throw fail(`${hosts.length} hosts, but ${ports.length} ports`)
  return hosts.map((host, i) => {
    const text = (ports.length === 1 ? ports[0] : ports[i]) || env.PGPORT || '5432'
    const port = Number(text)
    if (!/^\d+$/.test(text) || port < 1 || port > 65_535) throw fail(`"${text}" is no port`)
    return { host: host || env.PGHOST || 'localhost', port }
  })
}

function decode(part: string, fail: Fail): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // the part may be a password, so it is not repeated
    throw fail('a % in the URL is not followed by two hex digits')
  }
}
