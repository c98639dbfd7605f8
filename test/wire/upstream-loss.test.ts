// The connection to the server breaks, or the server is not there: the client is told so in Postgres' words, once, or not at all when
// that would garble what it has been sent.

import { setTimeout as sleep } from 'node:timers/promises'
import { serialize } from 'pg-protocol'
import t, { type Test } from 'tap'
import { startEmbedded } from '../../src/demo/embedded.js'
import { createProxy } from '../../src/wire/proxy.js'
import { startPostgres } from '../helpers/postgres.js'
import { Q, run } from './support/messages.js'
import { error, RawClient, transcript } from './support/raw-client.js'
import { startRelay } from './support/relay.js'
import { testRewriter } from './support/rewriter.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

/** A proxy whose way to the server can be cut. */
async function wired(t: Test) {
  const cable = await startRelay(t, postgres.port)
  const rewriter = testRewriter()
  const proxy = await createProxy({
    listen: { port: 0 },
    upstream: { host: '127.0.0.1', port: cable.port, tls: 'disable' },
    rewriter,
  })
  t.teardown(() => proxy.close(0))
  return { proxy, rewriter, cable }
}

const LOST = { S: 'FATAL', C: '08006', M: 'the upstream server closed the connection unexpectedly' }

for (const how of ['resetAndDestroy', 'destroy'] as const) {
  t.test(`a cut connection (${how}) is told to every session, whatever it does`, async t => {
    const house = await wired(t)
    const started = new Promise<void>(resolve => {
      house.rewriter.onRun = resolve
    })
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(house.proxy.port)))
    const [idle, asking, predicting, open, unsynced] = clients
    await open.query('BEGIN')
    asking.send(Q('SELECT pg_sleep(20)'))
    predicting.send(Q('PREDICT 1 SLOW 20000'))
    unsynced.send(run('SELECT 1'), serialize.flush())
    await unsynced.until('C')
    await started
    await sleep(50)
    house.cable.cut(how)
    for (const client of [idle, asking, predicting, open, unsynced]) {
      t.match(error((await client.next())!), LOST)
      t.equal(await client.next(), null, 'and then it is closed')
    }
    t.equal(house.proxy.sessions, 0)
    const next = await RawClient.connect(house.proxy.port)
    t.equal(transcript(await next.query('PREDICT 1')), 'T D(1) C(SELECT 1) Z(I)', 'the next one finds all well')
    next.end()
  })
}

t.test('a message that was cut short is not continued with an error', async t => {
  const house = await wired(t)
  const client = await RawClient.connect(house.proxy.port)
  const bytes: Buffer[] = []
  client.socket.removeAllListeners('data').on('data', chunk => bytes.push(chunk))
  client.send(Q("SELECT repeat('x', 50000000)"))
  while (Buffer.concat(bytes).length < 100_000) await sleep(2)
  house.cable.cut('destroy')
  while (!client.closed) await sleep(5)
  t.notOk(Buffer.concat(bytes).includes('08006'))
})

t.test('an error before does not explain that the connection is lost', async t => {
  const house = await wired(t)
  const client = await RawClient.connect(house.proxy.port)
  client.send(run('SELECT 1/0'), serialize.flush())
  await client.until('E')
  house.cable.cut('destroy')
  t.match(error((await client.next())!), LOST)
  t.equal(await client.next(), null)
})

t.test('one who says farewell is not told that the server has gone', async t => {
  const house = await wired(t)
  for (const leave of [() => serialize.end(), null]) {
    const client = await RawClient.connect(house.proxy.port)
    if (leave) client.send(leave())
    else client.socket.end()
    t.equal(await client.next(), null)
  }
})

t.test('a login that the connection does not survive', async t => {
  const house = await wired(t)
  house.cable.refuse(true)
  const client = await RawClient.open(house.proxy.port)
  client.send(serialize.startup({ user: 'postgres', database: 'postgres' }))
  t.match(error((await client.next())!), LOST)
})

t.test('a server that restarts: 57P01 for those it had, 08006 while it is away, then all is well', async t => {
  const first = await startEmbedded()
  const { port } = first
  const proxy = await createProxy({
    listen: { port: 0 },
    upstream: { host: '127.0.0.1', port, tls: 'disable' },
    rewriter: testRewriter(),
  })
  t.teardown(() => proxy.close(0))
  const [idle, predicting] = [await RawClient.connect(proxy.port), await RawClient.connect(proxy.port)]
  predicting.send(Q('PREDICT 1 SLOW 20000'))
  await sleep(100)
  await first.stop()
  for (const client of [idle, predicting]) {
    const answer = await client.until('E')
    t.match(error(answer.at(-1)!), { S: 'FATAL', C: '57P01' }, 'the server’s own words')
    t.equal(await client.next(), null, 'once')
  }
  const early = await RawClient.open(proxy.port)
  early.send(serialize.startup({ user: 'postgres', database: 'postgres' }))
  t.match(error((await early.next())!), { S: 'FATAL', C: '08006', M: /could not connect to the upstream server at/ })
  const second = await startEmbedded({ port })
  t.teardown(() => second.stop())
  const late = await RawClient.connect(proxy.port)
  t.equal(transcript(await late.query('PREDICT 1')), 'T D(1) C(SELECT 1) Z(I)')
  late.end()
})
