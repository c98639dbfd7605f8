// pgbouncer as it comes: session pooling and every other default, but a pool large enough for the clients of a run.

import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { serverUser } from '../../src/demo/binaries.js'
import { nextPort, run, startDaemon } from './run.js'

export interface Pgbouncer {
  readonly version: string
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** null where it is not installed. */
export async function startPgbouncer(upstreamPort: number): Promise<Pgbouncer | null> {
  const program = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync)
  if (!program) return null
  const user = await serverUser()
  const home = await mkdtemp(path.join(tmpdir(), 'pgpredict-pgbouncer-'))
  const port = await nextPort()
  const users = path.join(home, 'users')
  const ini = path.join(home, 'pgbouncer.ini')
  await writeFile(users, '"postgres" ""\n')
  await writeFile(
    ini,
    `[databases]
* = host=127.0.0.1 port=${upstreamPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${users}
pool_mode = session
default_pool_size = 100
`,
  )
  for (const file of user ? [home, users, ini] : []) await chown(file, user!.uid, user!.gid)
  const daemon = await startDaemon(program, [ini], /process up/, { ...user })
  return {
    version: (await run(program, ['--version'])).split('\n')[0],
    port,
    pid: daemon.pid,
    async stop() {
      await daemon.stop('SIGINT')
      await rm(home, { recursive: true, force: true })
    },
  }
}
