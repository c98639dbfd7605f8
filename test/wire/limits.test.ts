// What a client may not exceed, and what it is told when it does.

import { setTimeout as sleep } from 'node:timers/promises'
import { serialize } from 'pg-protocol'
import t, { type Test } from 'tap'
import { defaultLimits, type Limits } from '../../src/wire/options.js'
import { startPostgres } from '../helpers/postgres.js'
import { P, Q, run } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { error, RawClient, transcript } from './support/raw-client.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const limited = (t: Test, limits: Partial<Limits>) => proxied(t, { limits: { ...defaultLimits, ...limits } }, postgres)

t.test('more sessions than allowed are refused as the server would, until one has ended', async t => {
  const house = await limited(t, { sessions: 2 })
  const first = await house.raw(t)
  await house.raw(t)
  const third = await RawClient.open(house.proxy.port)
  third.send(serialize.startup({ user: 'postgres', database: house.database }))
  t.match(error((await third.next())!), { S: 'FATAL', C: '53300', M: 'sorry, too many clients already' })
  const cancel = await RawClient.open(house.proxy.port)
  cancel.send(serialize.cancel(first.key.readInt32BE(0), first.key.readInt32BE(4)))
  t.equal(await cancel.next(), null, 'a cancel request is no session')
  first.end()
  while (house.proxy.sessions === 2) await sleep(5)
  t.equal(transcript(await (await house.raw(t)).query('PREDICT 1')), 'T D(1) C(SELECT 1) Z(I)')
  house.proxy.setLimits(defaultLimits)
  await house.raw(t)
})

t.test('a longer message than allowed ends the session before it has been read', async t => {
  const house = await limited(t, { message: 10_000 })
  for (const message of [Q(`SELECT '${'x'.repeat(20_000)}'`), P(`PREDICT 1 -- ${'x'.repeat(20_000)}`)]) {
    const client = await house.raw(t)
    t.equal(transcript(await client.query(`SELECT length('${'x'.repeat(9000)}')`)), 'T D(9000) C(SELECT 1) Z(I)')
    client.send(message.subarray(0, 100))
    t.match(error((await client.next())!), { S: 'FATAL', C: '08P01', M: /longer than the proxy allows/ })
    t.equal(await client.next(), null)
  }
})

t.test('an idle session is ended; one that is asked, at work, or in a transaction is not', async t => {
  const house = await limited(t, { idle: 300 })
  const [idle, asked, working, open, unsynced] = await Promise.all(Array.from({ length: 5 }, () => house.raw(t)))
  await open.query('BEGIN')
  unsynced.send(run('SELECT 1'), serialize.flush())
  working.send(Q('SELECT pg_sleep(1)'))
  const until = Date.now() + 900
  while (Date.now() < until) {
    await asked.query('SELECT 1')
    await sleep(20)
  }
  t.match(error((await idle.next())!), { S: 'FATAL', C: '57P05' })
  t.equal(await idle.next(), null)
  t.equal(transcript(await working.ready()), 'T D() C(SELECT 1) Z(I)')
  t.equal(transcript(await open.query('COMMIT')), 'C(COMMIT) Z(I)')
  unsynced.send(serialize.sync())
  t.equal(transcript(await unsynced.ready()), '1 2 T D(1) C(SELECT 1) Z(I)')
})

t.test('who does not log in in time is let go', async t => {
  const slow = await startPostgres({
    hba: ['host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256'],
  })
  t.teardown(() => slow.stop())
  const house = await proxied(t, { limits: { ...defaultLimits, login: 200 } }, slow)
  const silent = await RawClient.open(house.proxy.port)
  const undecided = await RawClient.open(house.proxy.port)
  undecided.send(serialize.startup({ user: 'ann', database: house.database }))
  t.equal((await undecided.next())!.type, 'R')
  t.match(error((await undecided.next())!), { S: 'FATAL', C: '57014', M: 'canceling authentication due to timeout' })
  t.equal(await silent.next(), null)
  const client = await house.raw(t)
  await sleep(300)
  t.equal(transcript(await client.query('SELECT 1')), 'T D(1) C(SELECT 1) Z(I)', 'once in, there is time')
})
