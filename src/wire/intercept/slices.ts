// An answer in parts: the same statement executed once for each, on a portal of its own, with one description before all rows and one tag
// behind them, so that the client sees one execution. Rows go out while the next part is made.

import { serialize } from 'pg-protocol'
import type { Bound, Plan } from '../../rewrite/plan.js'
import { type Handler, TAKE, TRIM } from '../expected.js'
import * as B from '../messages/backend.js'
import { encodeBind } from '../messages/bind.js'
import { withPosition } from '../messages/error-response.js'
import { frame, HEADER } from '../messages/header.js'
import { encodeParse } from '../messages/parse.js'
import { type Execution, executionOf } from './execution.js'
import type { InterceptHost } from './host.js'

const TAG = /^(.*?) ?(\d+)\0$/s

export class Slices {
  #sent = 0
  #rows = 0
  #verb = ''
  #copies = false

  /** `inString` makes of places in the client's statement those in what the client sent. */
  constructor(
    private readonly host: InterceptHost,
    private readonly plan: Plan,
    private readonly inString: (place: Execution['map']) => Execution['map'],
  ) {}

  /** Executes one part. */
  send(bound: Bound): void {
    const { host, plan } = this
    const { sql, types, params, map: place } = executionOf(plan, bound)
    const map = this.inString(place)
    const error = (response: Buffer) => withPosition(response, map)
    const hide: Handler = { take: () => null, error }
    const columns: Handler = { take: (type, message) => (type === B.NO_DATA ? null : message), error }
    const first = this.#sent++ === 0
    host.together(() => {
      // the first time it has been prepared; a plan for all of them would be made for ten rows
      if (!first || 'sql' in bound)
        host.send(encodeParse({ name: '', sql: host.settings.encode(sql), types }), TAKE, hide)
      host.send(encodeBind({ portal: '', statement: '', params, results: [] }), TAKE, hide)
      if (first) host.send(serialize.describe({ type: 'P' }), TAKE, columns)
      const names = plan.headed === true && !first
      host.send(serialize.execute({}), names ? TAKE : TRIM, { take: this.#around(first, names), error })
      host.flush()
    })
  }

  /** The tag for all of them, in the answer to a message that has none of its own. */
  end(): void {
    const tag: Handler = {
      take: (type, message) => {
        if (type !== B.CLOSE_COMPLETE) return message
        const text = frame(B.COMMAND_COMPLETE, Buffer.from(`${this.#verb} ${this.#rows}\0`, 'latin1'))
        return this.#copies ? Buffer.concat([frame(B.COPY_DONE, Buffer.alloc(0)), text]) : text
      },
    }
    this.host.send(serialize.close({ type: 'P' }), TAKE, tag)
  }

  /** What the client sees of the answers around a part's rows; `names`: the first line repeats what is known. */
  #around(first: boolean, names: boolean): NonNullable<Handler['take']> {
    return (type, message) => {
      switch (type) {
        case B.COMMAND_COMPLETE: {
          const [, verb, rows] = TAG.exec(message.toString('latin1', HEADER))!
          this.#verb = verb
          this.#rows += Number(rows)
          return null
        }
        case B.COPY_OUT_RESPONSE:
          this.#copies = true
          return first ? message : null
        case B.COPY_DONE:
          return null
        case B.COPY_DATA:
          if (!names) return message
          this.host.expected.trim()
          return null
        default:
          return message
      }
    }
  }
}
