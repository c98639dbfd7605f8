// Running other programs: to their end, or until they say that they are ready. All that is started is stopped in the end.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { createServer } from 'node:net'

/** Standard output; rejects with what the program said when it fails. */
export function run(program: string, args: readonly string[], options: SpawnOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let out = ''
    let err = ''
    child.stdout?.setEncoding('utf8').on('data', text => {
      out += text
    })
    child.stderr?.setEncoding('utf8').on('data', text => {
      err = (err + text).slice(-4000)
    })
    child.once('error', reject)
    child.once('close', code =>
      code === 0 ? resolve(out) : reject(new Error(`${program} ended with ${code}:\n${err}${out.slice(-1000)}`)),
    )
  })
}

export interface Daemon {
  readonly child: ChildProcess
  readonly pid: number
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Resolves when `ready` occurs in what the program prints; rejects when it ends before. */
export async function startDaemon(
  program: string,
  args: readonly string[],
  ready: RegExp,
  options: SpawnOptions = {},
): Promise<Daemon> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  // never left behind, however we end
  const abandon = () => child.kill('SIGKILL')
  process.once('exit', abandon)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const look = (text: string) => {
      said = (said + text).slice(-10_000)
      if (ready.test(said)) resolve()
    }
    child.stdout?.setEncoding('utf8').on('data', look)
    child.stderr?.setEncoding('utf8').on('data', look)
    child.once('error', reject)
    ended.then(() => reject(new Error(`${program} ended before it was ready:\n${said}`)))
  })
  return {
    child,
    pid: child.pid!,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await ended
      process.removeListener('exit', abandon)
    },
  }
}

const FIRST_PORT = 17400
let last = FIRST_PORT - 1

/** The next port from 17400 on that nobody listens on. */
export async function nextPort(): Promise<number> {
  for (let port = last + 1; port < FIRST_PORT + 100; port++) {
    const probe = createServer()
    const free = await new Promise<boolean>(resolve => {
      probe.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise(resolve => probe.close(resolve))
    last = port
    return port
  }
  throw new Error(`no free port from ${FIRST_PORT} to ${FIRST_PORT + 99}`)
}
