// Trees grown on a second thread while linear models are fitted on the first: the same trees, since nothing in them depends on when they come.

import type { Worker } from 'node:worker_threads'
import type { Grow, Grown, Judged } from '../heads/boosting/grow.js'
import { settled } from '../heads/stepped.js'
import { startThread } from '../start-thread.js'
import type { TreeReply, TreeRequest } from './tree-messages.js'

interface Waiting {
  judged(value: Judged): void
  grown(value: Grown): void
  failed(error: Error): void
}

/** Starts the thread, and starts it again should it die; what it was growing then fails. */
export function createTreeThread(): { readonly grow: Grow; close(): Promise<void> } {
  const waiting = new Map<number, Waiting>()
  let last = 0
  let worker: Worker | null = start()

  function start(): Worker {
    const started = startThread(new URL('./tree-worker.ts', import.meta.url))
    const end = (error: Error) => {
      if (worker === started) worker = null
      for (const { failed } of waiting.values()) failed(error)
      waiting.clear()
    }
    started.on('message', (reply: TreeReply) => {
      const asked = waiting.get(reply.id)
      if ('judged' in reply) asked?.judged(reply.judged)
      else if ('grown' in reply) asked?.grown(reply.grown)
      else asked?.failed(new Error(reply.error))
    })
    started.on('error', error => end(error as Error))
    started.on('exit', () => end(new Error('the thread that grows trees ended')))
    started.unref()
    return started
  }

  function send(request: TreeRequest): void {
    worker ??= start()
    // what is asked keeps the process alive, the thread itself does not
    if (request.op === 'grow') worker.ref()
    worker.postMessage(request)
  }

  return {
    grow(plot) {
      const id = ++last
      let failed: (error: Error) => void = () => {}
      const promised = <T>(take: (resolve: (value: T) => void) => void): Promise<T> => {
        const promise = new Promise<T>((resolve, reject) => {
          take(resolve)
          const before = failed
          failed = error => {
            before(error)
            reject(error)
          }
        })
        // whether it is waited for is not known yet
        promise.catch(() => {})
        return promise
      }
      const answers: Pick<Waiting, 'judged' | 'grown'> = { judged: () => {}, grown: () => {} }
      const judged = promised<Judged>(resolve => {
        answers.judged = resolve
      })
      const grown = promised<Grown>(resolve => {
        answers.grown = resolve
      })
      waiting.set(id, { ...answers, failed })
      send({ op: 'grow', id, plot })
      return {
        judged: () => settled(judged),
        all: () => settled(grown),
        drop() {
          if (waiting.delete(id)) send({ op: 'drop', id })
          if (waiting.size === 0) worker?.unref()
        },
      }
    },
    async close() {
      await worker?.terminate()
    },
  }
}
