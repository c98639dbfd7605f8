// The settings of one proxy: from flags, then the environment, then pgpredict.toml, then defaults.

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { UserSchema } from '../graph/catalog/declared.js'
import { type Address, parseAddress } from './address.js'
import { ConfigError } from './error.js'
import { type FileSettings, parseFile } from './file.js'
import { maskUrl } from './mask.js'
import { parseUpstream, type UpstreamServer } from './upstream.js'

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface Config {
  readonly listen: Address
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

/** Values as typed on the command line. */
export interface Flags {
  readonly listen?: string
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
  const listen = pick(flags.listen, '--listen', 'PGPREDICT_LISTEN', settings.listen, 'listen')
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
  return {
    listen: listen ? parseAddress(listen.text, listen.where) : { host: '127.0.0.1', port: 6543 },
    upstream: parseUpstream(upstream.text, upstream.where, env),
    tls: cert && key ? { cert: readable(cert), key: readable(key) } : null,
    schema: settings.schema,
    inferLinks: flags.inferLinks ?? flag(env, 'PGPREDICT_INFER_LINKS') ?? settings.inferLinks ?? false,
    model: model ? readable({ ...model, text: resolve(model.text) }) : null,
    logLevel: level ? parseLevel(level.text, level.where) : 'warn',
    file,
  }
}

function readSettings(named: string | undefined): { settings: FileSettings; file: string | null } {
  const file = named ?? DEFAULT_FILE
  if (named === undefined && !existsSync(file)) return { settings: { schema: { tables: [] } }, file: null }
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
  const lines = [
    `listen = "${config.listen.host}:${config.listen.port}"`,
    `upstream = "${maskUrl(config.upstream.url)}"`,
    `infer_links = ${config.inferLinks}`,
    `log_level = "${config.logLevel}"`,
  ]
  if (config.model) lines.push(`model = "${config.model}"`)
  if (config.tls) lines.push('', '[tls]', `cert = "${config.tls.cert}"`, `key = "${config.tls.key}"`)
  for (const { table, ...facts } of config.schema.tables) {
    lines.push('', `[tables.${/^[\w-]+$/.test(table) ? table : JSON.stringify(table)}]`)
    for (const [name, value] of Object.entries(facts)) lines.push(`${name} = ${JSON.stringify(value)}`)
  }
  return lines.join('\n')
}
