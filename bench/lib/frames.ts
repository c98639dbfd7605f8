// The statements as chunks of the protocol, half of them simple queries, half Parse/Bind/Describe/Execute/Sync; and what the server
// answers to each.

import { serialize } from 'pg-protocol'
import { STATEMENTS } from './statements.js'

export interface Exchange {
  readonly asked: Buffer
  readonly answered: Buffer
}

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const field = Buffer.concat([
  Buffer.from('abalance\0'),
  Buffer.from('0000400b000300000017' + '0004ffffffff0000', 'hex'),
])
const description = message('T', Buffer.concat([Buffer.from([0, 1]), field]))
const row = message('D', Buffer.from([0, 1, 0, 0, 0, 3, 0x31, 0x30, 0x30]))
const complete = message('C', Buffer.from('SELECT 1\0'))
const ready = message('Z', Buffer.from('I'))
const empty = Buffer.alloc(0)

function exchanges(sql: string, aid: number): Exchange[] {
  const simple = sql.replace(':aid', String(aid))
  const extended = sql.replace(':aid', '$1')
  return [
    { asked: serialize.query(simple), answered: Buffer.concat([description, row, complete, ready]) },
    {
      asked: Buffer.concat([
        serialize.parse({ text: extended, types: [], name: '' }),
        serialize.bind({ values: [String(aid)] }),
        serialize.describe({ type: 'P' }),
        serialize.execute({}),
        serialize.sync(),
      ]),
      answered: Buffer.concat([message('1', empty), message('2', empty), description, row, complete, ready]),
    },
  ]
}

/** In the statements' proportions. */
export const recorded: readonly Exchange[] = STATEMENTS.flatMap(({ weight, sql }) =>
  Array.from({ length: weight }, (_, i) => exchanges(sql, 1000 + 37 * i)),
).flat()
