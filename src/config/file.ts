// pgpredict.toml: the same settings as the flags, and what the user says about tables and links.

import { parse, TomlError } from 'smol-toml'
import type { UserSchema, UserTable } from '../graph/catalog/declared.js'
import { nearest } from '../pql/nearest.js'
import { ConfigError } from './error.js'

export interface FileSettings {
  readonly listen?: string
  readonly socketDir?: string
  readonly listenWs?: string
  readonly numbers: { readonly [key in NumberKey]?: number }
  readonly upstream?: string
  readonly inferLinks?: boolean
  readonly model?: string
  readonly logLevel?: string
  readonly tls?: { readonly cert?: string; readonly key?: string }
  readonly schema: UserSchema
}

type Toml = Record<string, unknown>
const TOP = [
  'listen',
  'socket_dir',
  'listen_ws',
  'workers',
  'upstream',
  'infer_links',
  'model',
  'log_level',
  'limits',
  'tls',
  'tables',
  'links',
] as const
const LIMITS = ['connections', 'message_megabytes', 'idle_seconds', 'login_seconds'] as const
export type NumberKey = 'workers' | `limits.${(typeof LIMITS)[number]}`
const TLS = ['cert', 'key'] as const
const ONE = ['time', 'end'] as const
const MANY = ['key', 'exclude', 'immutable', 'class', 'number', 'notnull', 'links'] as const

/** `file` is named in errors. Throws ConfigError at a key that means nothing, with the nearest one that does. */
export function parseFile(text: string, file: string): FileSettings {
  let top: Toml
  try {
    top = parse(text) as Toml
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new ConfigError(
      `${file}, line ${error.line}: ${error.message.split('\n')[0]!.replace(/^Invalid TOML document: /, '')}`,
    )
  }
  const at = new Reader(file)
  at.onlyKeys(top, '', TOP)
  const tls = at.table(top, 'tls')
  if (tls) at.onlyKeys(tls, 'tls.', TLS)
  const limits = at.table(top, 'limits') ?? {}
  at.onlyKeys(limits, 'limits.', LIMITS)
  return {
    listen: typeof top.listen === 'number' ? String(top.listen) : at.string(top, 'listen'),
    socketDir: at.string(top, 'socket_dir'),
    listenWs: at.string(top, 'listen_ws'),
    numbers: {
      workers: at.whole(top, 'workers'),
      ...Object.fromEntries(LIMITS.map(key => [`limits.${key}`, at.whole(limits, key, 'limits.')])),
    },
    upstream: at.string(top, 'upstream'),
    inferLinks: at.boolean(top, 'infer_links'),
    model: at.string(top, 'model'),
    logLevel: at.string(top, 'log_level'),
    tls: tls && { cert: at.string(tls, 'cert', 'tls.'), key: at.string(tls, 'key', 'tls.') },
    schema: { tables: [...tables(top, at), ...links(top, at)] },
  }
}

function tables(top: Toml, at: Reader): UserTable[] {
  return Object.entries(at.table(top, 'tables') ?? {}).flatMap(([name, value]) => {
    const path = `tables.${name}.`
    if (!isTable(value)) throw at.wrong(`tables.${name}`, 'a table of facts')
    // [tables.sales.orders] is TOML's way to write the table orders of schema sales
    const nested = Object.entries(value).filter(([, facts]) => isTable(facts))
    const own = Object.fromEntries(Object.entries(value).filter(([, facts]) => !isTable(facts)))
    at.onlyKeys(own, path, [...ONE, ...MANY])
    const inner = nested.map(([table, facts]) => {
      at.onlyKeys(facts as Toml, `${path}${table}.`, [...ONE, ...MANY])
      return factsOf(`${name}.${table}`, facts as Toml, `${path}${table}.`, at)
    })
    return Object.keys(own).length > 0 ? [factsOf(name, own, path, at), ...inner] : inner
  })
}

function factsOf(table: string, facts: Toml, path: string, at: Reader): UserTable {
  const entries = [
    ...ONE.map(kind => [kind, at.string(facts, kind, path)] as const),
    ...MANY.map(kind => [kind, at.strings(facts, kind, path)] as const),
  ]
  return { table, ...Object.fromEntries(entries.filter(([, value]) => value !== undefined)) }
}

/** `"payments.cust_no" = "customers.customer_no"`: the referring column to the one referred to. */
function links(top: Toml, at: Reader): UserTable[] {
  return Object.entries(at.table(top, 'links') ?? {}).map(([from, to]) => {
    // the last dot divides table and column, unless the columns are in brackets
    const match = /^(.+)\.(\([^()]+\)|"(?:[^"]|"")+"|[^."()]+)$/.exec(from)
    if (!match) throw at.wrong(`links."${from}"`, 'written "table.column" = "table.column"')
    if (typeof to !== 'string') throw at.wrong(`links."${from}"`, 'a string, "table.column"')
    return { table: match[1]!, links: [`${match[2]} -> ${to}`] }
  })
}

const isTable = (value: unknown): value is Toml =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)

class Reader {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  wrong(path: string, expected: string): ConfigError {
    return new ConfigError(`${this.#file}: ${path} must be ${expected}`)
  }

  onlyKeys(from: Toml, path: string, allowed: readonly string[]): void {
    for (const key of Object.keys(from)) {
      if (allowed.includes(key)) continue
      const meant = nearest(key, allowed)
      const hint = meant ? `did you mean ${path}${meant}?` : `known here: ${allowed.join(', ')}`
      throw new ConfigError(`${this.#file}: unknown key ${path}${key}`, hint)
    }
  }

  table(from: Toml, key: string): Toml | undefined {
    const value = from[key]
    if (value !== undefined && !isTable(value)) throw this.wrong(key, 'a table')
    return value
  }

  string(from: Toml, key: string, path = ''): string | undefined {
    const value = from[key]
    if (value !== undefined && typeof value !== 'string') throw this.wrong(path + key, 'a string')
    return value
  }

  boolean(from: Toml, key: string): boolean | undefined {
    const value = from[key]
    if (value !== undefined && typeof value !== 'boolean') throw this.wrong(key, 'true or false')
    return value
  }

  whole(from: Toml, key: string, path = ''): number | undefined {
    const value = from[key]
    if (value !== undefined && !(Number.isInteger(value) && (value as number) >= 0))
      throw this.wrong(path + key, 'a whole number')
    return value as number | undefined
  }

  /** A list of strings; one string stands for a list of one. */
  strings(from: Toml, key: string, path: string): string[] | undefined {
    const value = from[key]
    if (value === undefined) return undefined
    const list = typeof value === 'string' ? [value] : value
    if (!Array.isArray(list) || list.some(item => typeof item !== 'string'))
      throw this.wrong(path + key, 'a list of strings')
    return list as string[]
  }
}
