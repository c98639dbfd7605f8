// The settings of one proxy: from flags, then the environment, then pgpredict.toml, then defaults.

import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import type { UserSchema } from '../graph/catalog/declared.js'
import { type Address, formatAddress, parseAddress } from './address.js'
import { ConfigError } from './error.js'
import { type FileSettings, type NumberKey, parseFile } from './file.js'
import { maskUrl } from './mask.js'
import { parseUpstream, type UpstreamServer } from './upstream.js'

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface Limits {
  /** Sessions at a time; 0: as many as the upstream takes. */
  readonly connections: number
  /** Of one message of a client's; 0: as much as the upstream takes. */
  readonly messageMegabytes: number
  /** That a session may wait for its client's next word outside of a transaction; 0: for ever. */
  readonly idleSeconds: number
  /** From the connection to the end of authentication; 0: for ever. */
  readonly loginSeconds: number
}

export interface Config {
  readonly listen: Address
  /** A folder for a Unix socket beside it. */
  readonly socketDir: string | null
  /** Where to listen for WebSockets. */
  readonly listenWs: Address | null
  /** Processes that carry sessions. */
  readonly workers: number
  readonly limits: Limits
  readonly upstream: UpstreamServer
  /** PEM files; null: clients that ask for TLS are told no. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** What the user says about tables, columns and links that have no foreign key. */
  readonly schema: UserSchema
  /** Use undeclared links that the data supports, without asking. */
  readonly inferLinks: boolean
  /** Folder of a network that corrects the closed-form models; null: they answer alone. */
  readonly model: string | null
  readonly logLevel: LogLevel
  /** The file that was read, or null. */
  readonly file: string | null
}

/** What holds where nothing is said; there is no default upstream. */
export const defaults: Omit<Config, 'upstream'> = {
  listen: { host: '127.0.0.1', port: 6543 },
  socketDir: null,
  listenWs: null,
  workers: 1,
  limits: { connections: 0, messageMegabytes: 0, idleSeconds: 0, loginSeconds: 60 },
  tls: null,
  schema: { tables: [] },
  inferLinks: false,
  model: null,
  logLevel: 'warn',
  file: null,
}

/** Values as typed on the command line. */
export interface Flags {
  readonly listen?: string
  readonly socketDir?: string
  readonly listenWs?: string
  readonly workers?: string
  readonly maxConnections?: string
  readonly idleTimeout?: string
  readonly loginTimeout?: string
  readonly maxMessage?: string
  readonly upstream?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly inferLinks?: boolean
  readonly model?: string
  readonly logLevel?: string
  readonly config?: string
}

const DEFAULT_FILE = 'pgpredict.toml'

/** Throws ConfigError, saying where the bad value stands. */
export function loadConfig(flags: Flags, env: NodeJS.ProcessEnv = process.env): Config {
  const { settings, file } = readSettings(flags.config ?? env.PGPREDICT_CONFIG)
  const pick = (
    flag: string | undefined,
    flagName: string,
    variable: string,
    value: string | undefined,
    key: string,
  ) => {
    if (flag !== undefined) return { text: flag, where: flagName }
    if (env[variable]) return { text: env[variable], where: variable }
    return value === undefined ? null : { text: value, where: `${file}: ${key}` }
  }
  const number = (flag: string | undefined, flagName: string, variable: string, key: NumberKey): number | undefined => {
    const picked = pick(flag, flagName, variable, settings.numbers[key]?.toString(), key)
    if (!picked) return undefined
    if (!/^\d{1,9}$/.test(picked.text)) throw new ConfigError(`${picked.where}: "${picked.text}" is no whole number`)
    return Number(picked.text)
  }
  const listen = pick(flags.listen, '--listen', 'PGPREDICT_LISTEN', settings.listen, 'listen')
  const socketDir = pick(flags.socketDir, '--socket-dir', 'PGPREDICT_SOCKET_DIR', settings.socketDir, 'socket_dir')
  const ws = pick(flags.listenWs, '--listen-ws', 'PGPREDICT_LISTEN_WS', settings.listenWs, 'listen_ws')
  const upstream =
    pick(flags.upstream, '--upstream', 'PGPREDICT_UPSTREAM', undefined, '') ??
    pick(undefined, '', 'DATABASE_URL', settings.upstream, 'upstream')
  const cert = pick(flags.tlsCert, '--tls-cert', 'PGPREDICT_TLS_CERT', settings.tls?.cert, 'tls.cert')
  const key = pick(flags.tlsKey, '--tls-key', 'PGPREDICT_TLS_KEY', settings.tls?.key, 'tls.key')
  const model = pick(flags.model, '--model', 'PGPREDICT_MODEL', settings.model, 'model')
  const level = pick(flags.logLevel, '--log-level', 'PGPREDICT_LOG_LEVEL', settings.logLevel, 'log_level')
  if (!upstream) {
    throw new ConfigError('no upstream database', 'pgpredict --upstream postgres://user@host:5432/database')
  }
  if (!cert !== !key)
    throw new ConfigError(
      `${(cert ?? key)!.where} is set without its other half: a certificate and its key go together`,
    )
  const { limits } = defaults
  const workers = number(flags.workers, '--workers', 'PGPREDICT_WORKERS', 'workers') ?? availableParallelism()
  if (workers === 0) throw new ConfigError('workers: at least one process has to carry the sessions')
  return {
    listen: listen ? parseAddress(listen.text, listen.where) : defaults.listen,
    socketDir: socketDir ? readable(socketDir) : null,
    listenWs: ws ? parseAddress(ws.text, ws.where) : null,
    workers,
    limits: {
      connections:
        number(flags.maxConnections, '--max-connections', 'PGPREDICT_MAX_CONNECTIONS', 'limits.connections') ??
        limits.connections,
      messageMegabytes:
        number(flags.maxMessage, '--max-message', 'PGPREDICT_MAX_MESSAGE', 'limits.message_megabytes') ??
        limits.messageMegabytes,
      idleSeconds:
        number(flags.idleTimeout, '--idle-timeout', 'PGPREDICT_IDLE_TIMEOUT', 'limits.idle_seconds') ??
        limits.idleSeconds,
      loginSeconds:
        number(flags.loginTimeout, '--login-timeout', 'PGPREDICT_LOGIN_TIMEOUT', 'limits.login_seconds') ??
        limits.loginSeconds,
    },
    upstream: parseUpstream(upstream.text, upstream.where, env),
    tls: cert && key ? { cert: readable(cert), key: readable(key) } : null,
    schema: settings.schema,
    inferLinks: flags.inferLinks ?? flag(env, 'PGPREDICT_INFER_LINKS') ?? settings.inferLinks ?? defaults.inferLinks,
    model: model ? readable({ ...model, text: resolve(model.text) }) : null,
    logLevel: level ? parseLevel(level.text, level.where) : defaults.logLevel,
    file,
  }
}

function readSettings(named: string | undefined): { settings: FileSettings; file: string | null } {
  const file = named ?? DEFAULT_FILE
  if (named === undefined && !existsSync(file)) return { settings: { schema: { tables: [] }, numbers: {} }, file: null }
  try {
    return { settings: parseFile(readFileSync(file, 'utf8'), file), file }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new ConfigError(`cannot read ${file}: ${(error as Error).message}`)
  }
}

function readable({ text, where }: { text: string; where: string }): string {
  if (!existsSync(text)) throw new ConfigError(`${where}: there is no file ${text}`)
  return text
}

function parseLevel(text: string, where: string): LogLevel {
  if ((LOG_LEVELS as readonly string[]).includes(text)) return text as LogLevel
  throw new ConfigError(`${where}: "${text}" is no log level`, `one of ${LOG_LEVELS.join(', ')}`)
}

function flag(env: NodeJS.ProcessEnv, name: string): boolean | undefined {
  const text = env[name]?.toLowerCase()
  if (!text) return undefined
  if (['1', 'on', 'true', 'yes'].includes(text)) return true
  if (['0', 'off', 'false', 'no'].includes(text)) return false
  throw new ConfigError(`${name}: "${env[name]}" is neither on nor off`)
}

/** The settings in force as lines of the file's own form, passwords masked. */
export function describeConfig(config: Config): string {
  const { limits } = config
  const lines = [
    `listen = "${formatAddress(config.listen)}"`,
    ...(config.socketDir ? [`socket_dir = ${JSON.stringify(config.socketDir)}`] : []),
    ...(config.listenWs ? [`listen_ws = "${formatAddress(config.listenWs)}"`] : []),
    `workers = ${config.workers}`,
    `upstream = "${maskUrl(config.upstream.url)}"`,
    `infer_links = ${config.inferLinks}`,
    `log_level = "${config.logLevel}"`,
  ]
  if (config.model) lines.push(`model = "${config.model}"`)
  lines.push(
    '',
    '[limits]',
    `connections = ${limits.connections}`,
    `message_megabytes = ${limits.messageMegabytes}`,
    `idle_seconds = ${limits.idleSeconds}`,
    `login_seconds = ${limits.loginSeconds}`,
  )
  if (config.tls) lines.push('', '[tls]', `cert = "${config.tls.cert}"`, `key = "${config.tls.key}"`)
  for (const { table, ...facts } of config.schema.tables) {
    lines.push('', `[tables.${/^[\w-]+$/.test(table) ? table : JSON.stringify(table)}]`)
    for (const [name, value] of Object.entries(facts)) lines.push(`${name} = ${JSON.stringify(value)}`)
  }
  return lines.join('\n')
}
