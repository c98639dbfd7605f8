// Statements of a simple Query in the extended protocol, answered as the simple one would.

import { serialize } from 'pg-protocol'
import type { Bound, Param, Piece, Plan } from '../../rewrite/plan.js'
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
    const offset = charactersBefore(this.text, piece.start)
    this.#send(piece.sql, [], [], position => position + offset)
  }

  /** A rewritten one with what one execution of it sends. */
  rewritten(piece: Piece, plan: Plan, bound: Bound): void {
    const offset = charactersBefore(this.text, piece.start)
    const { sql, types, params, map } = executionOf(plan, bound)
    const inString = (position: number) => {
      const mapped = map(position)
      return mapped === null ? null : mapped + offset
    }
    this.#send(sql, types, params, inString, plan)
  }

  /** The same in parts, as they come. */
  async sliced(piece: Piece, plan: Plan, parts: AsyncIterable<Bound>, lease: Lease): Promise<void> {
    const offset = charactersBefore(this.text, piece.start)
    const slices = new Slices(this.host, plan, position => (position === null ? null : position + offset))
    for await (const bound of parts) {
      await lease.ready()
      slices.send(bound)
    }
    await lease.ready()
    slices.end()
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

  #send(
    sql: string,
    types: readonly number[],
    params: readonly Param[],
    map: (position: number) => number | null,
    plan?: Plan,
  ): void {
    const { host } = this
    const error = (response: Buffer) => withPosition(response, map)
    const hide: Handler = { take: () => null, error }
    const columns: Handler = { take: (type, message) => (type === B.NO_DATA ? null : message), error }
    const parse = encodeParse({ name: '', sql: host.settings.encode(sql), types })
    const bind = encodeBind({ portal: '', statement: '', params, results: [] })
    host.together(() => {
      host.send(parse, TAKE, hide)
      host.send(bind, TAKE, hide)
      host.send(serialize.describe({ type: 'P' }), TAKE, columns)
      if (plan?.tag) host.send(serialize.execute({}), TAKE, { ...retagged(plan), error })
      else host.send(serialize.execute({}), WATCH, { error })
    })
  }
}
