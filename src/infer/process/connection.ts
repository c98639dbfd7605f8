// A connection to the inference process that comes back by itself when it is lost.

import { createConnection, type Socket } from 'node:net'
import { PgError } from '../../pg-error.js'
import { createFrameReader } from '../protocol.js'

const RECONNECT = 20

export interface Connection {
  /** null while there is none. */
  readonly socket: Socket | null
  /** The socket when there is one; rejects with 58000 where that takes longer than `milliseconds`. */
  wait(milliseconds: number): Promise<Socket>
  /** Resolves when connected. */
  readonly connected: Promise<void>
  close(): void
}

export interface ConnectionEvents {
  /** A frame; throwing gives the connection up. */
  readonly onFrame: (kind: number, job: number, body: Buffer) => void
  /** An established connection is gone. */
  readonly onLost: () => void
}

export const restarted = (): PgError =>
  new PgError({
    code: '58000',
    message: 'inference process was restarted',
    detail: 'The process that computes predictions ended while this statement was under way.',
    hint: 'Run the statement again.',
  })

export function connectTo(path: string, { onFrame, onLost }: ConnectionEvents): Connection {
  let socket: Socket | null = null
  let closed = false
  let retry: NodeJS.Timeout | null = null
  let gate = new Gate()

  function connect(): void {
    retry = null
    const opening = createConnection(path)
    const reader = createFrameReader(onFrame, () => true)
    opening.on('connect', () => {
      if (closed) return opening.destroy()
      socket = opening
      gate.open()
    })
    opening.on('data', chunk => {
      try {
        reader.push(chunk)
      } catch {
        opening.destroy()
      }
    })
    // 'close' follows
    opening.on('error', () => {})
    opening.on('close', () => {
      if (socket === opening) {
        socket = null
        gate = new Gate()
        onLost()
      }
      if (!closed) retry = setTimeout(connect, RECONNECT)
    })
  }

  connect()
  return {
    get socket() {
      return socket
    },
    async wait(milliseconds) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(unreachable(milliseconds)), milliseconds)
      })
      try {
        await Promise.race([gate.passed, late])
      } finally {
        clearTimeout(timer)
      }
      if (!socket) throw restarted()
      return socket
    },
    get connected() {
      return gate.passed
    },
    close() {
      closed = true
      if (retry) clearTimeout(retry)
      socket?.destroy()
    },
  }
}

const unreachable = (milliseconds: number): PgError =>
  new PgError({
    code: '58000',
    message: 'inference process is not running',
    detail: `It could not be reached for ${milliseconds / 1000} seconds.`,
  })

/** Closed until something has happened. */
class Gate {
  open!: () => void
  readonly passed = new Promise<void>(resolve => {
    this.open = resolve
  })
}
