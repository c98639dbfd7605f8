// Cancelling, running out of time, and either end going away, at every stage of a prediction.

import { setTimeout as sleep } from 'node:timers/promises'
import { serialize } from 'pg-protocol'
import t, { type Test } from 'tap'
import { createProxy } from '../../src/wire/proxy.js'
import { Q, run, S } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { error, type Message, RawClient, transcript } from './support/raw-client.js'
import { testRewriter } from './support/rewriter.js'

const house = await proxied(t)
const LONG = "'SELECT pg_sleep(20)'"

const errorIn = (messages: Message[]) => error(messages.find(({ type }) => type === 'E')!)

async function cancel(key: Buffer, port = house.proxy.port): Promise<void> {
  const client = await RawClient.open(port)
  client.send(serialize.cancel(key.readInt32BE(0), key.readInt32BE(4)))
  while (!client.closed) await sleep(2)
}

/** Resolves when the next run of the test rewriter has begun. */
const running = () =>
  new Promise<void>(resolve => {
    house.rewriter.onRun = resolve
  })

/** Backends of the test's database that do something other than wait for the client. */
async function busyBackends(): Promise<number> {
  const { rows } = await house.postgres.admin.query(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = $1 AND state = 'active'",
    [house.database],
  )
  return rows[0].n
}

async function eventually(t: Test, check: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await check()) {
      t.pass(what)
      return
    }
    await sleep(10)
  }
  t.fail(what)
}

for (const [stage, sql] of [
  ['inference', 'PREDICT 1 SLOW 20000'],
  ['a helper query', `PREDICT 1 QUERY ${LONG}`],
  ['a consumer of rows that hangs', 'PREDICT 1 STUCK'],
  ['the rewritten statement', 'PREDICT 1, WHERE pg_sleep(20 * x) IS NULL'],
] as const) {
  t.test(`a cancel request ends ${stage}, and nothing else`, async t => {
    const client = await house.raw(t)
    for (const [messages, expected] of [
      [[Q(sql)], /(T )?E\(57014\) Z\(I\)/],
      [[run(sql), S()], /^1 (2 T )?E\(57014\) Z\(I\)/],
    ] as const) {
      const started = running()
      client.send(...messages)
      await started
      await sleep(30)
      const before = Date.now()
      await cancel(client.key)
      const answer = await client.ready()
      t.ok(Date.now() - before < 2000, 'at once')
      t.match(transcript(answer), expected)
      t.equal(errorIn(answer).M, 'canceling statement due to user request')
      t.equal(transcript(await client.query('PREDICT 2')), 'T D(1) D(2) C(SELECT 2) Z(I)')
    }
  })
}

t.test('a cancelled prediction fails its transaction', async t => {
  const client = await house.raw(t)
  await client.query('BEGIN')
  const started = running()
  client.send(Q('PREDICT 1 SLOW 20000'))
  await started
  await cancel(client.key)
  t.equal(transcript(await client.ready()), 'E(57014) Z(E)')
})

t.test('a cancel request while planning is heeded', async t => {
  const client = await house.raw(t)
  const planning = new Promise<void>(resolve => {
    house.rewriter.onPlan = resolve
  })
  client.send(Q('PREDICT 1 PLANSLOW 20000'))
  await planning
  await cancel(client.key)
  t.equal(transcript(await client.ready()), 'E(57014) Z(I)')
})

t.test('a cancel request with a wrong key changes nothing', async t => {
  const client = await house.raw(t)
  const started = running()
  client.send(Q('PREDICT 1 SLOW 100'))
  await started
  const wrong = Buffer.from(client.key)
  wrong[7] ^= 1
  await cancel(wrong)
  t.equal(transcript(await client.ready()), 'T D(1) C(SELECT 1) Z(I)')
})

t.test('a cancel request for a session of another process is passed on', async t => {
  const foreign: string[] = []
  const other = await createProxy({
    listen: { port: 0 },
    upstream: { host: house.postgres.host, port: house.postgres.port, tls: 'disable' },
    rewriter: testRewriter(),
    async onForeignCancel(key) {
      foreign.push(key.toString('hex'))
      return house.proxy.cancel(key)
    },
  })
  t.teardown(() => other.close(0))
  const client = await house.raw(t)
  const started = running()
  client.send(Q('PREDICT 1 SLOW 20000'))
  await started
  await cancel(client.key, other.port)
  t.equal(transcript(await client.ready()), 'E(57014) Z(I)')
  t.same(foreign, [client.key.toString('hex')], 'the other process says that it knows no such session')
})

t.test('statement_timeout covers the time that the server does not see', async t => {
  const client = await house.raw(t)
  const answer = await client.query('PREDICT 1 TIMEOUT 50 SLOW 20000')
  t.equal(transcript(answer), 'E(57014) Z(I)')
  t.equal(errorIn(answer).M, 'canceling statement due to statement timeout')
  t.equal(transcript(await client.query(`PREDICT 1 TIMEOUT 50 QUERY ${LONG}`)), 'E(57014) Z(I)', 'and a helper query')
  t.equal(transcript(await client.query('PREDICT 1 TIMEOUT 5000')), 'T D(1) C(SELECT 1) Z(I)')
})

for (const [stage, sql] of [
  ['inference', 'PREDICT 1 SLOW 20000'],
  ['a helper query', `PREDICT 1 QUERY ${LONG}`],
] as const) {
  t.test(`a client that goes away during ${stage} takes its server session along`, async t => {
    for (const leave of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const client = await house.raw(t)
      const started = running()
      client.send(Q(sql))
      await started
      await sleep(20)
      const sessions = house.proxy.sessions
      client.socket[leave]()
      await eventually(t, () => house.proxy.sessions === sessions - 1, `${leave}: the session has ended`)
      await eventually(t, async () => (await busyBackends()) === 0, `${leave}: the server is idle`)
    }
  })

  t.test(`a server session killed during ${stage} ends its client with the reason`, async t => {
    const client = await house.raw(t)
    const started = running()
    client.send(Q(sql))
    await started
    await sleep(20)
    await house.postgres.admin.query('SELECT pg_terminate_backend($1)', [client.key.readInt32BE(0)])
    const answer = await client.ready()
    t.equal(transcript(answer), 'E(57P01)')
    t.match(errorIn(answer), { S: 'FATAL' })
    t.ok(client.closed)
  })
}

t.test('a server session killed while idle ends its client with the reason', async t => {
  const client = await house.raw(t)
  await house.postgres.admin.query('SELECT pg_terminate_backend($1)', [client.key.readInt32BE(0)])
  t.equal(transcript(await client.ready()), 'E(57P01)')
  t.ok(client.closed)
})

t.test('a client that ends its side still gets its answers', async t => {
  const client = await house.raw(t)
  client.send(Q('SELECT pg_sleep(0.1), 1'), Q('SELECT 2'))
  client.socket.end()
  t.equal(transcript(await client.ready()), 'T D(,1) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.ready()), 'T D(2) C(SELECT 1) Z(I)')
  t.equal(await client.next(), null)
})

t.test('one session’s trouble is not another’s', async t => {
  const [calm, troubled] = [await house.raw(t), await house.raw(t)]
  const started = running()
  troubled.send(Q('PREDICT 1 SLOW 20000'))
  await started
  calm.send(Q('PREDICT 3 SLOW 100'))
  troubled.end()
  t.equal(transcript(await calm.ready()), 'T D(1) D(2) D(3) C(SELECT 3) Z(I)')
})
