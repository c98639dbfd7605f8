// The client's upstream session, lent to the rewriter for one statement: helper queries under private names, answers captured.

import { serialize } from 'pg-protocol'
import { type Notice, PgError } from '../../pg-error.js'
import type { TypedParam, Upstream } from '../../rewrite/plan.js'
import { TAKE } from '../expected.js'
import { FAILED, IDLE, IN_TRANSACTION } from '../flow.js'
import * as B from '../messages/backend.js'
import { encodeBind } from '../messages/bind.js'
import { decodeDataRow } from '../messages/data-row.js'
import * as F from '../messages/frontend.js'
import { decodeParamTypes } from '../messages/parameter-description.js'
import { encodeParse } from '../messages/parse.js'
import { encodeTarget, STATEMENT } from '../messages/target.js'
import type { CachedStatement } from '../prepared-cache.js'
import { UpstreamError } from '../upstream-error.js'
import { noticeMessage } from './error-message.js'
import { HelperQuery, type OnRow } from './helper-query.js'
import type { InterceptHost } from './host.js'
import { NoticeGate } from './notice-gate.js'

const HELPER = 'pgpredict_h'
/** How long a cancelled helper query may go on before the server is asked again. */
const CANCEL_AGAIN_MS = 1000

let helpers = 0

export class Lease implements Upstream {
  /** What the server said when it refused a helper query. Its session ignores everything up to the next Sync since. */
  failure: UpstreamError | null = null
  /** An earlier message of the client's failed, so the server never gets to this one. */
  skipped = false
  /** The statement is one of a string of several, which succeed or fail together. */
  several = false
  statement = {}
  /** Other statements of the client's may follow in the transaction that this one begins. */
  pipelined = false
  unhurried = false
  readonly #abort = new AbortController()
  readonly #notices: NoticeGate
  #timer: NodeJS.Timeout | undefined
  #timeout = 0
  #outstanding = 0
  #wake: () => void = () => {}
  #used = false

  constructor(private readonly host: InterceptHost) {
    this.#notices = new NoticeGate(
      sql => this.query(sql),
      notice => host.aside(noticeMessage(notice, host.settings)),
      host.memory.told,
    )
  }

  get inBlock(): boolean {
    return this.several || this.transaction !== 'idle'
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get transaction(): 'idle' | 'open' | 'failed' {
    const { status, unsynced } = this.host.flow
    return status === FAILED ? 'failed' : status === IN_TRANSACTION || unsynced ? 'open' : 'idle'
  }

  /** Helper queries have run since the last Sync. */
  get used(): boolean {
    return this.#used
  }

  async query(sql: string, params: readonly TypedParam[] = []): Promise<(Buffer | null)[][]> {
    const rows: (Buffer | null)[][] = []
    await this.stream(sql, params, payload => {
      rows.push(decodeDataRow(payload))
    })
    return rows
  }

  async paramTypes(sql: string, types: readonly number[]): Promise<readonly number[]> {
    const name = `${HELPER}${++helpers}`
    let found: readonly number[] = []
    const described = (payload: Buffer) => {
      found = decodeParamTypes(payload)
    }
    await this.#ask(B.PARAMETER_DESCRIPTION, described, null, () => ({
      messages: [
        encodeParse({ name, sql: this.host.settings.encode(sql), types }),
        encodeTarget(F.DESCRIBE, STATEMENT, name),
        serialize.close({ type: 'S', name }),
      ],
      parse: true,
    }))
    return found
  }

  stream(sql: string, params: readonly TypedParam[], onRow: OnRow): Promise<number> {
    return this.#run(sql, params, onRow, null)
  }

  async streamPrepared(sql: string, params: readonly TypedParam[], onRow: OnRow): Promise<number> {
    const types = params.map(param => param.type)
    const statement = this.host.memory.prepared.use(sql, types)
    try {
      return await this.#run(sql, params, onRow, statement)
    } catch (error) {
      if (!(error instanceof UpstreamError && error.stale)) throw error
      this.host.memory.prepared.forget(statement)
      if (!this.#mayRestart()) throw error
      await this.#restart()
      return await this.#run(sql, params, onRow, this.host.memory.prepared.use(sql, types))
    }
  }

  notice(notice: Notice): void {
    if (!this.host.closed) this.#notices.show(notice, this.failure === null && !this.signal.aborted)
  }

  setNoticeLevel(level: string): void {
    this.#notices.level = level
  }

  async oneSnapshot(): Promise<void> {
    if (this.several || this.pipelined || !this.#mayRestart()) return
    await this.sync()
    // the transaction's first statement; the server's warning, that it is no block, is taken with its answer
    await this.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  }

  setTimeout(milliseconds: number): void {
    this.#timeout = milliseconds
    clearTimeout(this.#timer)
    if (milliseconds > 0) this.#timer = setTimeout(() => this.abort(timedOut()), Math.min(milliseconds, 2 ** 31 - 1))
  }

  /** Ends the statement; `reason` is what its client is told. */
  abort(reason: PgError): void {
    this.#abort.abort(reason)
    this.#wake()
  }

  /** The server ignores this message because an earlier one failed. */
  skip(): void {
    if (this.failure !== null) return
    this.skipped = true
    this.abort(new PgError({ code: '25P02', message: 'an earlier statement of the pipeline failed' }))
  }

  /** In a failed transaction the server itself refuses, in its own words. */
  async probe(): Promise<void> {
    if (this.host.flow.status === FAILED) await this.query('SELECT')
  }

  /**
   * Waits for the helper queries still running, and has the server cancel them when the statement has been aborted: only then is it
   * known what state the server is in.
   */
  async quiet(): Promise<void> {
    while (this.#outstanding > 0 && !this.host.closed) {
      if (this.signal.aborted) await this.host.cancelUpstream()
      if (this.#outstanding === 0) break
      await new Promise<void>(resolve => {
        const again = setTimeout(resolve, CANCEL_AGAIN_MS)
        this.#wake = () => {
          clearTimeout(again)
          resolve()
        }
      })
    }
  }

  /**
   * Waits likewise, then throws what makes the statement fail, if anything does: a refusal by the server even when the rewriter
   * swallowed it, since the session is beyond repair until the client's next Sync.
   */
  async settle(): Promise<void> {
    await this.quiet()
    if (this.failure !== null) throw this.failure
    this.signal.throwIfAborted()
  }

  /** Throws what makes the statement fail, if anything does yet; helper queries for what comes later may still run. */
  async ready(): Promise<void> {
    if (this.failure !== null || this.signal.aborted) await this.settle()
  }

  /** What the client is told when the statement ends with `thrown`: whoever was interrupted may not know by what. */
  verdict(thrown: unknown): unknown {
    return this.signal.aborted && !(thrown instanceof PgError) ? this.signal.reason : thrown
  }

  /** The client has come back for more of the same statement: the clock starts anew, as the server's does. */
  resume(): void {
    this.setTimeout(this.#timeout)
  }

  /** No further use for now: stops the clock. */
  end(): void {
    clearTimeout(this.#timer)
  }

  #run(sql: string, params: readonly TypedParam[], onRow: OnRow, cached: CachedStatement | null): Promise<number> {
    const name = `${HELPER}${++helpers}`
    const statement = cached?.name ?? name
    const types = params.map(param => param.type)
    return this.#ask(B.DATA_ROW, onRow, cached, () => {
      const { memory, settings } = this.host
      const parse = cached === null || !cached.prepared
      const closing = cached === null ? [name] : memory.prepared.takeEvicted()
      const messages = [
        ...(parse ? [encodeParse({ name: statement, sql: settings.encode(sql), types })] : []),
        encodeBind({ portal: name, statement, params, results: [1] }),
        serialize.execute({ portal: name }),
        serialize.close({ type: 'P', name }),
        ...closing.map(name => serialize.close({ type: 'S', name })),
      ]
      if (cached !== null) cached.prepared = true
      return { messages, parse }
    })
  }

  /** Sends messages of ours, and gives those of one type in their answers to `onRow`; how many there were. */
  #ask(
    wanted: number,
    onRow: OnRow,
    cached: CachedStatement | null,
    make: () => { readonly messages: readonly Buffer[]; readonly parse: boolean },
  ): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      if (this.signal.aborted) throw this.signal.reason
      if (this.failure !== null) throw this.failure
      const { host } = this
      const { messages, parse } = make()
      const query = new HelperQuery(
        messages.length,
        wanted,
        onRow,
        outcome => {
          this.signal.removeEventListener('abort', stop)
          if (--this.#outstanding === 0) this.#wake()
          if (outcome === 'skipped') {
            if (cached !== null && parse) host.memory.prepared.forget(cached)
            if (this.failure === null && !host.closed) this.skip()
            reject(this.failure ?? this.signal.reason ?? gone())
          } else if ('error' in outcome) reject(outcome.error)
          else resolve(outcome.rows)
        },
        error => {
          this.failure ??= error
          if (cached !== null && parse) host.memory.prepared.forget(cached)
        },
      )
      const stop = () => {
        query.ignoreRows()
        reject(this.signal.reason)
      }
      this.signal.addEventListener('abort', stop, { once: true })
      this.#outstanding++
      this.#used = true
      host.together(() => {
        for (const message of messages) host.send(message, TAKE, query)
        host.flush()
      })
    })
  }

  /** Ends a transaction that only we have begun: the client's statement must find itself the first. */
  async leave(): Promise<void> {
    if (this.#used && this.#mayRestart()) await this.sync()
  }

  /** Only where a Sync ends nothing but our own work. */
  #mayRestart(): boolean {
    const { flow, closed } = this.host
    return !closed && flow.status === IDLE && !flow.unsynced && this.#outstanding === 0 && !this.signal.aborted
  }

  #restart(): Promise<void> {
    this.failure = null
    return this.sync()
  }

  /** A Sync of ours, invisible to the client. */
  sync(): Promise<void> {
    this.#used = false
    return new Promise((resolve, reject) => {
      const handler = { take: () => null, error: () => null, done: resolve, skipped: () => reject(gone()) }
      this.host.flow.skipping = false
      this.host.send(serialize.sync(), TAKE, handler)
    })
  }
}

export const cancelled = (): PgError =>
  new PgError({ code: '57014', message: 'canceling statement due to user request' })

const timedOut = (): PgError => new PgError({ code: '57014', message: 'canceling statement due to statement timeout' })

export const gone = (): PgError => new PgError({ code: '08006', message: 'the session has ended', severity: 'FATAL' })
