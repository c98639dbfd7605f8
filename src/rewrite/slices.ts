// Whom a question is about, in slices that are answered one after another.

import { askedSql, mayBeMany } from '../graph/extract/asked.js'
import type { PairsExtraction } from '../graph/extract/pairs.js'
import { type SqlParam, SqlParams } from '../graph/extract/sql.js'
import type { Extraction } from '../graph/extract/statement.js'
import type { Task } from '../pql/task.js'
import type { Param, Upstream } from './plan.js'

export interface Slice {
  /** Arrays of the key columns; null: whom the task names. */
  readonly keys: readonly SqlParam[] | null
  readonly count: number
}

export interface Asked {
  readonly slices: readonly Slice[]
  readonly count: number
  /** Distinct entities named; -1 where none were. */
  readonly named: number
}

/** null: as many as one slice holds, at most, whom the extraction finds by itself. */
export async function whoIsAsked(
  task: Task,
  anchor: bigint,
  most: number,
  client: readonly Param[],
  upstream: Upstream,
): Promise<Asked | null> {
  if (!mayBeMany(task, most, client)) return null
  const params = new SqlParams(client)
  const slices: Slice[] = []
  let named = -1
  await upstream.stream(askedSql(task, anchor, most, params), params.list, payload => {
    const [count, names, ...keys] = fieldsOf(payload)
    named = Number(names!.readBigInt64BE())
    slices.push({
      count: Number(count!.readBigInt64BE()),
      keys: keys.map((value, i) => ({ type: task.entity.key[i]!.arrayType, format: 1, value })),
    })
  })
  const alone = slices.length === 1 && task.ids.kind !== 'query' && task.asOf.kind !== 'entity time'
  if (slices.length === 0 || alone) return null
  return { slices, count: slices.reduce((sum, { count }) => sum + count, 0), named }
}

/** Copies: the payload is the wire's own buffer. */
function fieldsOf(payload: Buffer): (Buffer | null)[] {
  const fields: (Buffer | null)[] = []
  for (let at = 2; at < payload.length; ) {
    const length = payload.readInt32BE(at)
    at += 4
    fields.push(length < 0 ? null : Buffer.from(payload.subarray(at, at + length)))
    at += Math.max(0, length)
  }
  return fields
}

/** How many distinct entities the client named: the last of the constants, the one row looked at on its way. */
export class Named {
  count = -1
  readonly #part: number
  constructor({ spec }: Extraction | PairsExtraction) {
    this.#part = 'top' in spec ? spec.parts.indexOf('constants') : spec.parts.findIndex(p => p.kind === 'constants')
  }

  look(payload: Buffer): void {
    // int16 fields, then (int32 length, value) each: the first value is the part, the fourth its numbers, whose last element ends the field.
    if (payload.readInt32BE(6) !== this.#part) return
    let at = 2
    for (let field = 0; field < 3; field++) at += 4 + Math.max(0, payload.readInt32BE(at))
    const length = payload.readInt32BE(at)
    this.count = payload.readDoubleBE(at + 4 + length - 8)
  }
}
