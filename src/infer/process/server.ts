// The inference process' side of the socket: frames become jobs, jobs' answers become frames, and every client knows what is cached.

import type { Socket } from 'node:net'
import type { SteppedHead } from '../heads/stepped.js'
import {
  type CachedContext,
  createFrameReader,
  frame,
  type JobRequest,
  Kind,
  listChannels,
  resultFrame,
} from '../protocol.js'
import { createContextCache } from './context-cache.js'
import { type Host, type Job, openJob } from './job.js'
import { createLedger } from './ledger.js'
import { createScheduler } from './scheduler.js'
import type { Decoded, FittedContext } from './stages.js'

export interface Limits {
  /** Fitted contexts kept. */
  readonly cacheBytes: number
  readonly cacheMilliseconds: number
  /** Rows and features of all jobs together. */
  readonly memoryBytes: number
}

/** Longest JSON body believed. */
const LONGEST_TEXT = 64 * 1048576

/** What to do with each connection; all share one cache, one ledger, one scheduler. */
export function createService(limits: Limits, head: SteppedHead): (socket: Socket) => void {
  const sockets = new Set<Socket>()
  const tell = (message: Buffer): void => {
    for (const socket of sockets) socket.write(message)
  }
  const host: Host = {
    head,
    scheduler: createScheduler(),
    cache: createContextCache<FittedContext<Decoded>>({
      maxBytes: limits.cacheBytes,
      ttlMilliseconds: limits.cacheMilliseconds,
      onCached: (key, context) => tell(frame(Kind.cached, 0, describe(key, context))),
      onEvicted: keys => tell(frame(Kind.evicted, 0, { keys })),
    }),
    ledger: createLedger(limits.memoryBytes),
    flights: new Map(),
  }
  return socket => {
    sockets.add(socket)
    const contexts = host.cache.entries().map(([key, context]) => describe(key, context))
    socket.write(frame(Kind.hello, 0, { contexts }))
    const stop = serve(host, socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      stop()
    })
  }
}

const describe = (key: string, context: FittedContext<Decoded>): CachedContext => ({
  key,
  use: listChannels(context.usedChannels),
})

/** One client. The function returned cancels whatever it has under way. */
function serve(host: Host, socket: Socket): () => void {
  const jobs = new Map<number, Job>()

  function open(id: number, request: JobRequest): void {
    const job = openJob(host, request, {
      result(summary, arrays) {
        jobs.delete(id)
        socket.cork()
        const sizes = arrays.map(([name, bytes]) => ({ name, size: bytes.length }))
        socket.write(resultFrame(id, { summary, arrays: sizes }))
        for (const [, bytes] of arrays) socket.write(bytes)
        socket.uncork()
      },
      failed(error, gone) {
        jobs.delete(id)
        socket.write(frame(Kind.failed, id, { error, gone }))
      },
    })
    // a job that fails while it opens has answered already
    if (job.open) jobs.set(id, job)
  }

  const reader = createFrameReader(
    (kind, id, body) => {
      if (kind === Kind.open) return open(id, JSON.parse(body.toString('utf8')))
      if (kind === Kind.forget) return host.cache.drop(JSON.parse(body.toString('utf8')).key)
      const job = jobs.get(id)
      if (kind === Kind.row) job?.row(body)
      else if (kind === Kind.end) job?.end()
      else if (kind === Kind.cancel) {
        jobs.delete(id)
        job?.cancel()
      }
    },
    (kind, id, size) => {
      if (kind === Kind.row) return jobs.get(id)?.admit(size) ?? false
      if (size > LONGEST_TEXT) throw new RangeError(`frame of kind ${kind} is ${size} bytes long`)
      return true
    },
  )
  socket.on('data', chunk => {
    try {
      reader.push(chunk)
    } catch {
      // not a client of ours: there is no frame to answer
      socket.destroy()
    }
  })
  return () => {
    for (const job of jobs.values()) job.cancel()
    jobs.clear()
  }
}
