// Notices of ours obey the client's client_min_messages, which the server does not report and must be asked for.

import type { Notice } from '../../pg-error.js'

/** Levels at which a NOTICE is still shown; a WARNING is too at `warning`. */
const SHOWS_NOTICE = /^(debug\d?|log|notice|info)$/

const LEVEL = "SELECT pg_catalog.current_setting('client_min_messages')"

export class NoticeGate {
  #level: Promise<string> | null = null

  constructor(
    private readonly query: (sql: string) => Promise<(Buffer | null)[][]>,
    private readonly send: (notice: Notice) => void,
  ) {}

  /** Shows the notice as soon as the level is known; at once when the server `canAnswer` no more. */
  show(notice: Notice, canAnswer: boolean): void {
    if (this.#level === null && !canAnswer) {
      this.send(notice)
      return
    }
    this.#level ??= this.query(LEVEL).then(
      rows => rows[0][0]!.toString(),
      () => 'notice',
    )
    this.#level.then(level => {
      if (SHOWS_NOTICE.test(level) || (level === 'warning' && notice.severity === 'WARNING')) this.send(notice)
    })
  }
}
