// Every kind of error: its code, its place, and a hint whose rewrite, put in as it stands, is accepted.

import t from 'tap'
import { check, parsePredict } from '../../src/pql/index.js'
import { refused } from './ask.js'
import { corrected, REFUSALS } from './refused.js'
import { EXTRA } from './shop-catalog.js'

for (const { is, query: marked, code, from, says } of REFUSALS)
  t.test(`${is}: ${marked}`, async t => {
    const query = marked.replace('¦', '')
    const error = refused(query, EXTRA)
    t.equal(error.code, code, error.message)
    t.equal(error.position, marked.indexOf('¦'), `points at "${query.slice(error.position)}"`)
    t.match(error.message, /^(?![A-Z][a-z])/, 'the message starts in lower case')
    if (says) t.match(`${error.message}\n${error.detail}\n${error.hint}`, says)
    if (from === undefined) return
    t.match(error.hint, /^Write: /)
    const better = corrected(query, error, from)
    t.doesNotThrow(() => check(parsePredict(better, { statement: true }).syntax, EXTRA, { paramTypes: [] }), better)
  })

t.test('a tail inside a query is refused with the place it belongs to', async t => {
  const text = 'PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH users.user_id'
  t.throws(() => parsePredict(`${text} ORDER BY probability LIMIT 3`, { statement: false }), {
    code: '42601',
    position: text.length + 1,
    hint: /AS p ORDER BY probability LIMIT 3/,
  })
})
