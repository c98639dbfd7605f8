// The programs under test/clients that speak for drivers of other languages, where test/clients/install has put what they need.

import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Speaker {
  readonly driver: string
  /** Whether all that it needs is here. */
  readonly here: boolean
  readonly program: string
  /** Its arguments for a URL, before the ids of users. */
  args(url: string): string[]
}

const installed =
  process.env.PGPREDICT_CLIENTS ??
  path.join(process.env.XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'pgpredict-clients')
const python = path.join(installed, 'bin/python')
const pgjdbc = path.join(installed, 'postgresql.jar')
const pgx = path.join(installed, 'talk-pgx')
const source = (name: string) => fileURLToPath(new URL(`../clients/${name}`, import.meta.url))

/** Where the program is; null: not on the PATH. */
export function found(program: string): string | null {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}

function hasModule(name: string): boolean {
  try {
    execFileSync(python, ['-c', `import ${name}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export const speakers: readonly Speaker[] = [
  ...['psycopg2', 'psycopg', 'asyncpg'].map(driver => ({
    driver,
    here: hasModule(driver),
    program: python,
    args: (url: string) => [source('talk.py'), driver, url],
  })),
  {
    driver: 'pgjdbc',
    here: existsSync(pgjdbc) && found('javac') !== null,
    program: 'java',
    args(url) {
      const { hostname, port, pathname } = new URL(url)
      return ['-cp', pgjdbc, source('Talk.java'), hostname, port, pathname.slice(1)]
    },
  },
  { driver: 'pgx', here: existsSync(pgx), program: pgx, args: url => [url] },
]
