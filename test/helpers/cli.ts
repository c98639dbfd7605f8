// The command line as its users start it: a process of its own.

import { type ChildProcess, spawn } from 'node:child_process'

export interface Cli {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** Resolves when stdout matches; rejects when the process ends before that. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  readonly exit: Promise<number | null>
}

/** `env` replaces variables of ours; those that the command reads are unset otherwise. */
export function runCli(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Cli {
  const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
  const kept = Object.entries(process.env).filter(([name]) => !/^(PG|DATABASE_URL)/.test(name))
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...args], {
    cwd: options.cwd,
    env: { ...Object.fromEntries(kept), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  const waiting = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text
    for (const look of waiting) look()
  })
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text
  })
  const exit = new Promise<number | null>(resolve => child.once('close', resolve))
  return {
    child,
    stdout: () => out,
    stderr: () => err,
    exit,
    until: pattern =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(out)
          if (match) resolve(match)
        }
        waiting.add(look)
        look()
        exit.then(code => reject(new Error(`ended with ${code} before ${pattern}:\n${out}${err}`)))
      }),
  }
}
