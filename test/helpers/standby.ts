// A standby that streams from a primary, made with what the npm package of Postgres has: without pg_basebackup, as its manual's chapter on
// low-level backups has it.

import { execFile } from 'node:child_process'
import { cp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import type { OsUser } from '../../src/demo/binaries.js'
import { connect, startPostgres, type TestPostgres } from './postgres.js'

const PRIMARY = ["wal_level = 'replica'", 'max_wal_senders = 8', "wal_keep_size = '512MB'", 'hot_standby = on']
const HBA = ['local all all trust', 'host all all 127.0.0.1/32 trust', 'host replication all 127.0.0.1/32 trust']

/** A server of its own that others can follow. */
export const startPrimary = (): Promise<TestPostgres> => startPostgres({ config: PRIMARY, hba: HBA })

/** A hot standby of `primary`, as it is now and will be. */
export function startStandby(primary: TestPostgres): Promise<TestPostgres> {
  const files = async (data: string, user: OsUser | undefined) => {
    const client = await connect(primary.url())
    try {
      const { rows } = await client.query('SHOW data_directory')
      await client.query("SELECT pg_backup_start('standby', fast => true)")
      await cp(rows[0].data_directory, data, { recursive: true, filter: file => !/postmaster\.\w+$/.test(file) })
      const { rows: stopped } = await client.query('SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)')
      await writeFile(path.join(data, 'backup_label'), stopped[0].labelfile)
      await writeFile(path.join(data, 'standby.signal'), '')
    } finally {
      await client.end()
    }
    if (user) await promisify(execFile)('chown', ['-R', `${user.uid}:${user.gid}`, data])
    await promisify(execFile)('chmod', ['-R', 'go-rwx', data])
  }
  const source = `primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres'`
  return startPostgres({ config: [...PRIMARY, source], hba: HBA, files })
}

/** Resolves when `standby` has replayed all that `primary` has written so far. */
export async function caughtUp(primary: TestPostgres, standby: TestPostgres): Promise<void> {
  const { rows } = await primary.admin.query('SELECT pg_current_wal_insert_lsn() AS lsn')
  for (;;) {
    const { rows: replayed } = await standby.admin.query('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS done', [
      rows[0].lsn,
    ])
    if (replayed[0].done) return
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
