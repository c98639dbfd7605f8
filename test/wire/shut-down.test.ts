// Closing the proxy: clients are told, and work is let finish while there is time.

import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Q } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { error, RawClient, transcript } from './support/raw-client.js'

t.test('idle sessions end with 57P01, busy ones when they are done, none are let in', async t => {
  const house = await proxied(t)
  const [idle, busy, open] = [await house.raw(t), await house.raw(t), await house.raw(t)]
  await open.query('BEGIN')
  busy.send(Q('PREDICT 1 SLOW 200'))
  await sleep(20)
  const silent = await RawClient.open(house.proxy.port)
  const closed = house.proxy.close(400)
  const before = Date.now()
  t.match(error((await idle.next())!), { S: 'FATAL', C: '57P01' })
  await t.rejects(RawClient.connect(house.proxy.port), { code: 'ECONNREFUSED' })
  t.equal(transcript(await busy.ready()), 'T D(1) C(SELECT 1) Z(I)')
  t.match(error((await busy.next())!), { C: '57P01' })
  t.match(error((await open.next())!), { C: '57P01' }, 'an open transaction is waited for, but not for ever')
  t.ok(Date.now() - before >= 390)
  await closed
  t.equal(await silent.next(), null, 'a connection that has said nothing is closed')
  t.equal(house.proxy.sessions, 0)
})
