// Large amounts pass through in little memory, whichever way and whoever reads them.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { serialize } from 'pg-protocol'
import t from 'tap'
import type { Rewriter } from '../../src/rewrite/plan.js'
import { createProxy } from '../../src/wire/proxy.js'
import { Q } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { RawClient, transcript } from './support/raw-client.js'

const MB = 1024 * 1024
const READY = Buffer.from('Z\0\0\0\x05I')
const house = await proxied(t)

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Highest growth of buffers and of the heap while `work` runs, in MB: of what is held, not of what nobody has yet swept up. */
async function growth(work: () => Promise<void>): Promise<number> {
  const used = () => {
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    return arrayBuffers + heapUsed
  }
  collect()
  const before = used()
  let peak = before
  const clock = setInterval(() => {
    if (used() <= peak) return
    collect()
    peak = Math.max(peak, used())
  }, 5)
  await work()
  clearInterval(clock)
  return Math.round((peak - before) / MB)
}

/** Sends one query and counts the bytes up to ReadyForQuery, keeping none. */
async function drain(port: number, sql: string): Promise<number> {
  const client = await RawClient.connect(port, house.database)
  const { socket } = client
  socket.removeAllListeners('data')
  let total = 0
  let tail = Buffer.alloc(0)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('data', chunk => {
        total += chunk.length
        tail = Buffer.concat([tail, chunk.subarray(-6)]).subarray(-6)
        if (tail.equals(READY)) resolve()
      })
      socket.once('close', () => reject(new Error('closed')))
      socket.write(Q(sql))
    })
  } finally {
    client.end()
  }
  return total
}

t.test('200 MB of rows reach the client in flat memory, to the byte', async t => {
  const sql = `SELECT repeat('x', ${2 * MB - 11}) FROM generate_series(1, 50) UNION ALL
    SELECT repeat('y', 1013) FROM generate_series(1, ${100 * 1024})`
  const direct = await drain(house.postgres.port, sql)
  let through = 0
  const peak = await growth(async () => {
    through = await drain(house.proxy.port, sql)
  })
  t.ok(through > 200 * MB)
  t.equal(through, direct)
  t.ok(peak < 30, `${peak} MB`)
})

t.test('200 MB of COPY data reach the server in flat memory', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TEMP TABLE bulk (a text)')
  client.send(Q("COPY bulk FROM PROGRAM 'true'; COPY bulk FROM STDIN"))
  await client.until('G')
  const line = `${'predict '.repeat(127)}\n`
  const part = Buffer.concat(Array.from({ length: 256 }, () => serialize.copyData(Buffer.from(line))))
  const parts = Math.ceil((200 * MB) / part.length)
  const peak = await growth(async () => {
    for (let i = 0; i < parts; i++) await new Promise<void>(resolve => client.socket.write(part, () => resolve()))
    client.send(serialize.copyDone())
    t.equal(transcript(await client.ready()), `C(COPY ${parts * 256}) Z(I)`)
  })
  t.ok(peak < 30, `${peak} MB`)
})

/** A rewriter that reads one helper query and answers with what it has seen of it: its rows and their bytes. */
function counting(sql: string): Rewriter {
  return {
    mayConcern: (bytes, start, end) => Buffer.from(bytes.subarray(start, end)).includes('PREDICT'),
    split: text => [{ start: 0, sql: text }],
    plan: async () => ({
      sql: 'SELECT $1::text',
      paramTypes: [25],
      hidden: 1,
      mapPosition: () => null,
      async run(_, upstream) {
        let bytes = 0
        const rows = await upstream.stream(sql, [], payload => {
          bytes += payload.length
        })
        return { params: [{ format: 0, value: Buffer.from(`${rows} ${bytes}`) }] }
      },
    }),
  }
}

for (const [what, sql, expected, memory] of [
  ['one row of 60 MB', `SELECT repeat('x', ${60 * MB})`, `1 ${60 * MB + 6}`, 60 + 15],
  ['a million rows', 'SELECT i FROM generate_series(1, 1000000) i', `1000000 ${1000000 * 10}`, 30],
] as const) {
  t.test(`${what} of a helper query arrive in little memory`, async t => {
    const upstream = { host: house.postgres.host, port: house.postgres.port, tls: 'disable' } as const
    const proxy = await createProxy({ listen: { port: 0 }, upstream, rewriter: { open: () => counting(sql) } })
    t.teardown(() => proxy.close(0))
    const client = await RawClient.connect(proxy.port, house.database)
    t.teardown(() => client.end())
    const peak = await growth(async () => {
      t.equal(transcript(await client.query('PREDICT')), `T D(${expected}) C(SELECT 1) Z(I)`)
    })
    t.ok(peak < memory, `${peak} MB`)
  })
}
