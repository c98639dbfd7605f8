// Looks for programs and files, and runs what may fail.

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { OsUser } from '../../src/demo/binaries.js'

export interface Run {
  readonly code: number | null
  /** Standard output and errors together. */
  readonly output: string
  /** Without the errors. */
  readonly stdout: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  readonly user?: OsUser
  /** Milliseconds until the program is killed; five minutes unless told otherwise. */
  readonly limit?: number
}

/** Runs a program to its end, whatever that is. Nothing of our own PG* environment reaches it. */
export function runAnyway(program: string, args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const { cwd, env, user, limit = 300_000 } = options
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|DATABASE_URL)/.test(name))
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      ...user,
      env: { ...Object.fromEntries(kept), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const clock = setTimeout(() => child.kill('SIGKILL'), limit)
    let [output, stdout] = ['', '']
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', text => {
        output += text
        if (stream === child.stdout) stdout += text
      })
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(clock)
      resolve({ code, output, stdout })
    })
  })
}

/** As `runAnyway`; rejects, with the end of what the program said, when it fails. */
export async function mustRun(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, output } = await runAnyway(program, args, options)
  if (code !== 0) throw new Error(`${program} ended with ${code}:\n${output.slice(-3000)}`)
  return output
}

export const hasProgram = (name: string): boolean => spawnSync('which', [name]).status === 0

/** Names those of the files that are not there. */
export const lacking = (...files: string[]): string[] =>
  files.filter(file => !existsSync(file)).map(file => `there is no ${file}`)

/** Says so when the source is of another version than the server: then some tests fail without us, and prove nothing. */
export function compareVersions(source: string, postgres: string): void {
  const [, theirs] = /^PACKAGE_VERSION='(.*)'$/m.exec(readFileSync(path.join(source, 'configure'), 'utf8')) ?? []
  const said = spawnSync(path.join(postgres, 'bin/postgres'), ['--version'], { encoding: 'utf8' }).stdout
  const [, ours] = / (\d+(?:\.\d+)*)/.exec(said) ?? []
  if (theirs !== ours)
    console.log(`the source is of version ${theirs}, the server of ${ours}: their answers may differ`)
}

/** /usr/lib/postgresql/15 → 15 */
export const versionOf = (postgres: string): string => path.basename(postgres)

/** Headers for the server of `postgres`, /usr/lib/postgresql/15 → /usr/include/postgresql/15/server */
export const serverHeaders = (postgres: string): string =>
  path.join(postgres, '../../../include/postgresql', versionOf(postgres), 'server')
