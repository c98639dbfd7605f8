// A portal whose answer is made in parts is to the client a portal like any other, whatever it does with it.

import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { serialize } from 'pg-protocol'
import t from 'tap'
import { B, C, D, E, H, P, Q, run, S } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { transcript } from './support/raw-client.js'

const house = await proxied(t)
const rows = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `D(${from + i})`).join(' ')

t.test('all rows are one execution, and the first are there before the last are made', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT 10 PARTS 3 SLOW 300'), B(), D(), E(), S())
  await client.until('D')
  const before = performance.now()
  const rest = transcript(await client.ready())
  t.equal(rest, `${rows(2, 10)} C(SELECT 10) Z(I)`)
  t.ok(performance.now() - before > 300, 'three parts were still to be made')
  client.send(run('PREDICT 10 PARTS 3, WHERE x > 4'), run('SELECT 7'), S())
  t.equal(transcript(await client.ready()), `1 2 T ${rows(5, 10)} C(SELECT 6) 1 2 T D(7) C(SELECT 1) Z(I)`)
  client.send(run('PREDICT 0 PARTS 3'), S())
  t.equal(transcript(await client.ready()), '1 2 T C(SELECT 0) Z(I)')
})

t.test('a named statement is executed over and over', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT $1 PARTS 2', 'p'), S())
  await client.ready()
  for (let i = 0; i < 8; i++) {
    client.send(B([String(i)], 'p', 'c', [1]), E(0, 'c'), S())
    const answer = await client.ready()
    t.equal(answer.filter(({ type }) => type === 'D').length, i)
    t.equal(answer.at(-2)?.type, 'C')
  }
})

t.test('row limits fetch as much as they say, part by part', async t => {
  const client = await house.raw(t)
  client.send(Q('BEGIN'))
  await client.ready()
  const ran = house.rewriter.ran
  client.send(P('PREDICT 10 PARTS 3'), B([], '', 'c'), D('c'), E(2, 'c'), S())
  t.equal(transcript(await client.ready()), `1 2 T ${rows(1, 2)} s Z(T)`)
  t.equal(house.rewriter.ran - ran, 1, 'one part has been made')
  client.send(E(5, 'c'), S())
  t.equal(transcript(await client.ready()), `${rows(3, 7)} s Z(T)`)
  t.equal(house.rewriter.ran - ran, 3)
  client.send(E(0, 'c'), S(), E(0, 'c'), S(), E(1, 'c'), S())
  t.equal(transcript(await client.ready()), `${rows(8, 10)} C(SELECT 3) Z(T)`)
  t.equal(transcript(await client.ready()), 'C(SELECT 0) Z(T)')
  t.equal(transcript(await client.ready()), 'C(SELECT 0) Z(T)')
  client.send(Q('COMMIT'), E(1, 'c'), S())
  await client.ready()
  t.equal(transcript(await client.ready()), 'E(34000) Z(I)')
})

t.test('outside of a transaction the portal lives until Sync', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT 10 PARTS 3'), B([], '', 'c'), E(2, 'c'), H())
  t.equal(transcript(await client.until('s')), `1 2 ${rows(1, 2)} s`)
  client.send(E(2, 'c'), S(), E(2, 'c'), S())
  t.equal(transcript(await client.ready()), `${rows(3, 4)} s Z(I)`)
  t.equal(transcript(await client.ready()), 'E(34000) Z(I)')
})

t.test('whatever else runs finds the portal as the server would have it', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TABLE seen (a int)')
  const open = [P('PREDICT 10 PARTS 3'), B([], '', 'c'), E(4, 'c'), S()]
  const opened = `1 2 ${rows(1, 4)} s Z(T)`
  const insert = run('INSERT INTO seen VALUES (1)')
  for (const [messages, expected] of [
    [
      [Q('FETCH 3 FROM c'), E(2, 'c'), S()],
      [`T ${rows(5, 7)} C(FETCH 3) Z(T)`, `${rows(8, 9)} s Z(T)`],
    ],
    [[insert, E(2, 'c'), S()], [`1 2 n C(INSERT 0 1) ${rows(5, 6)} s Z(T)`]],
    [
      [Q('SAVEPOINT s'), E(2, 'c'), S(), Q('SELECT 1/0'), Q('ROLLBACK TO s'), E(2, 'c'), S()],
      ['C(SAVEPOINT) Z(T)', `${rows(5, 6)} s Z(T)`, 'E(22012) Z(E)', 'C(ROLLBACK) Z(T)', `${rows(7, 8)} s Z(T)`],
    ],
    [
      [Q('SELECT 1/0'), E(2, 'c'), S()],
      ['E(22012) Z(E)', 'E(25P02) Z(E)'],
    ],
    [[run('PREDICT 3 PARTS 2'), E(0, 'c'), S()], [`1 2 T ${rows(1, 3)} C(SELECT 3) ${rows(5, 10)} C(SELECT 6) Z(T)`]],
    [[C('c', 'P'), E(2, 'c'), S()], ['3 E(34000) Z(E)']],
    [[B([], '', 'c'), S()], ['E(42P03) Z(E)']],
    [
      [Q('COPY (SELECT 1) TO STDOUT'), E(1, 'c'), S()],
      ['H d c C(COPY 1) Z(T)', 'D(5) s Z(T)'],
    ],
  ] as const) {
    await client.query('BEGIN')
    client.send(...open)
    t.equal(transcript(await client.ready()), opened)
    client.send(...messages)
    for (const one of expected) t.equal(transcript(await client.ready()), one)
    await client.query('ROLLBACK')
  }
})

t.test('nothing more is made for a transaction that ends, or a portal that is closed', async t => {
  const client = await house.raw(t)
  for (const [messages, readies] of [
    [[Q('COMMIT')], 1],
    [[run('COMMIT'), S()], 1],
    [[Q('rollback')], 1],
    [[C('c', 'P'), S(), Q('SELECT 1'), Q('COMMIT')], 3],
    [[P('SELECT 1'), B([], '', 'd'), C('c', 'P'), E(0, 'd'), S(), Q('COMMIT')], 2],
  ] as const) {
    await client.query('BEGIN')
    client.send(P('PREDICT 10 PARTS 3'), B([], '', 'c'), E(2, 'c'), S())
    await client.ready()
    const { ran } = house.rewriter
    client.send(...messages)
    for (let i = 0; i < readies; i++) t.notMatch(transcript(await client.ready()), /E\(/)
    t.equal(house.rewriter.ran, ran)
  }
})

t.test('an error and a cancel on the way end the statement and the transaction', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT 10 PARTS 3 FAIL'), B(), E(), run('SELECT 1'), S())
  t.equal(transcript(await client.ready()), `1 2 ${rows(1, 3)} E(22023) Z(I)`)
  client.send(run('PREDICT 10 PARTS 3, WHERE 10 / (x - 5) < 100'), run('SELECT 1'), S())
  t.equal(transcript(await client.ready()), `1 2 T ${rows(1, 3)} D(4) E(22012) Z(I)`)
  await client.query('BEGIN')
  client.send(P('PREDICT 10 PARTS 3 FAIL'), B([], '', 'c'), E(2, 'c'), S(), E(2, 'c'), S())
  t.equal(transcript(await client.ready()), `1 2 ${rows(1, 2)} s Z(T)`)
  t.equal(transcript(await client.ready()), 'D(3) E(22023) Z(E)')
  await client.query('ROLLBACK; BEGIN')
  client.send(P('PREDICT 10 PARTS 3 SLOW 200'), B([], '', 'c'), E(2, 'c'), S())
  await client.ready()
  client.send(E(5, 'c'), S())
  await sleep(50)
  net.connect(house.proxy.port).end(serialize.cancel(client.key.readInt32BE(0), client.key.readInt32BE(4)))
  t.equal(transcript(await client.ready()), 'D(3) E(57014) Z(E)')
  t.equal(transcript(await client.query('ROLLBACK')), 'C(ROLLBACK) Z(I)')
  client.send(run('PREDICT 10 PARTS 3 SLOW 20'), S())
  t.equal(transcript(await client.ready()), `1 2 T ${rows(1, 10)} C(SELECT 10) Z(I)`)
})
