// Several executions that the client is to take for one: their rows follow each other, and the tag of the last counts them all.

import type { Plan } from '../../rewrite/plan.js'
import { type Action, type Handler, TAKE, TRIM } from '../expected.js'
import * as B from '../messages/backend.js'
import { frame, HEADER } from '../messages/header.js'
import type { InterceptHost } from './host.js'

const TAG = /^(.*?) ?(\d+)\0$/s

/** How an execution ended: its rows, if they were all; null where a limit or an error came first. */
export type Ended = (rows: number | null) => void

export class OneExecution {
  #rows = 0
  #begun = false

  constructor(
    private readonly host: InterceptHost,
    private readonly plan: Plan,
  ) {}

  /** What becomes of the answers to the next Execute. */
  next(last: boolean, error: NonNullable<Handler['error']>, ended: Ended = () => {}): [Action, Handler] {
    const first = !this.#begun
    this.#begun = true
    /** The first line of a COPY repeats what is known. */
    const names = this.plan.headed === true && !first
    const take: Handler['take'] = (type, message) => {
      switch (type) {
        case B.COMMAND_COMPLETE: {
          const [, verb, count] = TAG.exec(message.toString('latin1', HEADER))!
          this.#rows += Number(count)
          ended(Number(count))
          return last ? frame(B.COMMAND_COMPLETE, Buffer.from(`${verb} ${this.#rows}\0`, 'latin1')) : null
        }
        case B.PORTAL_SUSPENDED:
          ended(null)
          return message
        case B.COPY_OUT_RESPONSE:
          return first ? message : null
        case B.COPY_DONE:
          return last ? message : null
        case B.COPY_DATA:
          if (!names) return message
          this.host.expected.trim()
          return null
        default:
          return message
      }
    }
    const failed = (response: Buffer) => {
      ended(null)
      return error(response)
    }
    return [names ? TAKE : TRIM, { take, error: failed, skipped: () => ended(null) }]
  }
}
