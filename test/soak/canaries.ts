// Texts that belong to one session each. One that is seen on another session's wire has leaked.

import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'

const CANARY = /canary-[0-9a-f]{16}/g
const LONGEST = 'canary-'.length + 16

export interface Canaries {
  issue(): string
  /** Looks at all that comes on this connection, which may show `own` alone. Returns how to look at bytes sent the other way. */
  watch(socket: Pick<Socket, 'on'>, own: string): void
  /** Canaries seen where they do not belong. */
  readonly leaks: readonly string[]
  /** Those seen where they do. */
  readonly seen: number
}

export function createCanaries(): Canaries {
  const issued = new Set<string>()
  const leaks: string[] = []
  let seen = 0
  return {
    leaks,
    get seen() {
      return seen
    },
    issue() {
      const canary = `canary-${randomBytes(8).toString('hex')}`
      issued.add(canary)
      return canary
    },
    watch(socket, own) {
      let tail = ''
      socket.on('data', (chunk: Buffer) => {
        const text = tail + chunk.toString('latin1')
        let from = 0
        for (const { 0: canary, index } of text.matchAll(CANARY)) {
          from = index + LONGEST
          if (canary === own) seen++
          // garbled bytes may look like one, which nobody was given
          else if (issued.has(canary)) leaks.push(`${canary} on the session of ${own}`)
        }
        tail = text.slice(Math.max(from, text.length - LONGEST + 1))
      })
    },
  }
}
