// An answer in parts to a simple query: the same statement executed once for each, with one description before all rows. Rows go out
// while the next part is made.

import { serialize } from 'pg-protocol'
import type { Part, Plan } from '../../rewrite/plan.js'
import { type Handler, TAKE } from '../expected.js'
import * as B from '../messages/backend.js'
import { encodeBind } from '../messages/bind.js'
import { withPosition } from '../messages/error-response.js'
import { encodeParse } from '../messages/parse.js'
import { type Execution, executionOf } from './execution.js'
import type { InterceptHost } from './host.js'
import { OneExecution } from './one-execution.js'

export class Slices {
  #first = true
  readonly #one: OneExecution

  /** `inString` makes of places in the client's statement those in what the client sent. */
  constructor(
    private readonly host: InterceptHost,
    private readonly plan: Plan,
    private readonly inString: (place: Execution['map']) => Execution['map'],
  ) {
    this.#one = new OneExecution(host, plan)
  }

  /** Executes one part. */
  send(part: Part): void {
    const { host, plan } = this
    const { sql, types, params, map: place } = executionOf(plan, part)
    const map = this.inString(place)
    const error = (response: Buffer) => withPosition(response, map)
    const hide: Handler = { take: () => null, error }
    const columns: Handler = { take: (type, message) => (type === B.NO_DATA ? null : message), error }
    const first = this.#first
    this.#first = false
    host.together(() => {
      // the first time it has been prepared; a plan for all of them would be made for ten rows
      if (!first || 'sql' in part)
        host.send(encodeParse({ name: '', sql: host.settings.encode(sql), types }), TAKE, hide)
      host.send(encodeBind({ portal: '', statement: '', params, results: [] }), TAKE, hide)
      if (first) host.send(serialize.describe({ type: 'P' }), TAKE, columns)
      host.send(serialize.execute({}), ...this.#one.next(part.last, error))
      host.flush()
    })
  }
}
