// A throwaway Postgres to measure on: the system's where there is one (Debian keeps several side by side), else the one from npm.

import { readdirSync, rmSync } from 'node:fs'
import { appendFile, chown, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { serverUser } from '../../src/demo/binaries.js'
import { startEmbedded } from '../../src/demo/embedded.js'
import { nextPort, run, startDaemon } from './run.js'

export interface Postgres {
  /** `PostgreSQL 15.18 (Debian …)` */
  readonly version: string
  readonly port: number
  url(database: string): string
  createDatabase(name: string): Promise<string>
  stop(): Promise<void>
}

const SETTINGS = [
  'shared_buffers = 512MB',
  'max_connections = 700',
  'fsync = off',
  'synchronous_commit = off',
  'full_page_writes = off',
  'max_wal_size = 8GB',
  'checkpoint_timeout = 1h',
  "timezone = 'UTC'",
]

/** `more`: lines for postgresql.conf, which win over those of every benchmark. */
export async function startPostgres(more: readonly string[] = []): Promise<Postgres> {
  const folder = debianPostgres()
  const config = [...SETTINGS, ...more]
  const server = folder
    ? await startDebian(path.join(folder, 'bin'), config)
    : await startEmbedded({ port: await nextPort(), config })
  const url = (database: string) => `postgres://postgres@127.0.0.1:${server.port}/${database}`
  return {
    version: (await ask(url('postgres'), 'SELECT version()')).split(' on ')[0],
    port: server.port,
    url,
    async createDatabase(name) {
      await ask(url('postgres'), `CREATE DATABASE ${name} TEMPLATE template0`)
      return url(name)
    },
    stop: () => server.stop(),
  }
}

/** The first value of the first row. */
export async function ask(url: string, sql: string): Promise<string> {
  const client = await connect(url)
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    return String(rows[0]?.[0])
  } finally {
    await client.end()
  }
}

export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
}

/** The newest Postgres of Debian's, e.g. `/usr/lib/postgresql/15`; null where there is none. PGPREDICT_POSTGRES names another such folder. */
export function debianPostgres(): string | null {
  const root = process.env.PGPREDICT_POSTGRES ?? '/usr/lib/postgresql'
  try {
    const [newest] = readdirSync(root).sort((a, b) => Number(b) - Number(a))
    return newest === undefined ? null : path.join(root, newest)
  } catch {
    return null
  }
}

async function startDebian(
  folder: string,
  config: readonly string[],
): Promise<{ port: number; stop(): Promise<void> }> {
  const user = await serverUser()
  const home = await mkdtemp(path.join(tmpdir(), 'pgpredict-bench-'))
  if (user) await chown(home, user.uid, user.gid)
  const data = path.join(home, 'data')
  const options = { ...user, cwd: home, env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' } }
  const port = await nextPort()
  await run(
    path.join(folder, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '-N'],
    options,
  )
  const lines = ["listen_addresses = '127.0.0.1'", `port = ${port}`, "unix_socket_directories = ''", ...config]
  await appendFile(path.join(data, 'postgresql.conf'), `\n${lines.join('\n')}\n`)
  const daemon = await startDaemon(
    path.join(folder, 'postgres'),
    ['-D', data],
    /ready to accept connections/,
    // a Ctrl-C in our terminal is ours to handle
    { ...options, detached: true },
  )
  const remove = () => rmSync(home, { recursive: true, force: true })
  process.once('exit', remove)
  return {
    port,
    async stop() {
      await daemon.stop('SIGINT')
      remove()
    },
  }
}
