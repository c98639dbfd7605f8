// What is written down for other sessions names every table with its schema, and asks the same.

import t from 'tap'
import { parsePredict, qualify } from '../../src/pql/index.js'
import { ask } from './ask.js'
import { SHOP } from './shop-catalog.js'

const qualified = (text: string, aliases = new Map()) =>
  qualify(parsePredict(text, { statement: true }).syntax, SHOP, aliases)

t.test('every table gets its schema, wherever it stands', async t => {
  const text = `PREDICT COUNT(orders.* WHERE orders.qty > 2 AND status = 'paid', 0, 30, days) > 0 AND NOT SUM(orders.qty, 0, 3) BETWEEN 1 AND 2
    FOR EACH users.user_id WHERE users.plan = 'users.plan' AND COUNT(orders.*, -9, 0) > 0 AS OF '2026-01-01' WITH (exclude = 'users.age')`
  const expected = text.replace(/\b(orders|users)\.(?=[*qu]|plan =)/g, '"public"."$1".')
  t.equal(qualified(text), expected)
  t.equal(ask(expected).task.normalised, ask(text).task.normalised)
  t.equal(qualified(expected), expected, 'once is enough')
})

t.test('an alias gives way to its table, a tail is left out', async t => {
  const users = SHOP.tables.find(({ name }) => name === 'users')!
  t.equal(
    qualified('PREDICT COUNT(orders.*, 0, 3) > 0 FOR EACH u.user_id ORDER BY 1', new Map([['u', users]])),
    'PREDICT COUNT("public"."orders".*, 0, 3) > 0 FOR EACH "public"."users".user_id',
  )
})
