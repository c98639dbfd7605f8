// What a session remembers of its client's portals, as long as the server has them.

import { serialize } from 'pg-protocol'
import t from 'tap'
import type { Plan } from '../../src/rewrite/plan.js'
import { Flow } from '../../src/wire/flow.js'
import { Memory } from '../../src/wire/memory.js'

const plan = { sql: 'SELECT', tag: () => 'CREATE PREDICTION' } as unknown as Plan

t.test('a portal with a tag of its own is found by Bind and Execute until its transaction is over', async t => {
  const memory = new Memory(new Flow())
  t.ok(memory.empty)
  memory.tagged.set('p', plan)
  t.notOk(memory.empty)
  t.ok(memory.touches(serialize.execute({ portal: 'p' })))
  t.ok(memory.touches(serialize.bind({ portal: 'p', statement: 's' })))
  t.notOk(memory.touches(serialize.execute({ portal: 'q' })))
  t.notOk(memory.touches(serialize.execute({})))
  memory.transactionOver()
  t.ok(memory.empty)
})
