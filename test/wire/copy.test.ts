// COPY both ways, with and without a prediction nearby.

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { serialize } from 'pg-protocol'
import t from 'tap'
import { connect } from '../helpers/postgres.js'
import { B, D, E, H, P, Q, run, S } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { transcript } from './support/raw-client.js'

const house = await proxied(t)
const ROWS = 200_000

t.test('a bulk load and its return are the same to the byte', async t => {
  const client = await connect(house.url)
  t.teardown(() => client.end())
  await client.query('CREATE TABLE bulk (a int, b text)')
  function* lines() {
    for (let i = 0; i < ROWS; i += 1000)
      yield Array.from({ length: 1000 }, (_, j) => `${i + j}\tPREDICT ${i + j}\n`).join('')
  }
  await pipeline(Readable.from(lines()), client.query(copyFrom('COPY bulk FROM STDIN')))
  let out = 0
  let at = 0
  for await (const chunk of client.query(copyTo('COPY bulk TO STDOUT'))) {
    out += chunk.length
    at++
  }
  t.ok(at > 0)
  t.equal(
    out,
    [...lines()].reduce((sum, part) => sum + part.length, 0),
  )
  t.equal((await client.query('SELECT count(*)::int AS n FROM bulk')).rows[0].n, ROWS)
  t.same((await client.query('PREDICT 2')).rows, [{ x: 1 }, { x: 2 }])
})

t.test('a COPY in the extended protocol, with Syncs where the server ignores them', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TABLE ext (a int)')
  const copy = Buffer.concat([P('COPY ext FROM STDIN'), B(), D(), E()])
  const predicted = 'T D(1) C(SELECT 1) Z(I)'

  client.send(copy, S())
  t.equal(transcript(await client.until('G')), '1 2 n G')
  client.send(serialize.copyData(Buffer.from('1\n')), serialize.copyDone(), S())
  t.equal(transcript(await client.ready()), 'C(COPY 1) Z(I)')
  t.equal(transcript(await client.query('PREDICT 1')), predicted)

  client.send(copy, serialize.copyData(Buffer.from('2\n')), serialize.copyDone(), S(), run('PREDICT 1'), S())
  t.equal(transcript(await client.ready()), '1 2 n G C(COPY 1) Z(I)')
  t.equal(transcript(await client.ready()), '1 2 T D(1) C(SELECT 1) Z(I)')

  client.send(copy, S())
  await client.until('G')
  client.send(serialize.copyData(Buffer.from('nonsense\n')), serialize.copyDone(), S())
  t.equal(transcript(await client.ready()), 'E(22P02) Z(I)')
  t.equal(transcript(await client.query('PREDICT 1')), predicted, 'after a COPY that failed')

  client.send(copy, S())
  await client.until('G')
  client.send(serialize.copyFail('never mind'), S())
  t.equal(transcript(await client.ready()), 'E(57014) Z(I)')
  client.send(run('PREDICT 1'), S())
  t.equal(transcript(await client.ready()), '1 2 T D(1) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.query('SELECT a FROM ext')), 'T D(1) D(2) C(SELECT 2) Z(I)')
})

t.test('a COPY in a simple query, several of them, and one that fails at once', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TABLE simple (a int)')
  client.send(Q('COPY simple FROM STDIN; COPY simple FROM STDIN; SELECT 5'))
  await client.until('G')
  client.send(serialize.copyData(Buffer.from('1\n')), serialize.copyDone())
  t.equal(transcript(await client.until('G')), 'C(COPY 1) G')
  client.send(S(), serialize.copyData(Buffer.from('2\n')), serialize.copyDone(), Q('PREDICT 1'))
  t.equal(transcript(await client.ready()), 'C(COPY 1) T D(5) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.ready()), 'T D(1) C(SELECT 1) Z(I)')
  client.send(Q('COPY nosuch FROM STDIN'), serialize.copyData(Buffer.from('1\n')), serialize.copyDone(), Q('PREDICT 2'))
  t.equal(transcript(await client.ready()), 'E(42P01) Z(I)')
  t.equal(transcript(await client.ready()), 'T D(1) D(2) C(SELECT 2) Z(I)')
})

t.test('a query sent into a COPY is the server’s to refuse', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TABLE into_copy (a int)')
  client.send(Q('COPY into_copy FROM STDIN'), Q('PREDICT 1'))
  const answer = transcript(await client.ready())
  t.match(answer, /^G E\(08P01\)/)
})

t.test('COPY TO STDOUT passes between predictions', async t => {
  const client = await house.raw(t)
  client.send(
    run('PREDICT 1'),
    P('COPY (SELECT generate_series(1, 3)) TO STDOUT'),
    B(),
    E(),
    run('PREDICT 1'),
    H(),
    S(),
  )
  t.equal(
    transcript(await client.ready()),
    '1 2 T D(1) C(SELECT 1) 1 2 H d d d c C(COPY 3) 1 2 T D(1) C(SELECT 1) Z(I)',
  )
})
