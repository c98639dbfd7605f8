// Proxies in a process of their own, which can be weighed from outside: node --import tsx --expose-gc process.ts, told over IPC what to do.

import { fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { residentMemory } from '../../bench/lib/process-table.js'
import { createProxy, type RunningProxy } from '../../src/wire/proxy.js'
import { testRewriter } from '../wire/support/rewriter.js'

export interface Weight {
  /** Sessions that it carries. */
  readonly sessions: number
  readonly descriptors: number
  /** Bytes. */
  readonly resident: number
  readonly heap: number
}

type Ask = { readonly upstreams: readonly number[] } | { readonly weigh: true }

export interface ProxyProcess {
  readonly pid: number
  /** Ports of new proxies before these ports, one each. */
  before(upstreams: readonly number[]): Promise<number[]>
  /** Now, after a collection of garbage. */
  weigh(): Promise<Weight>
  /** That it has ended by itself. */
  readonly crashed: Promise<never>
  stop(): void
}

export function startProxyProcess(): ProxyProcess {
  const child = fork(fileURLToPath(import.meta.url), {
    execArgv: ['--import', import.meta.resolve('tsx'), '--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  let stopped = false
  // one question at a time: answers come in their order
  const asked: ((answer: never) => void)[] = []
  child.on('message', answer => asked.shift()?.(answer as never))
  const ask = <T>(question: Ask) =>
    new Promise<T>(resolve => {
      asked.push(resolve)
      child.send(question)
    })
  const crashed = new Promise<never>((_, reject) => {
    child.once('exit', (code, signal) => {
      if (!stopped) reject(new Error(`the proxy ended with ${code ?? signal}`))
    })
  })
  crashed.catch(() => {})
  return {
    pid: child.pid!,
    before: upstreams => ask({ upstreams }),
    weigh: () => ask({ weigh: true }),
    crashed,
    stop() {
      stopped = true
      child.kill()
    },
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const proxies: RunningProxy[] = []
  const answer = async (question: Ask): Promise<number[] | Weight> => {
    if ('weigh' in question) {
      global.gc?.()
      return {
        sessions: proxies.reduce((sum, { sessions }) => sum + sessions, 0),
        descriptors: readdirSync('/proc/self/fd').length,
        resident: residentMemory(process.pid),
        heap: process.memoryUsage().heapUsed,
      }
    }
    const opened = await Promise.all(
      question.upstreams.map(port =>
        createProxy({
          listen: { port: 0 },
          upstream: { host: '127.0.0.1', port, tls: 'disable' },
          rewriter: testRewriter(),
        }),
      ),
    )
    proxies.push(...opened)
    return opened.map(({ port }) => port)
  }
  let last: Promise<void> = Promise.resolve()
  process.on('message', (question: Ask) => {
    last = last.then(async () => void process.send?.(await answer(question)))
  })
  process.once('disconnect', () => process.exit())
}
