// A throwaway Postgres server: its own data folder, loopback only, gone when we are. For the demo and for the tests.

import { execFile, spawn } from 'node:child_process'
import { appendFile, chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { type Binaries, embeddedBinaries, type OsUser, serverUser, temporaryFolder } from './binaries.js'

export interface EmbeddedOptions {
  /** 0 or undefined: any free port. */
  readonly port?: number
  /** Lines for postgresql.conf; a later line wins over ours. */
  readonly config?: readonly string[]
  /** Lines that replace pg_hba.conf; by default everyone on loopback is trusted. */
  readonly hba?: readonly string[]
  /** Makes the files of the cluster, which belong to `user` then; initdb unless given. */
  readonly files?: (data: string, user: OsUser | undefined) => Promise<void>
  /** PEM texts; turns ssl on. */
  readonly ssl?: { readonly cert: string; readonly key: string; readonly ca?: string }
}

export interface EmbeddedServer {
  readonly port: number
  /** Folder of the unix socket, for `host=`; without a socket where the path of the temporary folder is too long for one. */
  readonly socketDir: string
  /** A line of the server's log, without its prefix; for tests that wait for one. */
  log(): string
  /** Fast shutdown; removes every file. Safe to call twice. Happens by itself when this process ends, however it ends. */
  stop(): Promise<void>
}

const trusted = ['local all all trust', 'host all all 127.0.0.1/32 trust', 'local replication all trust']

/** Makes and starts a cluster with superuser `postgres`, UTF-8, in about a second. Throws with the server's log when it cannot. */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const user = await serverUser()
  const binaries = await embeddedBinaries(user)
  const home = await mkdtemp(path.join(await temporaryFolder(user), 'pgpredict-'))
  try {
    await chmod(home, 0o755) // the socket in it is for whoever connects
    const data = path.join(home, 'data')
    if (user) await chown(home, user.uid, user.gid)
    await (options.files?.(data, user) ?? initdb(binaries, data, user))
    // between our choosing a free port and the server taking it another process may
    for (let attempt = 1; ; attempt++) {
      const port = options.port || (await freePort())
      await configure(home, data, port, options, user)
      try {
        return await launch(binaries, home, data, port, user)
      } catch (error) {
        if (options.port || attempt === 5 || !/could not bind|lock file/.test(String(error))) throw error
      }
    }
  } catch (error) {
    await rm(home, { recursive: true, force: true })
    throw error
  }
}

async function initdb(binaries: Binaries, data: string, user: OsUser | undefined): Promise<void> {
  // the built-in locale: the same order of text on every platform
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
  const args = ['-D', data, '--username=postgres', '--auth=trust', '--no-sync', '--no-instructions', ...locale]
  await promisify(execFile)(binaries.initdb, args, { ...spawnOptions(user), cwd: path.dirname(data) })
}

async function configure(
  home: string,
  data: string,
  port: number,
  options: EmbeddedOptions,
  user: OsUser | undefined,
): Promise<void> {
  const lines = [
    "listen_addresses = '127.0.0.1'",
    `port = ${port}`,
    `unix_socket_directories = '${socketFits(home) ? home : ''}'`,
    'max_connections = 200',
    // the data is generated: losing it in a crash costs nothing, waiting for the disk does
    'fsync = off',
    'synchronous_commit = off',
    'full_page_writes = off',
    "wal_level = 'minimal'",
    'max_wal_senders = 0',
    "max_wal_size = '2GB'",
    "lc_messages = 'C'",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
  ]
  if (options.ssl) {
    for (const [name, text] of Object.entries(options.ssl)) {
      const file = path.join(data, `server-${name}.pem`)
      await writeFile(file, text, { mode: 0o600 })
      if (user) await chown(file, user.uid, user.gid)
      lines.push(`ssl_${name}_file = '${file}'`)
    }
    lines.push('ssl = on')
  }
  lines.push(...(options.config ?? []))
  await appendFile(path.join(data, 'postgresql.conf'), `\n${lines.join('\n')}\n`)
  await writeFile(path.join(data, 'pg_hba.conf'), `${(options.hba ?? trusted).join('\n')}\n`)
}

async function launch(
  binaries: Binaries,
  home: string,
  data: string,
  port: number,
  user: OsUser | undefined,
): Promise<EmbeddedServer> {
  const child = spawn('/bin/sh', ['-c', KEEPER, binaries.postgres, data, home], {
    ...spawnOptions(user),
    cwd: home,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  const exited = new Promise<void>(resolve => child.once('close', () => resolve()))
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => reject(new Error(`postgres did not start:\n${log}`)))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-100_000)
      if (/ready to accept (read-only )?connections/.test(log)) resolve()
    })
  })
  // a server that nobody stops must not keep us alive
  for (const handle of [child, child.stdin, child.stderr]) (handle as unknown as { unref(): void }).unref()
  let stopping: Promise<void> | undefined
  return {
    port,
    socketDir: home,
    log: () => log,
    stop() {
      stopping ??= (async () => {
        child.ref()
        child.stdin.end()
        await exited
        await rm(home, { recursive: true, force: true })
      })()
      return stopping
    },
  }
}

/**
 * Runs the server until its own standard input ends, which it does when we close it and when we die, even by SIGKILL: then a fast
 * shutdown, soon an immediate one, and the files are removed. $0: postgres, $1: data folder, $2: what to remove.
 */
const KEEPER = `
exec 3<&0
"$0" -D "$1" </dev/null 3<&- & server=$!
{ cat <&3; kill -INT $server; sleep 5; kill -QUIT $server; } >/dev/null 2>&1 & watcher=$!
exec 3<&-
wait $server
kill $watcher 2>/dev/null
cd / && rm -rf "$2"`

/** The system's limit on a socket's path, 103 bytes on some. */
const socketFits = (folder: string): boolean => Buffer.byteLength(folder) + '/.s.PGSQL.65535'.length < 103

/** A process group of its own: a Ctrl-C in our terminal is ours to handle, and must not stop the server under open sessions. */
const spawnOptions = (user: OsUser | undefined) => ({ ...user, detached: true, env: environment() })

/** Ours without PG*: initdb and postgres read some of them. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG') && !name.startsWith('LC_'))
  return { ...Object.fromEntries(kept), LC_ALL: 'C', TZ: 'UTC' }
}

/** A TCP port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', resolve)
  })
  const address = probe.address()
  await new Promise(resolve => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}
