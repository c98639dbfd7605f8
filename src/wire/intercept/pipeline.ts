// Statements of a simple Query in the extended protocol, answered as the simple one would.

import { serialize } from 'pg-protocol'
import type { Bound, Param, Parts, Piece, Plan } from '../../rewrite/plan.js'
import { type Handler, TAKE, WATCH } from '../expected.js'
import * as B from '../messages/backend.js'
import { encodeBind } from '../messages/bind.js'
import { withPosition } from '../messages/error-response.js'
import { encodeParse } from '../messages/parse.js'
import { charactersBefore } from '../position.js'
import { retagged } from './execute.js'
import { executionOf } from './execution.js'
import type { InterceptHost } from './host.js'
import type { Lease } from './lease.js'
import { Slices } from './slices.js'

export class Pipeline {
  constructor(
    private readonly host: InterceptHost,
    /** The whole string, which the positions in its errors count from. */
    private readonly text: string,
  ) {}

  /** A statement of the string as it is. */
  ordinary(piece: Piece): void {
    const map = this.#inString(piece, position => position)
    this.host.together(() => {
      this.#parse(piece.sql, [], map)
      this.#execute([], map)
    })
  }

  /** Has the server look at a rewritten statement before anything is predicted for it: what is wrong around a PREDICT is said at once. */
  prepare(piece: Piece, plan: Plan): void {
    const map = this.#inString(piece, position => plan.mapPosition(position))
    this.host.together(() => this.#parse(plan.sql, plan.paramTypes, map))
  }

  /** One that has been prepared, with what one execution of it sends. */
  rewritten(piece: Piece, plan: Plan, bound: Bound): void {
    const { sql, types, params, map: place } = executionOf(plan, bound)
    const map = this.#inString(piece, place)
    this.host.together(() => {
      if ('sql' in bound) this.#parse(sql, types, map)
      this.#execute(params, map, plan)
    })
  }

  /** The same in parts, as they come. */
  async sliced(piece: Piece, plan: Plan, parts: Parts, lease: Lease): Promise<void> {
    const slices = new Slices(this.host, plan, place => this.#inString(piece, place))
    try {
      for (let last = false; !last; ) {
        const part = await parts.next()
        await lease.ready()
        slices.send(part)
        last = part.last
      }
    } finally {
      parts.close()
    }
  }

  /** The end: closes what a Query leaves no trace of, and gives the client its ReadyForQuery. */
  sync(): void {
    const { host } = this
    if (host.closed) return
    const hide: Handler = { take: () => null }
    host.together(() => {
      if (!host.flow.skipping) {
        host.send(serialize.close({ type: 'P' }), TAKE, hide)
        host.send(serialize.close({ type: 'S' }), TAKE, host.memory.statements.change('', null))
      }
      host.forward(serialize.sync())
    })
  }

  /** Positions in the whole string, of those that `map` gives in one of its statements. */
  #inString(piece: Piece, map: (position: number) => number | null): (position: number) => number | null {
    return position => {
      const mapped = map(position)
      return mapped === null ? null : mapped + charactersBefore(this.text, piece.start)
    }
  }

  #parse(sql: string, types: readonly number[], map: (position: number) => number | null): void {
    const error = (response: Buffer) => withPosition(response, map)
    const parse = encodeParse({ name: '', sql: this.host.settings.encode(sql), types })
    this.host.send(parse, TAKE, { take: () => null, error })
  }

  #execute(params: readonly Param[], map: (position: number) => number | null, plan?: Plan): void {
    const { host } = this
    const error = (response: Buffer) => withPosition(response, map)
    const columns: Handler = { take: (type, message) => (type === B.NO_DATA ? null : message), error }
    host.send(encodeBind({ portal: '', statement: '', params, results: [] }), TAKE, { take: () => null, error })
    host.send(serialize.describe({ type: 'P' }), TAKE, columns)
    if (plan?.tag) host.send(serialize.execute({}), TAKE, { ...retagged(plan), error })
    else host.send(serialize.execute({}), WATCH, { error })
  }
}
