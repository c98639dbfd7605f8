// What the wire asks of the rewriter, and what the rewriter may ask of the wire. The wire knows messages; it never sees PQL.

import type { Notice } from '../pg-error.js'

/** A parameter as a Bind message carries it. */
export interface Param {
  readonly format: 0 | 1
  /** null: SQL NULL. */
  readonly value: Buffer | null
}

/** A parameter of a statement of ours: its type is declared in Parse, so that nothing is guessed. */
export interface TypedParam extends Param {
  readonly type: number
}

/** Text-format parameter of a declared type. */
export const textParam = (type: number, value: string | null): TypedParam => ({
  type,
  format: 0,
  value: value === null ? null : Buffer.from(value, 'utf8'),
})

/**
 * The client's own upstream session, lent for the time of one statement. Every query runs there in the extended protocol under
 * a private name, with Flush and never Sync, invisible to the client: its role, settings, transaction and snapshot apply.
 * A query that the server refuses rejects with an UpstreamError; the session is then in a failed transaction, as it must be.
 */
export interface Upstream {
  /** Small answers: every row as its raw field values, binary format. */
  query(sql: string, params?: readonly TypedParam[]): Promise<(Buffer | null)[][]>
  /** The types of a statement's parameters, as the server finds them where 0 is given; it is not run. */
  paramTypes(sql: string, types: readonly number[]): Promise<readonly number[]>
  /**
   * Large answers: the payload of each DataRow message (binary result format), as it arrives, in order; the wire decodes
   * nothing. Back-pressure: the upstream is paused while a returned promise is pending. Gives the number of rows.
   */
  stream(sql: string, params: readonly TypedParam[], onRow: (payload: Buffer) => void | Promise<void>): Promise<number>
  /**
   * Like `stream`, but the statement is kept prepared on the session under a name derived from its text and parameter types,
   * so that it is parsed and planned once. The wire forgets it when the client runs DISCARD ALL or DEALLOCATE ALL.
   */
  streamPrepared(
    sql: string,
    params: readonly TypedParam[],
    onRow: (payload: Buffer) => void | Promise<void>,
  ): Promise<number>
  /** One for each statement of the client's, between whose first and last query none of the client's own has run: a key for what need not be asked twice. */
  readonly statement: object
  /** A NoticeResponse to the client, at once, respecting its client_min_messages. */
  notice(notice: Notice): void
  /** A statement now would run in a transaction block: the client's, or that of a string or pipeline of several statements. */
  readonly inBlock: boolean
  /** As the last ReadyForQuery said; `open` also where the client has bound something since, which may begin a transaction. */
  readonly transaction: 'idle' | 'open' | 'failed'
  /** Fires when the client cancels, disconnects, or statement_timeout passes; reason is the PgError to answer with. */
  readonly signal: AbortSignal
  /** client_min_messages, where it is known: notices then need not wait for the server. */
  setNoticeLevel(level: string): void
  /** The client takes rows by the number, and may do something else before it comes back for more: nothing is read ahead for it. */
  readonly unhurried: boolean
  /** Lets all queries of a statement that only reads see the same rows, where no transaction of the client's is open: to be called before the first that matters. */
  oneSnapshot(): Promise<void>
  /** Starts the session's statement_timeout (ms, 0 = none) for time the server does not see. */
  setTimeout(milliseconds: number): void
}

/** A statement of the client's that holds a PREDICT, ready to be sent upstream in its rewritten form. */
export interface Plan {
  /** The outer SQL, each PREDICT node replaced by typed unnest($n, …). */
  readonly sql: string
  /** Type oids to declare for every parameter of `sql`: the client's first (0: let Postgres infer), then ours. */
  readonly paramTypes: readonly number[]
  /** How many of them, at the end, are ours and hidden from ParameterDescription. */
  readonly hidden: number
  /** Computes what one execution sends. Throws PgError; rejects when upstream.signal fires. */
  run(params: readonly Param[], upstream: Upstream): Promise<Bound>
  /**
   * The same in parts, each with rows of its own behind those of the parts before; one tag counts them all. Of a statement that makes each
   * row from one prediction: memory and the wait for the first row are those of a part. Absent: the statement needs all rows at once.
   */
  parts?(params: readonly Param[], upstream: Upstream): Parts
  /** It is a COPY, whose rows nobody can have some of. */
  readonly copies?: boolean
  /** Rows of each part begin with a line of names. */
  readonly headed?: boolean
  /** Position in the client's text (1-based characters) for a position in `sql`, or null where it lies in text of ours. */
  mapPosition(position: number): number | null
  /** The client's text, where it was sent ahead: positions of errors of `run` count in it. */
  readonly source?: string
  /** The command tag that the client is told, for the server's; the server's own where this is missing. */
  tag?(tag: string): string
}

/**
 * One execution of a plan: the hidden parameters; or another statement, which takes the place of `sql` with all the parameters that
 * it has, as where Postgres takes none.
 */
export type Bound =
  | { readonly params: readonly Param[] }
  | {
      readonly sql: string
      readonly typed?: readonly TypedParam[]
      mapPosition(position: number): number | null
    }

/** One of the parts that an execution comes in. */
export type Part = Bound & {
  /** None follows. */
  readonly last: boolean
}

/** What one execution sends, part by part. Nothing is made before it is asked for, but for reading ahead of it. */
export interface Parts {
  /** The next one; there is at least one. Throws as `run` does. */
  next(): Promise<Part>
  /** The part given last and all behind it, in one. */
  rest(): Promise<Bound>
  /** No more are wanted. */
  close(): void
}

/** One statement of a simple-query string. */
export interface Piece {
  /** Offset in the whole string, UTF-16 units. */
  readonly start: number
  readonly sql: string
}

/** What all sessions share. */
export interface Rewriting {
  /** The rewriter of a new session on this database. */
  open(database: string): Rewriter
}

/** Of one session: what its statements have made, prepared statements among it, decides about later ones. */
export interface Rewriter {
  /** One scan of a Q or P frame's SQL bytes for our words; false means: forward, never parsed. No allocation, no decoding. */
  mayConcern(sql: Uint8Array, start: number, end: number): boolean
  /** Splits a simple-query string into its statements; quotes, dollar quotes, nested comments and E'' strings as Postgres reads them. */
  split(sql: string, standardConformingStrings: boolean): Piece[]
  /**
   * null: an ordinary statement after all, to be forwarded as it came. Otherwise the plan, made from the catalog as the client's
   * role sees it (read through `upstream`). Throws PgError with a position in `sql`.
   */
  plan(sql: string, paramTypes: readonly number[], upstream: Upstream): Promise<Plan | null>
}
