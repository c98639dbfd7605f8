// What BI tools say, recorded (test/bi) and said again: ordinary statements are answered as the server alone does, byte for byte, and
// predictions as the server answers the same statements over stored ones. What only asks for columns costs no inference.

import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { withOids } from '../bi/recorder.js'
import { startShop } from '../bi/shop.js'
import { encode, namesOfOids, read, type Said, withText } from '../bi/traffic.js'
import { connect } from '../helpers/postgres.js'
import { type Message, RawClient } from '../wire/support/raw-client.js'

const shop = await startShop(150)
t.teardown(() => shop.stop())
const client = await connect(shop.direct)
const oids = new Map([...(await namesOfOids(client))].map(([oid, name]) => [name, oid]))
await client.end()

/** Messages up to the one that asks for ReadyForQuery. */
function* exchanges(said: readonly Said[]): Generator<readonly Said[]> {
  let begun: Said[] = []
  for (const message of said) {
    begun.push(message)
    if (message[0] !== 'Q' && message[0] !== 'S') continue
    yield begun
    begun = []
  }
}

/** An answer; a prediction's less what says in which table a column is stored, and its rows in any order, since ORDER BY leaves ties. */
const comparable = (messages: readonly Message[], predicted: boolean) => {
  const said = messages
    .filter(({ type }) => type !== 'S' && !(predicted && type === 'N'))
    .map(({ type, body }) => `${type} ${(predicted && type === 'T' ? withoutOrigins(body) : body).toString('latin1')}`)
  return predicted ? said.toSorted() : said
}

function withoutOrigins(body: Buffer): Buffer {
  const copy = Buffer.from(body)
  for (let i = 0, at = 2; i < copy.readUInt16BE(0); i++) {
    at = copy.indexOf(0, at) + 1
    copy.fill(0, at, at + 6)
    at += 18
  }
  return copy
}

const sqlOf = (messages: readonly Said[]) =>
  messages.map(said => (said[0] === 'Q' ? said[1] : said[0] === 'P' ? said[2] : '')).join('')

const rowsIn = (messages: readonly Message[]) => messages.filter(({ type }) => type === 'D').length

async function replay(t: Test, file: string): Promise<{ statements: number; predicted: number; probes: number }> {
  const counts = { statements: 0, predicted: 0, probes: 0 }
  const sessions = withOids(read(readFileSync(new URL(`../bi/recorded/${file}`, import.meta.url), 'utf8')), oids)
  for (const { said } of sessions) {
    const [ours, theirs] = await Promise.all(
      [shop.port, shop.upstreamPort].map(port => RawClient.connect(port, 'shop', 'shop')),
    )
    /** Statements that stay prepared and ask for a prediction. */
    const prepared = new Set<string>()
    for (const messages of exchanges(said)) {
      let predicted = false
      const stored = messages.map(message => {
        if (message[0] === 'B' && prepared.has(message[2])) predicted = true
        return withText(message, sql => {
          const instead = shop.stored(sql)
          if (instead !== null) predicted = true
          if (message[0] === 'P') prepared[instead === null ? 'delete' : 'add'](message[1])
          return instead ?? sql
        })
      })
      const before = shop.inferences.length
      ours.send(...messages.map(encode))
      theirs.send(...stored.map(encode))
      const [answer, expected] = await Promise.all([ours.ready(), theirs.ready()])
      const what = JSON.stringify(messages).slice(0, 300)
      // a session's own number is its own
      if (!what.includes('pg_backend_pid()'))
        t.same(comparable(answer, predicted), comparable(expected, predicted), what)
      t.notOk(
        expected.some(({ type }) => type === 'E'),
        what,
      )
      const done = shop.inferences.slice(before)
      counts.statements++
      if (predicted) counts.predicted++
      const sql = sqlOf(messages)
      const isOne = /limit 1\s*;?\s*$/i.test(sql) && !/\b(where|order by|group by)\b/i.test(sql)
      if (!predicted || rowsIn(expected) === 0) {
        t.equal(done.length, 0, `no inference: ${what}`)
        if (predicted) counts.probes++
      } else if (isOne) {
        t.same(
          done.map(({ entities }) => entities),
          [1],
          `one row is scored: ${what}`,
        )
        counts.probes++
      } else t.equal(done.length, 1, `one inference: ${what}`)
    }
    ours.end()
    theirs.end()
  }
  return counts
}

t.test(
  'Superset: the database, a view and predict_rows() as datasets, charts, a filter on a prediction, SQL Lab',
  async t => {
    const { statements, predicted, probes } = await replay(t, 'superset.jsonl')
    t.comment(`${statements} statements, ${predicted} of predictions, ${probes} probes`)
    t.ok(statements > 50 && predicted > 5 && probes > 1)
  },
)

t.test('Metabase: reflection, wrapped queries in the extended protocol, probes', async t => {
  const { statements, predicted, probes } = await replay(t, 'metabase.jsonl')
  t.comment(`${statements} statements, ${predicted} of predictions, ${probes} probes`)
  t.ok(statements > 10 && predicted > 5 && probes > 1)
})
