// The tests of Go's drivers, compiled once from Debian's sources, without modules and without a network.

import path from 'node:path'
import { connect } from '../../../bench/lib/postgres.js'
import { hasProgram, lacking, mustRun, runAnyway } from '../programs.js'
import type { Outcomes, Suite, Target } from '../suite.js'

interface GoSuite {
  readonly about: string
  /** Where Debian puts it. */
  readonly package: string
  /** SQL that its tests expect to have been run, by database. */
  readonly before: Readonly<Record<string, readonly string[]>>
  environment(target: Target): NodeJS.ProcessEnv
}

const GOCODE = '/usr/share/gocode/src/'

/** Tests and their parts: `--- PASS: TestName/part (0.01s)`. Those skipped say nothing, on either side. */
function readGo(output: string): Outcomes {
  const lines = output.matchAll(/^\s*--- (PASS|FAIL): (\S+)/gm)
  return new Map([...lines].map(([, verdict, name]) => [name, { passed: verdict === 'PASS' }]))
}

function goSuite({ about, package: name, before, environment }: GoSuite): Suite {
  return {
    about,
    path: `its package folder, with the packages it needs beside it as under a GOPATH (Debian: ${GOCODE}${name})`,
    missing: folder => [...lacking(folder), ...(hasProgram('go') ? [] : ['go is not installed'])],
    async prepare(source, folder) {
      const program = path.join(folder, 'suite.test')
      const gopath = source.split('/src/')[0]
      const env = {
        GO111MODULE: 'off',
        GOPATH: gopath,
        CGO_ENABLED: '0',
        GOFLAGS: '',
        GOCACHE: path.join(folder, 'cache'),
      }
      await mustRun('go', ['test', '-vet=off', '-c', '-o', program, '.'], { cwd: source, env })
      return async target => {
        for (const [database, statements] of Object.entries(before)) {
          const client = await connect(`postgres://postgres@127.0.0.1:${target.port}/${database}`)
          for (const sql of statements) await client.query(sql)
          await client.end()
        }
        const args = ['-test.v', '-test.count=1', '-test.timeout=280s']
        return readGo((await runAnyway(program, args, { cwd: source, env: environment(target) })).output)
      }
    },
  }
}

export const pgx = goSuite({
  about: 'pgx, the Go driver',
  package: 'github.com/jackc/pgx/v4',
  before: {
    postgres: ['CREATE DATABASE pgx_test'],
    pgx_test: ['CREATE EXTENSION IF NOT EXISTS hstore', 'CREATE DOMAIN uint64 AS numeric(20, 0)'],
  },
  environment: ({ port }) => ({ PGX_TEST_DATABASE: `host=127.0.0.1 port=${port} user=postgres database=pgx_test` }),
})

export const pgconn = goSuite({
  about: 'pgconn, what pgx speaks to the server with',
  package: 'github.com/jackc/pgconn',
  before: { postgres: ['CREATE DATABASE pgx_test'] },
  environment: ({ port }) => {
    const conninfo = `host=127.0.0.1 port=${port} user=postgres database=pgx_test`
    return { PGX_TEST_CONN_STRING: conninfo, PGX_TEST_TCP_CONN_STRING: conninfo }
  },
})

export const libPq = goSuite({
  about: 'lib/pq, the older Go driver',
  package: 'github.com/lib/pq',
  before: { postgres: ['CREATE DATABASE pqgotest'] },
  environment: ({ port }) => ({
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'postgres',
    PGDATABASE: 'pqgotest',
    PGSSLMODE: 'disable',
  }),
})
