// The acceptance suite as far as the language goes: what each query asks, and the columns it is answered with.

import t from 'tap'
import { outputColumns } from '../../src/pql/index.js'
import type { TaskKind } from '../../src/pql/task.js'
import { ACCEPTED } from './accepted.js'
import { ask } from './ask.js'

const U = 'FOR EACH users.user_id'

/** Columns behind key and anchor; `*` is the item. */
const COLUMNS: Readonly<Record<TaskKind, readonly string[]>> = {
  binary: ['prediction boolean', 'probability double precision'],
  numeric: ['prediction double precision', 'lower double precision', 'upper double precision'],
  multiclass: ['prediction *', 'probability double precision', 'probabilities jsonb'],
  classify: ['* *', 'probability double precision', 'prediction boolean'],
  rank: ['rank integer', '* *', 'score double precision'],
  forecast: [
    'step integer', 'window_start timestamp with time zone', 'window_end timestamp with time zone',
    'prediction double precision', 'lower double precision', 'upper double precision',
  ],
} // biome-ignore format: a table

for (const [number, kind, query] of ACCEPTED)
  t.test(`${number}: ${query} is ${kind}`, async t => {
    const { task } = ask(query)
    t.equal(task.kind, kind)
    const [key, anchor, ...answer] = outputColumns(task).map(({ name, typeName }) => `${name} ${typeName}`)
    t.equal(key, `${task.entity.key[0].name} ${task.entity.key[0].typeName}`)
    t.equal(anchor, 'anchor_time timestamp with time zone')
    t.equal(answer.length, COLUMNS[kind].length)
    COLUMNS[kind].forEach((column, at) => {
      const [name, ...type] = column.split(' ')
      if (name !== '*') t.equal(answer[at].split(' ')[0], name)
      if (type[0] !== '*') t.equal(answer[at], column)
    })
  })

t.test('items of lists and values of classes have the type of their column', async t => {
  const typed = (query: string) =>
    outputColumns(ask(query).task).map(({ name, typeName, type }) => [name, typeName, type])
  t.strictSame(typed(`PREDICT users.interests RANK TOP 3 ${U}`)[3], ['interests', 'text', 25])
  t.strictSame(typed(`PREDICT LIST_DISTINCT(orders.status, 0, 3) CLASSIFY ${U}`)[2], ['status', 'order_status', 90001])
  t.strictSame(typed(`PREDICT LAST(orders.item_id, 0, 3) ${U}`)[2], ['prediction', 'integer', 23])
  t.strictSame(typed(`PREDICT LAST(sessions.device, 0, 3) ${U}`)[2], ['prediction', 'character varying(20)', 1043])
})
