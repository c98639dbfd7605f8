// The rejections of the acceptance suite, 101 to 126, over the wire: each has its code, its place and its hint in every way that a statement
// can be sent, and what the hint says is answered when it is put in as it stands.

import type pg from 'pg'
import t from 'tap'
import { ACCEPTANCE_SHOP } from '../helpers/acceptance-shop.js'
import { startScene, startStage } from '../helpers/scene.js'
import { corrected, REFUSALS } from '../pql/refused.js'

t.setTimeout(300_000)
const stage = await startStage(t)
await stage.direct.query(ACCEPTANCE_SHOP)
await stage.direct.query(
  'CREATE SCHEMA cold; CREATE TABLE cold.archive (archive_id int PRIMARY KEY, size bigint); INSERT INTO cold.archive SELECT i, i % 9 FROM generate_series(1, 90) i',
)
const { client } = await startScene(t, stage)
await client.query(`SET predict.mode = 'fast'; SET predict.context_size = 200`)

const failure = (query: string | object): Promise<pg.DatabaseError> =>
  client.query(query as string).then(
    () => {
      throw new Error('it was answered')
    },
    error => error,
  )

const numbered = REFUSALS.filter(({ is }) => /^1(0[1-9]|1\d|2[0-6])\b/.test(is))

for (const { is, query: marked, code, from, says } of numbered)
  t.test(`${is}: ${marked}`, async t => {
    const query = marked.replace('¦', '')
    const place = [...marked.slice(0, marked.indexOf('¦'))].length + 1
    const error = await failure(query)
    t.match(error, { code, position: String(place) }, error.message)
    if (says) t.match(`${error.message}\n${error.detail}\n${error.hint}`, says)
    t.match(
      await failure({ text: query, queryMode: 'extended' }),
      { code, position: String(place), hint: error.hint },
      'at Parse',
    )
    // without the word PREDICT the statement is the server's, whose error it is
    if (is.startsWith('101')) return
    if (from !== undefined) {
      const better = corrected(query, { hint: error.hint, position: place - 1 }, from)
      await t.resolves(client.query(better), better)
    }
    // where a tail may follow, another thing is wrong inside parentheses
    if (from === null || /LIMIT|GROUP BY/.test(query)) return
    const inside = await failure(`SELECT * FROM (${query}) AS p`)
    t.match(inside, { code, position: String(place + 'SELECT * FROM ('.length) }, 'within a query')
  })

t.test('125: a window that no past has closed', async t => {
  const error = await failure('PREDICT COUNT(orders.*,0,3650,days)>0 FOR EACH users.user_id')
  t.match(error, { code: 'PQ004', detail: /The data goes from .* to .*, the anchor is/ })
  const [, days] = /ends within (\d+) days/.exec(error.hint!)!
  t.equal((await client.query(`PREDICT COUNT(orders.*,0,${days},days)>0 FOR EACH users.user_id`)).rows.length, 131)
})
