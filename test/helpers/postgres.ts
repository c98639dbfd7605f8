// A real Postgres for tests. `npm test` starts one server for all files; a file run alone starts its own.

import pg from 'pg'
import { type EmbeddedOptions, startEmbedded } from '../../src/demo/embedded.js'

export interface TestPostgres {
  readonly host: string
  readonly port: number
  /** Connection URL; database and user default to postgres. */
  url(database?: string, user?: string): string
  /** A new, empty database (from template0) under a name of its own unless given; its URL. Dropped by `stop`. */
  createDatabase(name?: string): Promise<string>
  /** Superuser sessions on database postgres. */
  readonly admin: pg.Pool
  /** The server's log so far; empty for the shared server. */
  log(): string
  stop(): Promise<void>
}

/** Options give the test a server of its own: extra postgresql.conf lines, pg_hba.conf lines, a certificate. */
export async function startPostgres(options?: EmbeddedOptions): Promise<TestPostgres> {
  const shared = options ? undefined : process.env.PGPREDICT_TEST_URL
  const own = shared ? undefined : await startEmbedded(options)
  const base = new URL(shared ?? `postgres://postgres@127.0.0.1:${own!.port}/postgres`)
  const admin = new pg.Pool({ connectionString: base.href, max: 4, allowExitOnIdle: true })
  // a server shutting down under idle sessions is no test's failure
  admin.on('error', () => {})
  const created: string[] = []
  const url = (database = 'postgres', user = 'postgres') => {
    const copy = new URL(base)
    copy.username = encodeURIComponent(user)
    copy.pathname = `/${encodeURIComponent(database)}`
    return copy.href
  }
  return {
    host: base.hostname,
    port: Number(base.port),
    url,
    admin,
    log: () => own?.log() ?? '',
    async createDatabase(name = `t${process.pid}_${created.length + 1}_${Math.trunc(performance.now())}`) {
      await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`)
      created.push(name)
      return url(name)
    },
    async stop() {
      if (!own)
        for (const name of created)
          await admin.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`)
      await admin.end()
      await own?.stop()
    },
  }
}

/** A connected client, for `await using`-less tests: remember to end() it. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}
