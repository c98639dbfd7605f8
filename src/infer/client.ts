// The proxy's end of inference: opens jobs in the inference process, relays rows to it, and knows which contexts are cached. No row is
// looked at here.

import { createConnection, type Socket } from 'node:net'
import { PgError, type PgErrorFields } from '../pg-error.js'
import type { UsedChannels } from './features/usage.js'
import { type InferProcess, type SpawnOptions, startInferProcess } from './process/spawn.js'
import {
  type Bodies,
  type CachedContext,
  createFrameReader,
  frame,
  header,
  type JobRequest,
  type JobSummary,
  Kind,
  readChannels,
  readResult,
} from './protocol.js'

/** The answer to one job; every array has one element an entity scored, in the order they were sent. */
export interface InferResult {
  readonly count: number
  /** Postgres binary arrays: the key columns as they came (none where nothing was scored), and anchor_time timestamptz[]. */
  readonly keys: readonly Buffer[]
  readonly anchorTime: Buffer
  /** bool[] of binary tasks, float8[] of numeric ones. */
  readonly prediction: Buffer
  /** float8[]; binary tasks alone. */
  readonly probability: Buffer | null
  /** float8[]; numeric tasks alone. */
  readonly lower: Buffer | null
  readonly upper: Buffer | null
  readonly summary: JobSummary
}

export interface InferJob {
  /**
   * One DataRow's payload. A promise comes back when the process is not keeping up: until it resolves the payload must stay as it is, and
   * no more should be sent. Throws, or rejects with, the error that has ended the job.
   */
  push(payload: Buffer): void | Promise<void>
  /** No more rows. Rejects with a PgError, or ContextGone where a warm job's context is no longer there. */
  end(): Promise<InferResult>
  /** Ends the job at once with `reason`; 57014 unless told otherwise. */
  cancel(reason?: PgError): void
}

export interface InferClient {
  job(request: JobRequest, signal?: AbortSignal): InferJob
  /** Whether a fitted context is cached under `key`, as last heard: a warm job may still be told ContextGone. */
  has(key: string): boolean
  /** Channels a warm job for `key` has to bring; the others may be sent as NULL. null where the context is not cached. */
  used(key: string): UsedChannels | null
  /** Resolves once connected. */
  readonly ready: Promise<void>
  /** Where other processes' clients can connect. */
  readonly socketPath: string
  /** Of an inference process of this client's own. */
  readonly pid: number | null
  close(): Promise<void>
}

export interface InferClientOptions extends SpawnOptions {
  /** Of a running inference process; without it the client starts one of its own. */
  readonly socketPath?: string
  /** How long a job waits for a process that is being started, in milliseconds; 10,000 unless told otherwise. */
  readonly patience?: number
}

/** A warm job came too late: extract the context and ask again, cold. */
export class ContextGone extends PgError {
  override name = 'ContextGone'
}

interface Pending {
  resolve(result: InferResult): void
  reject(error: PgError): void
}

const RECONNECT = 20
const PATIENCE = 10_000

const restarted = (): PgError =>
  new PgError({
    code: '58000',
    message: 'inference process was restarted',
    detail: 'The process that computes predictions ended while this statement was under way.',
    hint: 'Run the statement again.',
  })

export function createInferClient(options: InferClientOptions = {}): InferClient {
  const { socketPath: given, patience = PATIENCE, ...spawning } = options
  const own: InferProcess | null = given === undefined ? startInferProcess(spawning) : null
  const socketPath = own?.socketPath ?? (given as string)
  const pending = new Map<number, Pending>()
  const cached = new Map<string, UsedChannels>()
  let socket: Socket | null = null
  let closed = false
  let last = 0
  let retry: NodeJS.Timeout | null = null
  let arrived = new Gate()

  function connect(): void {
    retry = null
    const opening = createConnection(socketPath)
    const reader = createFrameReader(receive, () => true)
    opening.on('connect', () => {
      socket = opening
      arrived.open()
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
        arrived = new Gate()
        cached.clear()
        for (const job of [...pending.values()]) job.reject(restarted())
      }
      if (!closed) retry = setTimeout(connect, RECONNECT)
    })
  }

  const note = ({ key, use }: CachedContext): void => void cached.set(key, readChannels(use))

  function receive(kind: number, id: number, body: Buffer): void {
    if (kind === Kind.result) {
      const { summary, arrays } = readResult(body)
      pending.get(id)?.resolve(resultOf(summary, arrays))
      return
    }
    const message = JSON.parse(body.toString('utf8'))
    if (kind === Kind.hello) for (const context of (message as Bodies[typeof Kind.hello]).contexts) note(context)
    else if (kind === Kind.cached) note(message as CachedContext)
    else if (kind === Kind.evicted) for (const key of (message as Bodies[typeof Kind.evicted]).keys) cached.delete(key)
    else if (kind === Kind.failed) {
      const { error, gone } = message as { error: PgErrorFields; gone: boolean }
      pending.get(id)?.reject(gone ? new ContextGone(error) : new PgError(error))
    }
  }

  function job(request: JobRequest, signal?: AbortSignal): InferJob {
    last = (last + 1) >>> 0
    const id = last
    let failure: PgError | null = null
    /** Ends the wait for the kernel to take the row under way. */
    let release: (() => void) | null = null
    let settled = false
    // the connection the job was opened on: its rows make no sense on another
    let line: Socket | null = null
    const result = new Promise<InferResult>((resolve, reject) => {
      const finish = (): void => {
        settled = true
        pending.delete(id)
        signal?.removeEventListener('abort', onAbort)
      }
      pending.set(id, {
        resolve(value) {
          finish()
          resolve(value)
        },
        reject(error) {
          if (settled) return
          finish()
          failure = error
          reject(error)
          release?.()
        },
      })
    })
    // the error also comes out of push(); a job given up before end() is no unhandled rejection
    result.catch(() => {})

    function cancel(reason?: PgError): void {
      if (settled) return
      if (line && line === socket) line.write(header(Kind.cancel, id, 0))
      const fallback = { code: '57014', message: 'canceling statement due to user request' }
      pending.get(id)?.reject(reason ?? new PgError(fallback))
    }
    function onAbort(): void {
      cancel(signal?.reason instanceof PgError ? signal.reason : undefined)
    }

    function open(on: Socket): void {
      if (settled) return
      line = on
      on.write(frame(Kind.open, id, request))
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    const opened: Promise<void> | null = socket ? null : waitForSocket().then(open)
    opened?.catch(error => pending.get(id)?.reject(error))
    if (socket) open(socket)

    /** Writes one frame; a promise where the kernel has not taken it all. */
    function send(kind: Kind, body: Buffer | null): void | Promise<void> {
      if (failure) throw failure
      const on = line as Socket
      if (!body) {
        on.write(header(kind, id, 0))
        return
      }
      on.cork()
      on.write(header(kind, id, body.length))
      on.write(body, () => release?.())
      on.uncork()
      // nothing is waiting: the kernel has it all
      if (on.writableLength === 0) return
      const taken = new Promise<void>((resolve, reject) => {
        release = () => {
          release = null
          if (failure) reject(failure)
          else resolve()
        }
      })
      // whoever gave up on the job may have given up on this too
      taken.catch(() => {})
      return taken
    }

    return {
      push: payload => (line || failure ? send(Kind.row, payload) : opened?.then(() => send(Kind.row, payload))),
      async end() {
        if (!line && !failure) await opened?.catch(() => {})
        if (!failure) send(Kind.end, null)
        return result
      },
      cancel,
    }
  }

  async function waitForSocket(): Promise<Socket> {
    const gate = arrived
    let timer: NodeJS.Timeout | null = null
    const late = new Promise<never>((_, reject) => {
      const error = new PgError({
        code: '58000',
        message: 'inference process is not running',
        detail: `It could not be reached for ${patience / 1000} seconds.`,
      })
      timer = setTimeout(() => reject(error), patience)
    })
    try {
      await Promise.race([gate.passed, late])
    } finally {
      if (timer) clearTimeout(timer)
    }
    if (!socket) throw restarted()
    return socket
  }

  connect()
  return {
    job,
    has: key => cached.has(key),
    used: key => cached.get(key) ?? null,
    get ready() {
      return Promise.race([arrived.passed, ...(own ? [own.ready.then(() => arrived.passed)] : [])])
    },
    socketPath,
    get pid() {
      return own?.pid ?? null
    },
    async close() {
      closed = true
      if (retry) clearTimeout(retry)
      socket?.destroy()
      for (const waiting of [...pending.values()]) waiting.reject(restarted())
      await own?.close()
    },
  }
}

/** Closed until something has happened. */
class Gate {
  open!: () => void
  readonly passed = new Promise<void>(resolve => {
    this.open = resolve
  })
}

function resultOf(summary: JobSummary, arrays: ReadonlyMap<string, Buffer>): InferResult {
  const need = (name: string): Buffer => {
    const found = arrays.get(name)
    if (!found) throw new PgError({ code: 'XX000', message: 'malformed prediction', detail: `${name} is missing` })
    return found
  }
  return {
    count: summary.count,
    keys: [...arrays].filter(([name]) => name.startsWith('key ')).map(([, bytes]) => bytes),
    anchorTime: need('anchor_time'),
    prediction: need('prediction'),
    probability: arrays.get('probability') ?? null,
    lower: arrays.get('lower') ?? null,
    upper: arrays.get('upper') ?? null,
    summary,
  }
}
