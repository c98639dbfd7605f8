// Entry of a process that carries sessions; workers.ts starts several and says what they do.

import pino from 'pino'
import type { Config } from '../config/config.js'
import { type OneOfSeveral, startService } from './service.js'

/** What the first process says; those with an id want an answer to it. */
export type ToWorker =
  | { readonly kind: 'start'; readonly id?: number; readonly config: Config; readonly inferSocket: string }
  | { readonly kind: 'reload'; readonly id?: number; readonly config: Config }
  /** Keys are in hexadecimal. */
  | { readonly kind: 'cancel'; readonly id?: number; readonly key: string }
  /** How many sessions the other processes have. */
  | { readonly kind: 'elsewhere'; readonly id?: number; readonly sessions: number }
  /** The answer to `foreign`. */
  | { readonly kind: 'passed'; readonly id: number; readonly found: boolean }
  | { readonly kind: 'stop'; readonly id?: number; readonly grace?: number }

export type FromWorker =
  /** It is there, and will hear what it is told. */
  | { readonly kind: 'hello' }
  | {
      readonly kind: 'listening'
      readonly to: number
      readonly host: string
      readonly port: number
      readonly wsPort: number | null
    }
  | { readonly kind: 'reloaded'; readonly to: number }
  | { readonly kind: 'cancelled'; readonly to: number; readonly found: boolean }
  | { readonly kind: 'failed'; readonly to: number; readonly message: string; readonly code?: string }
  /** How many sessions this process has. */
  | { readonly kind: 'sessions'; readonly count: number }
  /** A CancelRequest for a session that is not here. */
  | { readonly kind: 'foreign'; readonly id: number; readonly key: string }

const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
const asked = new Map<number, (found: boolean) => void>()
const elsewhere = { sessions: 0, tell: (count: number) => void say({ kind: 'sessions', count }) }
let service: OneOfSeveral | null = null
let last = 0

const say = (message: FromWorker) => process.send?.(message)

function onForeignCancel(key: Buffer): Promise<boolean> {
  const id = ++last
  say({ kind: 'foreign', id, key: key.toString('hex') })
  return new Promise(resolve => asked.set(id, resolve))
}

async function heed(message: ToWorker): Promise<void> {
  const to = message.id ?? 0
  switch (message.kind) {
    case 'start': {
      log.level = message.config.logLevel
      const { inferSocket } = message
      service = await startService(message.config, log, { inferSocket, onForeignCancel, elsewhere })
      const { host, port, wsPort } = service
      say({ kind: 'listening', to, host, port, wsPort })
      break
    }
    case 'reload':
      await service?.reload(message.config)
      log.level = message.config.logLevel
      say({ kind: 'reloaded', to })
      break
    case 'cancel':
      say({ kind: 'cancelled', to, found: (await service?.cancel(Buffer.from(message.key, 'hex'))) ?? false })
      break
    case 'elsewhere':
      elsewhere.sessions = message.sessions
      break
    case 'passed':
      asked.get(message.id)?.(message.found)
      asked.delete(message.id)
      break
    case 'stop':
      await service?.stop(message.grace)
      process.exit(0)
  }
}

process.on('message', (message: ToWorker) => {
  heed(message).catch((error: NodeJS.ErrnoException) =>
    say({ kind: 'failed', to: message.id ?? 0, message: error.message, code: error.code }),
  )
})
say({ kind: 'hello' })
// A terminal signals every process of a command: the first one decides what becomes of the others.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
