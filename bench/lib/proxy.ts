// The proxy as its users run it: compiled, a process of its own, before a database.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { family } from './process-table.js'
import { nextPort, startDaemon } from './run.js'

export const root = path.resolve(fileURLToPath(new URL('../..', import.meta.url)))

export interface RunningProxy {
  readonly port: number
  readonly pid: number
  /** The inference process. */
  readonly inferPid: number
  /** All processes of the proxy but the inference process. */
  wirePids(): number[]
  url(database: string): string
  stop(): Promise<void>
}

let built = false

/** Compiles src/ into dist/, once a run. */
function build(): void {
  if (built) return
  const { status, stdout } = spawnSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the build failed:\n${stdout}`)
  built = true
}

/** `args` are further flags of `pgpredict serve`; one process carries the sessions unless they say otherwise. */
export async function startProxy(upstream: string, args: readonly string[] = []): Promise<RunningProxy> {
  build()
  const port = await nextPort()
  const main = path.join(root, 'dist', 'cli', 'main.js')
  const flags = [
    'serve',
    '--upstream',
    upstream,
    '--listen',
    `127.0.0.1:${port}`,
    '--no-report',
    '--workers',
    '1',
    ...args,
  ]
  // in a folder without a pgpredict.toml
  const daemon = await startDaemon(process.execPath, [main, ...flags], /listens on/, { cwd: path.join(root, 'dist') })
  const isInfer = (pid: number) => /infer\/process\/main/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
  const inferPid = family(daemon.pid).find(isInfer)
  if (inferPid === undefined) throw new Error('the proxy has no inference process')
  return {
    port,
    pid: daemon.pid,
    inferPid,
    wirePids: () => family(daemon.pid).filter(pid => pid !== inferPid),
    url: database => `postgres://postgres@127.0.0.1:${port}/${database}`,
    stop: () => daemon.stop('SIGINT'),
  }
}
