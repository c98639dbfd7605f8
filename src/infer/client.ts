// The proxy's end of inference: opens jobs in the inference process, relays rows to it, and knows which contexts are cached. No row is
// looked at here.

import type { Socket } from 'node:net'
import { PgError, type PgErrorFields } from '../pg-error.js'
import type { UsedChannels } from './features/usage.js'
import { DIMENSIONS } from './heads/embedding.js'
import { connectTo, restarted } from './process/connection.js'
import { type InferProcess, type SpawnOptions, startInferProcess } from './process/spawn.js'
import {
  type Bodies,
  type CachedContext,
  frame,
  header,
  type JobRequest,
  type JobSummary,
  Kind,
  readChannels,
  readResult,
} from './protocol.js'

export { DIMENSIONS }

/** The answer to one job, as Postgres binary arrays of `rows` elements each: entities in the order they were sent, an entity's rows together. */
export interface InferResult {
  /** Entities scored. */
  readonly count: number
  readonly rows: number
  /** The key columns as they came; none where nothing was scored. */
  readonly keys: readonly Buffer[]
  /**
   * By name. Always `anchor_time` timestamptz[]; binary: `prediction` bool[], `probability` float8[]; numeric: `prediction`, `lower`, `upper`
   * float8[]; multiclass: `prediction` in the values' own type, `probability` float8[], `probabilities` jsonb[];
   * all three with `embedding`, in the type asked for, where it is asked for;
   * rank: `rank` int4[], `item` in its own type, `score` float8[]; classify: `item`, `probability` float8[], `prediction` bool[].
   */
  readonly columns: ReadonlyMap<string, Buffer>
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
  /** Drops the context cached under a key that nobody will ask for again. */
  forget(key: string): void
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
  /** Told of every job that is done. */
  readonly onResult?: (summary: JobSummary) => void
}

/** A warm job came too late: extract the context and ask again, cold. */
export class ContextGone extends PgError {
  override name = 'ContextGone'
}

interface Pending {
  resolve(result: InferResult): void
  reject(error: PgError): void
}

const PATIENCE = 10_000

/** Bytes of rows that wait at most to leave together. */
const GATHERED = 64 * 1024

const stopping = (): PgError => new PgError({ code: '57P01', message: 'inference process is shutting down' })

export function createInferClient(options: InferClientOptions = {}): InferClient {
  const { socketPath: given, patience = PATIENCE, onResult, ...spawning } = options
  const own: InferProcess | null = given === undefined ? startInferProcess(spawning) : null
  const socketPath = own?.socketPath ?? (given as string)
  const pending = new Map<number, Pending>()
  const cached = new Map<string, UsedChannels>()
  let last = 0
  let gathering: Socket | null = null

  const connection = connectTo(socketPath, {
    onFrame: receive,
    onLost() {
      cached.clear()
      for (const job of [...pending.values()]) job.reject(restarted())
    },
  })

  function note({ key, use }: CachedContext): void {
    cached.set(key, readChannels(use))
  }

  function receive(kind: number, id: number, body: Buffer): void {
    if (kind === Kind.result) {
      const { summary, arrays } = readResult(body)
      onResult?.(summary)
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

  /** Small frames that are written one after the other leave in one piece. */
  function gather(on: Socket): void {
    if (gathering === on) return
    letGo()
    gathering = on
    on.cork()
    process.nextTick(letGo)
  }

  function letGo(): void {
    gathering?.uncork()
    gathering = null
  }

  function job(request: JobRequest, signal?: AbortSignal): InferJob {
    last = (last + 1) >>> 0
    const id = last
    let failure: PgError | null = null
    /** End the waits for the kernel to take rows. */
    const waits = new Set<() => void>()
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
          for (const over of [...waits]) over()
        },
      })
    })
    // the error also comes out of push(); a job given up before end() is no unhandled rejection
    result.catch(() => {})

    function cancel(reason?: PgError): void {
      if (settled) return
      if (line && line === connection.socket) line.write(header(Kind.cancel, id, 0))
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
    const opened: Promise<void> | null = connection.socket ? null : connection.wait(patience).then(open)
    opened?.catch(error => pending.get(id)?.reject(error))
    if (connection.socket) open(connection.socket)

    /** Writes one frame; a promise where the kernel has not taken it all. */
    function send(kind: Kind, body: Buffer | null): void | Promise<void> {
      if (failure) throw failure
      const on = line as Socket
      gather(on)
      on.write(header(kind, id, body?.length ?? 0))
      if (!body) return
      let over = (): void => {}
      on.write(body, () => over())
      if (on.writableLength < GATHERED) return
      letGo()
      // nothing is left waiting: the kernel has it all
      if (on.writableLength === 0) return
      const taken = new Promise<void>((resolve, reject) => {
        over = () => {
          waits.delete(over)
          if (failure) reject(failure)
          else resolve()
        }
        waits.add(over)
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

  return {
    job,
    has: key => cached.has(key),
    used: key => cached.get(key) ?? null,
    forget(key) {
      connection.socket?.write(frame(Kind.forget, 0, { key }))
    },
    get ready() {
      return own ? own.ready.then(() => connection.connected) : connection.connected
    },
    socketPath,
    get pid() {
      return own?.pid ?? null
    },
    async close() {
      for (const waiting of [...pending.values()]) waiting.reject(stopping())
      connection.close()
      await own?.close()
    },
  }
}

function resultOf(summary: JobSummary, arrays: ReadonlyMap<string, Buffer>): InferResult {
  const anchors = arrays.get('anchor_time')
  if (!anchors) throw new PgError({ code: 'XX000', message: 'malformed prediction', detail: 'anchor_time is missing' })
  const [keys, columns] = [true, false].map(wanted =>
    [...arrays].filter(([name]) => name.startsWith('key ') === wanted),
  )
  return {
    count: summary.count,
    rows: anchors.length > 12 ? anchors.readInt32BE(12) : 0,
    keys: keys.map(([, bytes]) => bytes),
    columns: new Map(columns),
    summary,
  }
}
