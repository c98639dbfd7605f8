// The thread that grows trees: those of the contexts that are being fitted, a few steps of each in turn, until they are all grown or dropped.

import { parentPort } from 'node:worker_threads'
import { growSteps } from '../heads/boosting/grow.js'
import type { TreeReply, TreeRequest } from './tree-messages.js'

/** Milliseconds of work between two looks at what has been asked. */
const SLICE = 20

const port = parentPort!
const growing = new Map<number, ReturnType<typeof growSteps>>()
let ticking = false

port.on('message', (request: TreeRequest) => {
  if (request.op === 'grow') growing.set(request.id, growSteps(request.plot))
  else growing.delete(request.id)
  wake()
})

function wake(): void {
  if (ticking || growing.size === 0) return
  ticking = true
  setImmediate(tick)
}

function tick(): void {
  ticking = false
  for (const [id, steps] of growing) {
    const end = performance.now() + SLICE / growing.size
    try {
      do {
        const step = steps.next()
        if (step.done) {
          growing.delete(id)
          tell({ id, grown: step.value })
          break
        }
        if (step.value) tell({ id, judged: step.value })
      } while (performance.now() < end)
    } catch (error) {
      growing.delete(id)
      tell({ id, error: (error as Error).message })
    }
  }
  wake()
}

function tell(reply: TreeReply): void {
  port.postMessage(reply)
}
