// One PREDICT in the inference process: rows come in and are decoded, a context is fitted or found, entities are scored, arrays go out.

import { PgError, type PgErrorFields } from '../../pg-error.js'
import type { SteppedHead, Steps } from '../heads/stepped.js'
import type { JobRequest, JobSummary } from '../protocol.js'
import type { ContextCache } from './context-cache.js'
import { pipelineFor } from './kinds.js'
import type { Account, Ledger } from './ledger.js'
import type { Scheduler } from './scheduler.js'
import { type Decoded, type FittedContext, type Stopwatch, timed } from './stages.js'

/** What all jobs of the process share. */
export interface Host {
  readonly head: SteppedHead
  readonly scheduler: Scheduler
  readonly cache: ContextCache<FittedContext<Decoded>>
  readonly ledger: Ledger
  /** Keys being fitted, and who waits for each: equal questions asked at once are fitted once. */
  readonly flights: Map<string, (() => void)[]>
}

export interface Reply {
  result(summary: JobSummary, arrays: readonly (readonly [string, Buffer])[]): void
  failed(error: PgErrorFields, gone: boolean): void
}

export interface Job {
  /** False once it has answered or was cancelled. */
  readonly open: boolean
  /** Whether the next row of `size` bytes may be read; a job that has failed takes none. */
  admit(size: number): boolean
  row(payload: Buffer): void
  end(): void
  /** Stops at the next step and answers nothing. */
  cancel(): void
}

export function openJob(host: Host, request: JobRequest, reply: Reply): Job {
  const { contextKey: key, spec, options, cold } = request
  const account: Account = host.ledger.open()
  const milliseconds: Stopwatch = {}
  const accounts = { watch: milliseconds, account, head: host.head }
  const pipeline = pipelineFor(request)
  let decoder: ReturnType<typeof pipeline.createDecoder> | null = null
  let done = false
  let received = 0
  let leave: (() => void) | null = null
  let flying = false
  let ended = 0

  function settle(): boolean {
    if (done) return false
    done = true
    decoder = null
    account.close()
    land()
    return true
  }

  /** Lets those go on who waited for this job's context, whatever became of it. */
  function land(): void {
    if (!flying || key === null) return
    flying = false
    const waiting = host.flights.get(key) ?? []
    host.flights.delete(key)
    for (const start of waiting) start()
  }

  function fail(error: unknown, late = false): void {
    if (settle()) reply.failed(fieldsOf(error), late)
  }

  /** Runs now, or when the job that is fitting the same context has landed. */
  function start(found: FittedContext<Decoded> | null): void {
    if (done) return
    const known = found ?? (key === null ? null : host.cache.get(key))
    if (!known && key !== null) {
      const flight = host.flights.get(key)
      if (flight) {
        flight.push(() => start(null))
        return
      }
      host.flights.set(key, [])
      flying = true
    }
    leave = host.scheduler.add({ steps: work(known), failed: fail })
  }

  function* work(known: FittedContext<Decoded> | null): Steps<void> {
    const decoded = yield* timed(milliseconds, 'decode', decoder!.finishSteps())
    decoder = null
    account.take(decoded.bytes)
    account.give(received)
    let context = known
    if (context?.covers && !context.covers(decoded)) {
      if (!cold) return fail(gone(), true)
      context = yield* pipeline.fit(decoded, options, accounts, context)
      if (key !== null) host.cache.put(key, context, context.bytes)
    } else if (!context) {
      context = yield* pipeline.fit(decoded, options, accounts)
      if (key !== null) host.cache.put(key, context, context.bytes)
      land()
    }
    const arrays = yield* context.answer(decoded, options, accounts)
    const computing = Object.values(milliseconds).reduce((sum, ms) => sum + ms, 0)
    milliseconds.wait = Math.max(0, performance.now() - ended - computing)
    const cache = key === null ? 'bypass' : known ? 'hit' : 'miss'
    const summary = { ...context.facts, count: decoded.scored.count, cache, milliseconds } as const
    if (settle()) reply.result(summary, arrays)
  }

  let pinned: FittedContext<Decoded> | null = null
  if (!cold) {
    pinned = key === null ? null : host.cache.get(key)
    if (!pinned) fail(gone(), true)
  }
  try {
    if (!done) decoder = pipeline.createDecoder(spec)
  } catch (error) {
    fail(error)
  }

  return {
    get open() {
      return !done
    },
    admit(size) {
      if (done) return false
      try {
        account.take(size)
        received += size
        return true
      } catch (error) {
        fail(error)
        return false
      }
    },
    row(payload) {
      if (done) return
      try {
        decoder?.push(payload)
      } catch (error) {
        fail(error)
      }
    },
    end() {
      if (done || ended > 0) return
      ended = performance.now()
      start(pinned)
    },
    cancel() {
      if (settle()) leave?.()
    },
  }
}

const gone = (): PgError => new PgError({ code: '55000', message: 'context is no longer cached' })

/** What the client is told: an error of ours as it is, anything else as an internal one that names its cause. */
function fieldsOf(error: unknown): PgErrorFields {
  if (error instanceof PgError) return error.fields()
  const detail = error instanceof Error ? error.message : String(error)
  if (error instanceof RangeError && /alloc|array length|array size/i.test(detail)) {
    return { code: '53200', message: 'out of memory', detail, hint: 'Score fewer entities in a statement.' }
  }
  return { code: 'XX000', message: 'prediction failed', detail }
}
