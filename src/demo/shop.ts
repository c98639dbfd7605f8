// The demo's database: a shop made up from a seed, dated relative to now, whose users' futures are known (see shop-truth).

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client } from 'pg'
import { from } from 'pg-copy-streams'
import { makeHistory } from './shop-history.js'
import { rowsAt } from './shop-rows.js'
import { CONSTRAINTS, IDENTITY, TABLES } from './shop-schema.js'
import { makeWorld } from './shop-world.js'

export { truth } from './shop-truth.js'

export interface ShopOptions {
  readonly seed: number
  /** Dates the whole shop: its history ends here. */
  readonly now: Date
  /** Write the database as it stood at this earlier moment; `now` by default. */
  readonly asOf?: Date
  /** How many sign up in all; 5,000 by default, for about 300,000 rows. */
  readonly users?: number
}

/**
 * Creates and fills the shop's tables in the schema that comes first on the client's search_path. Two calls with the same seed
 * and `now` write the same rows, and those of an earlier `asOf` are the later ones' earlier part (in-place updates undone).
 */
export async function writeShop(
  client: Client,
  { seed, now, asOf = now, users }: ShopOptions,
): Promise<{ rows: number }> {
  if (asOf > now) throw new RangeError('asOf must not be later than now')
  const world = makeWorld(seed, now, users)
  const history = makeHistory(world, now.getTime())
  let rows = 0
  const counted = function* (lines: Iterable<string>) {
    let buffer = ''
    for (const line of lines) {
      rows++
      buffer += line
      if (buffer.length > 65_536) {
        yield buffer
        buffer = ''
      }
    }
    yield buffer
  }
  // one transaction: rows copied into a table made by it need no log
  await client.query(`BEGIN; ${TABLES}`)
  try {
    for (const [table, lines] of rowsAt(world, history, asOf.getTime())) {
      await pipeline(
        Readable.from(counted(lines), { objectMode: true }),
        client.query(from(`COPY ${table} FROM STDIN`)),
      )
    }
    await client.query(CONSTRAINTS)
    for (const [table, column] of Object.entries(IDENTITY)) {
      await client.query(`SELECT setval(pg_get_serial_sequence($1, $2), (SELECT count(*) + 1 FROM ${table}), false)`, [
        table,
        column,
      ])
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
  await client.query(`ANALYZE ${Object.keys(IDENTITY).join(', ')}`)
  return { rows }
}
