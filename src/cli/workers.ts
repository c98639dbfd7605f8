// A proxy of several processes on one port: this one starts them, hands them their connections and tells them what to do; each carries
// sessions of its own. Inference stays one process, which all of them share.

import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Config } from '../config/config.js'
import { startInferProcess } from '../infer/process/spawn.js'
import type { Log } from '../wire/options.js'
import { inference, type Service } from './service.js'
import type { FromWorker, ToWorker } from './worker.js'

/** A worker that dies at once is not started again at once. */
const DELAY = 1000

/** Resolves when clients may connect to all of them; rejects when the first cannot start. */
export async function startWorkers(config: Config, log: Log): Promise<Service> {
  const fromSource = import.meta.url.endsWith('.ts')
  cluster.setupPrimary({ exec: fileURLToPath(new URL(fromSource ? './worker.ts' : './worker.js', import.meta.url)) })
  const infer = startInferProcess(inference(config, log))
  /** Those that listen, with how many sessions each has. */
  const workers = new Map<Worker, number>()
  let current = config
  let stopping = false

  async function start(): Promise<Place> {
    const worker = cluster.fork()
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'foreign') void passOn(worker, message)
      else if (message.kind === 'sessions') count(worker, message.count)
    })
    worker.once('exit', (code, signal) => {
      if (!workers.delete(worker) || stopping) return
      shareCounts()
      log.warn({ code, signal }, 'a worker process ended and is started again')
      setTimeout(startAgain, DELAY)
    })
    // what is said to a process that does not listen yet is lost
    await once(worker, 'message', { signal: gone(worker) })
    const given = current
    const place = await request(worker, { kind: 'start', config: given, inferSocket: infer.socketPath }, 'listening')
    count(worker, 0)
    if (given !== current) await request(worker, { kind: 'reload', config: current }, 'reloaded')
    return place
  }

  function startAgain(): void {
    if (stopping) return
    start().catch(error => {
      log.error({ err: error }, 'a worker process does not start')
      setTimeout(startAgain, DELAY)
    })
  }

  function count(worker: Worker, sessions: number): void {
    workers.set(worker, sessions)
    shareCounts()
  }

  /** Tells each how many sessions the others have, where that counts. */
  function shareCounts(): void {
    if (current.limits.connections === 0) return
    const all = [...workers.values()].reduce((a, b) => a + b, 0)
    for (const [worker, own] of workers) worker.send({ kind: 'elsewhere', sessions: all - own } satisfies ToWorker)
  }

  /** A CancelRequest has come to one worker, and the session may be with another. */
  async function passOn(from: Worker, { id, key }: FromWorker & { kind: 'foreign' }): Promise<void> {
    const others = [...workers.keys()].filter(worker => worker !== from)
    const found = await Promise.all(
      others.map(worker =>
        request(worker, { kind: 'cancel', key }, 'cancelled').then(
          answer => answer.found,
          () => false,
        ),
      ),
    )
    if (from.isConnected()) from.send({ kind: 'passed', id, found: found.includes(true) } satisfies ToWorker)
  }

  async function stop(grace?: number): Promise<void> {
    stopping = true
    const all = Object.values(cluster.workers ?? {}) as Worker[]
    await Promise.all(
      all.map(async worker => {
        const exit = once(worker, 'exit')
        if (workers.has(worker)) worker.send({ kind: 'stop', grace } satisfies ToWorker)
        else worker.kill('SIGKILL')
        await exit
      }),
    )
    await infer.close()
  }

  try {
    await infer.ready
    // the first settles which port it is, and that it can be had
    const { host, port, wsPort } = await start()
    await Promise.all(Array.from({ length: config.workers - 1 }, start))
    return {
      host,
      port,
      wsPort,
      async reload(config) {
        current = config
        await Promise.all([...workers.keys()].map(worker => request(worker, { kind: 'reload', config }, 'reloaded')))
        shareCounts()
      },
      stop,
    }
  } catch (error) {
    await stop(0)
    throw error
  }
}

/** Aborts when the worker ends. */
function gone(worker: Worker): AbortSignal {
  const controller = new AbortController()
  worker.once('exit', code => controller.abort(new Error(`a worker process ended with ${code}`)))
  return controller.signal
}

type Place = FromWorker & { kind: 'listening' }

/** Sends a message and gives the answer of that kind; rejects with the failure that comes instead, or when the worker ends. */
function request<K extends FromWorker['kind']>(
  worker: Worker,
  message: ToWorker,
  kind: K,
): Promise<FromWorker & { kind: K }> {
  const id = ++requests
  return new Promise((resolve, reject) => {
    const settle = () => worker.off('message', onMessage).off('exit', onExit)
    const onMessage = (answer: FromWorker) => {
      if (!('to' in answer) || answer.to !== id) return
      settle()
      if (answer.kind === 'failed') reject(Object.assign(new Error(answer.message), { code: answer.code }))
      else if (answer.kind === kind) resolve(answer as FromWorker & { kind: K })
    }
    const onExit = (code: number | null) => {
      settle()
      reject(new Error(`a worker process ended with ${code}`))
    }
    worker.on('message', onMessage).on('exit', onExit)
    worker.send({ ...message, id })
  })
}
let requests = 0
