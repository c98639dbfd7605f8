// A network ready to be asked, in a thread of its own. It needs onnxruntime-node, which need not be there.

import { startThread } from '../start-thread.js'
import type { ContextInputs, QueryInputs } from './inputs.js'
import type { Answers, Reply, Request } from './messages.js'
import { type ModelFacts, readModel } from './model.js'

/** An encoded context: forgotten when nothing refers to it any more. */
export interface Memory {
  readonly bytes: number
  predict(query: QueryInputs): Promise<Answers>
}

export interface Network {
  readonly facts: ModelFacts
  encode(inputs: ContextInputs): Promise<Memory>
  close(): Promise<void>
}

export interface NetworkOptions {
  readonly threads?: number
  /** Told when the thread ends by itself: nothing that it encoded can be asked any more. */
  readonly onDeath?: () => void
}

/** Rejects where the folder holds no model that fits, or onnxruntime-node is missing. */
export async function openNetwork(folder: string, { threads = 1, onDeath }: NetworkOptions = {}): Promise<Network> {
  const facts = readModel(folder)
  const worker = startThread(new URL('./thread.ts', import.meta.url), { folder, threads })
  const waiting = new Map<number, { resolve(answers: Answers | null): void; reject(error: Error): void }>()
  let last = 0
  let dead: Error | null = null
  let closing = false
  const forgotten = new FinalizationRegistry<number>(memory => send({ op: 'forget', memory }))

  function send(request: Request): void {
    if (!dead) worker.postMessage(request)
  }

  function ask(make: (id: number) => Request): Promise<Answers | null> {
    const id = ++last
    return new Promise((resolve, reject) => {
      if (dead) return reject(dead)
      waiting.set(id, { resolve, reject })
      worker.ref()
      send(make(id))
    })
  }

  function end(error: Error): void {
    dead ??= error
    for (const { reject } of waiting.values()) reject(dead)
    waiting.clear()
  }

  await new Promise<void>((resolve, reject) => {
    worker.on('message', (reply: Reply) => {
      if ('ready' in reply) return resolve()
      if (reply.id === null) return reject(new Error('error' in reply ? reply.error : 'no network'))
      const pending = waiting.get(reply.id)
      waiting.delete(reply.id)
      if (waiting.size === 0) worker.unref()
      if ('error' in reply) pending?.reject(new Error(reply.error))
      else pending?.resolve(reply.answers)
    })
    worker.on('error', error => {
      reject(error)
      end(error as Error)
    })
    worker.on('exit', () => {
      reject(new Error('the thread of the network ended'))
      end(new Error('the thread of the network ended'))
    })
  }).catch(async error => {
    await worker.terminate()
    throw error
  })
  worker.on('exit', () => {
    if (!closing) onDeath?.()
  })
  // a question under way keeps the process alive, the thread itself does not
  worker.unref()

  return {
    facts,
    async encode({ rows, columns, z, missing, described, known, label, bytes }) {
      let memory = 0
      await ask(id => {
        memory = id
        return { op: 'encode', id, rows, columns, z, missing, described, known, label }
      })
      const encoded: Memory = {
        bytes: bytes + rows * facts.bytesPerRow,
        async predict(query) {
          const { rows, z, missing, known } = query
          return (await ask(id => ({ op: 'predict', id, memory, rows, z, missing, known }))) as Answers
        },
      }
      forgotten.register(encoded, memory)
      return encoded
    },
    async close() {
      closing = true
      end(new Error('the network is closed'))
      await worker.terminate()
    },
  }
}
