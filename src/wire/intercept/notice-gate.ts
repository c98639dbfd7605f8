// Notices of ours obey the client's client_min_messages, which the server does not report and must be asked for. What a session need hear
// only once is not said again.

import type { Notice } from '../../pg-error.js'

/** Levels at which a NOTICE is still shown; a WARNING is too at `warning`. */
const SHOWS_NOTICE = /^(debug\d?|log|notice|info)$/

/** More than a session has to be told. */
const MOST_TOLD = 1000

const LEVEL = "SELECT pg_catalog.current_setting('client_min_messages')"

export class NoticeGate {
  #level: Promise<string> | null = null

  constructor(
    private readonly query: (sql: string) => Promise<(Buffer | null)[][]>,
    private readonly send: (notice: Notice) => void,
    /** What the session has been told already. */
    private readonly told: Set<string>,
  ) {}

  /** What client_min_messages is, for whom it has been read already: behind a long query the server would not answer for long. */
  set level(level: string) {
    this.#level = Promise.resolve(level)
  }

  /** Shows the notice as soon as the level is known; at once when the server `canAnswer` no more. */
  show(notice: Notice, canAnswer: boolean): void {
    if (this.#level === null && !canAnswer) {
      this.#tell(notice)
      return
    }
    this.#level ??= this.query(LEVEL).then(
      rows => rows[0][0]!.toString(),
      () => 'notice',
    )
    this.#level.then(level => {
      if (SHOWS_NOTICE.test(level) || (level === 'warning' && notice.severity === 'WARNING')) this.#tell(notice)
    })
  }

  #tell(notice: Notice): void {
    if (notice.once) {
      if (this.told.has(notice.message)) return
      if (this.told.size >= MOST_TOLD) this.told.clear()
      this.told.add(notice.message)
    }
    this.send(notice)
  }
}
