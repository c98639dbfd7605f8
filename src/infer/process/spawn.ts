// Starts the inference process, in a private directory, and starts it again when it dies.

import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Settings } from './main.js'

export interface InferProcess {
  /** Where clients connect; the same after a restart. */
  readonly socketPath: string
  /** Of the process running now; null between a death and the next start. */
  readonly pid: number | null
  /** Resolves when the process has first listened; rejects where it cannot start. */
  readonly ready: Promise<void>
  close(): Promise<void>
}

export interface SpawnOptions extends Partial<Omit<Settings, 'socketPath'>> {
  /** Told of each death but the one that close() causes. */
  readonly onExit?: (code: number | null, signal: NodeJS.Signals | null) => void
  /** Told what the process could not do, and does without. */
  readonly onWarning?: (warning: string, model: string | null) => void
}

const MEGABYTE = 1048576
const DEFAULTS = {
  cacheBytes: 256 * MEGABYTE,
  cacheMilliseconds: 600_000,
  memoryBytes: 1024 * MEGABYTE,
  nice: 5,
  model: null,
}
const FIRST_DELAY = 50
const LONGEST_DELAY = 5_000
/** A process that lived for this long has started well: the next delay is the shortest again. */
const HEALTHY = 10_000

export function startInferProcess(options: SpawnOptions = {}): InferProcess {
  const { onExit, onWarning, ...given } = options
  const directory = mkdtempSync(join(tmpdir(), 'pgpredict-'))
  const socketPath = join(directory, 'infer.sock')
  const settings: Settings = { ...DEFAULTS, ...given, socketPath }
  let child: ChildProcess | null = null
  let delay = FIRST_DELAY
  let timer: NodeJS.Timeout | null = null
  let closing = false
  let listened: () => void
  let refused: (error: Error) => void
  const ready = new Promise<void>((resolve, reject) => {
    listened = resolve
    refused = reject
  })
  // whoever does not ask is not told
  ready.catch(() => {})

  function start(): void {
    timer = null
    const born = performance.now()
    const running = forkEntry(JSON.stringify(settings))
    child = running
    running.on('message', message => {
      if (message === 'ready') listened()
      else onWarning?.((message as { warning: string }).warning, settings.model)
    })
    running.on('error', refused)
    running.on('exit', (code, signal) => {
      if (child === running) child = null
      if (closing) return
      refused(new Error(`inference process ended with ${signal ?? code} before it listened`))
      onExit?.(code, signal)
      delay = performance.now() - born > HEALTHY ? FIRST_DELAY : Math.min(2 * delay, LONGEST_DELAY)
      timer = setTimeout(start, delay)
    })
  }

  start()
  return {
    socketPath,
    get pid() {
      return child?.pid ?? null
    },
    ready,
    async close() {
      closing = true
      if (timer) clearTimeout(timer)
      const running = child
      if (running && running.exitCode === null && running.signalCode === null) {
        const gone = new Promise(resolve => running.once('exit', resolve))
        running.kill('SIGKILL')
        await gone
      }
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** From compiled files as they are; from sources, with the loader that runs them. */
function forkEntry(argument: string): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts')
  const entry = fileURLToPath(new URL(fromSource ? './main.ts' : './main.js', import.meta.url))
  const execArgv = fromSource ? ['--import', import.meta.resolve('tsx')] : []
  // where it was started from may be removed while it runs: a loader that then looks for its directory waits for ever
  return fork(entry, [argument], { cwd: dirname(entry), execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
}
