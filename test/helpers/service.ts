// The whole product before a database: a proxy on a free port, clients through it, and the inference process behind it.

import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import type { NoticeMessage } from 'pg-protocol/dist/messages.js'
import pino from 'pino'
import { type Service, startService } from '../../src/cli/service.js'
import { defaults } from '../../src/config/config.js'
import { parseUpstream } from '../../src/config/upstream.js'
import type { UserSchema } from '../../src/graph/catalog/declared.js'

export interface Product extends Service {
  /** Of the proxy, for this database and user; those of the upstream URL unless given. */
  url(database?: string, user?: string): string
  /** A client through the proxy, with the notices it was sent; remember to end() it. */
  connect(database?: string, user?: string): Promise<ProductClient>
}

export interface ProductClient extends pg.Client {
  readonly notices: NoticeMessage[]
}

/** A proxy before the server of `upstream`. */
export async function startProduct(upstream: string, schema: UserSchema = { tables: [] }): Promise<Product> {
  const service = await startService(
    {
      ...defaults,
      listen: { host: '127.0.0.1', port: 0 },
      upstream: parseUpstream(upstream, 'upstream', {}),
      schema,
    },
    pino({ level: 'silent' }),
  )
  const url = (database?: string, user?: string) => {
    const copy = new URL(upstream)
    copy.host = `${service.host}:${service.port}`
    if (database !== undefined) copy.pathname = `/${encodeURIComponent(database)}`
    if (user !== undefined) copy.username = encodeURIComponent(user)
    return copy.href
  }
  return { ...service, url, connect: (database, user) => connectTo(url(database, user)) }
}

/** Like `connect`, keeping notices. */
export async function connectTo(url: string): Promise<ProductClient> {
  const client = Object.assign(new pg.Client({ connectionString: url }), { notices: [] as NoticeMessage[] })
  client.on('error', () => {})
  client.on('notice', notice => client.notices.push(notice))
  await client.connect()
  return client
}

export const databaseOf = (url: string): string => decodeURIComponent(new URL(url).pathname.slice(1))

/** Process ids of inference processes that this process has started; Linux alone. */
export function inferencePids(): number[] {
  const tasks = readdirSync('/proc/self/task')
  const children = tasks.flatMap(task => readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' '))
  return children.filter(pid => pid && /infer.process.main/.test(commandOf(pid))).map(Number)
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
