// The one error every room may throw at a client: a SQLSTATE, a position, numbers in DETAIL, a statement to type in HINT.

export interface PgErrorFields {
  /** SQLSTATE, Postgres' own where one fits (42601, 42P01, …), class PQ otherwise. */
  readonly code: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
  /** Offset of the offending token in the text handed to the thrower: UTF-16 units, zero-based. The wire makes it 1-based characters. */
  readonly position?: number
  readonly severity?: 'ERROR' | 'FATAL'
  /** Where the server saw it in a text of ours, 1-based characters: for who knows what that text was made of. */
  readonly serverPosition?: number
}

export class PgError extends Error {
  readonly code: string
  readonly detail?: string
  readonly hint?: string
  readonly position?: number
  readonly severity: 'ERROR' | 'FATAL'
  readonly serverPosition?: number

  constructor(fields: PgErrorFields) {
    super(fields.message)
    this.name = 'PgError'
    this.code = fields.code
    this.detail = fields.detail
    this.hint = fields.hint
    this.position = fields.position
    this.severity = fields.severity ?? 'ERROR'
    this.serverPosition = fields.serverPosition
  }

  /** The same error with its position moved by `offset`, as when a node's text is a slice of a longer statement. */
  at(offset: number): PgError {
    return new PgError({ ...this.fields(), position: this.position === undefined ? undefined : this.position + offset })
  }

  /** Plain data, for crossing a process boundary. */
  fields(): PgErrorFields {
    const { code, message, detail, hint, position, severity } = this
    return { code, message, detail, hint, position, severity }
  }
}

/** A NOTICE or WARNING for the client; class 01PQn codes carry the number that tripped them in DETAIL. */
export interface Notice {
  readonly severity: 'NOTICE' | 'WARNING'
  readonly code: string
  readonly message: string
  readonly detail?: string
  readonly hint?: string
  /** A session is told once, however often it happens. */
  readonly once?: boolean
}
