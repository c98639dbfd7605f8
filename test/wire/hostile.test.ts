// Nonsense and size: no bytes that a client can send end more than its own session, and none need much memory.

import { randomBytes } from 'node:crypto'
import t from 'tap'
import { withoutChannelBinding } from '../../src/wire/messages/authentication.js'
import { decodeBind } from '../../src/wire/messages/bind.js'
import { decodeFields } from '../../src/wire/messages/error-response.js'
import { withoutLast } from '../../src/wire/messages/parameter-description.js'
import { decodeParse } from '../../src/wire/messages/parse.js'
import { Malformed } from '../../src/wire/messages/reader.js'
import { decodeTarget } from '../../src/wire/messages/target.js'
import { B, D, P, Q, run, S } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { error, RawClient, transcript } from './support/raw-client.js'

const house = await proxied(t)

t.test(
  'a length below 4 or beyond the protocol’s limit ends the session with 08P01, when all before it is answered',
  async t => {
    for (const length of [0, 3, -1, 0x40000000, 0x7fffffff]) {
      const client = await house.raw(t)
      const bytes = Buffer.from([0x51, 0, 0, 0, 0])
      bytes.writeInt32BE(length, 1)
      client.send(Q('SELECT 1'), bytes)
      const answer = await client.until('E')
      t.match(transcript(answer.slice(0, -1)), /^T D\(1\) C\(SELECT 1\) Z\(I\)$/)
      t.match(error(answer.at(-1)!), { S: 'FATAL', C: '08P01' })
      t.equal((await client.until('x')).length, 0)
    }
  },
)

t.test('start-up packets of absurd length end the connection without a word, as at the server', async t => {
  for (const length of [0, 7, 10_001, -1]) {
    const client = await RawClient.open(house.proxy.port)
    const bytes = Buffer.alloc(8)
    bytes.writeInt32BE(length, 0)
    client.send(bytes)
    t.equal(await client.next(), null)
  }
  const endless = await RawClient.open(house.proxy.port)
  endless.send(Buffer.from([0, 0, 0, 16, 0, 3, 0, 0]), Buffer.from('no zero!'))
  t.match(transcript([(await endless.next())!]), /^E\((08P01|28000)\)/, 'the server’s to refuse')
  const http = await RawClient.open(house.proxy.port)
  http.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  t.equal(await http.next(), null)
})

t.test('malformed messages about our statements are the server’s to refuse', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT $1', 's'), S())
  await client.ready()
  const bad = [
    Buffer.concat([Buffer.from([0x42, 0, 0, 0, 8]), Buffer.from('\0s\0\0')]),
    Buffer.concat([Buffer.from([0x42, 0, 0, 0, 13]), Buffer.from('\0s\0\0\0\0\x05\0\0')]),
    Buffer.concat([Buffer.from([0x44, 0, 0, 0, 6]), Buffer.from('Ss')]),
    Buffer.concat([Buffer.from([0x50, 0, 0, 0, 14]), Buffer.from('\0PREDICT 1\0')]).subarray(0, 15),
    Buffer.concat([Buffer.from([0x51, 0, 0, 0, 15]), Buffer.from('PREDICT 1\0 ')]),
  ]
  for (const message of bad) {
    client.send(message, S())
    const answer = transcript(await client.ready())
    t.match(answer, /^E\((08P01|22021)\) Z\(I\)/)
    if (message[0] === 0x51) await client.ready()
  }
  client.send(B(['1'], 's'), D(), S())
  t.equal(transcript(await client.ready()), '2 T Z(I)')
})

t.test('random bytes in any session leave the others alone', async t => {
  const calm = await house.raw(t)
  for (let i = 0; i < 60; i++) {
    const client = i % 3 === 0 ? await RawClient.open(house.proxy.port) : await house.raw(t)
    const noise = randomBytes(200)
    // half of the time a plausible header, so that the noise gets past the first look
    if (i % 2 === 0) Buffer.from([[0x51, 0x50, 0x42, 0x44, 0x43, 0x45, 0x64][i % 7], 0, 0, 0, 40 + i]).copy(noise)
    client.send(noise)
    client.socket.end()
    if (i % 10 === 0) t.equal(transcript(await calm.query('PREDICT 1')), 'T D(1) C(SELECT 1) Z(I)')
  }
})

t.test('decoders read within a message or say Malformed', t => {
  const seeds = [
    run('PREDICT $1', ['1']).subarray(0, 19),
    B(['1', null, Buffer.alloc(3)], 'statement', 'portal', [0, 1]),
    D('name', 'S'),
    Buffer.from('R\0\0\0\x20\0\0\0\x0aSCRAM-SHA-256-PLUS\0\0', 'latin1'),
    Buffer.from('E\0\0\0\x10SERROR\0C42601\0\0', 'latin1'),
    Buffer.from('t\0\0\0\x0e\0\x02\0\0\0\x17\0\0\0\x17', 'latin1'),
  ]
  const decoders = [
    decodeParse,
    decodeBind,
    decodeTarget,
    withoutChannelBinding,
    decodeFields,
    (m: Buffer) => withoutLast(m, 1),
  ]
  let malformed = 0
  for (let i = 0; i < 20_000; i++) {
    const message = Buffer.from(seeds[i % seeds.length])
    for (let flips = i % 4; flips >= 0; flips--)
      message[5 + Math.floor(Math.random() * (message.length - 5))] =
        Math.random() < 0.5 ? 0xff : Math.floor(Math.random() * 256)
    const cut = message.subarray(0, 5 + Math.floor(Math.random() * (message.length - 4)))
    for (const decode of decoders) {
      try {
        decode(cut)
      } catch (thrown) {
        if (!(thrown instanceof Malformed))
          t.fail('a decoder threw something else', { thrown, hex: cut.toString('hex') })
        malformed++
      }
    }
  }
  t.ok(malformed > 1000)
  t.end()
})

t.test('a large message streams through with flat memory', async t => {
  const client = await house.raw(t)
  const size = 64 * 1024 * 1024
  const sql = `SELECT length('`
  const tail = `')\0`
  const header = Buffer.from([0x51, 0, 0, 0, 0])
  header.writeInt32BE(4 + sql.length + size + tail.length, 1)
  const part = Buffer.alloc(256 * 1024, 'x')
  const write = (bytes: Buffer) => new Promise<void>(resolve => client.socket.write(bytes, () => resolve()))
  global.gc?.()
  const before = process.memoryUsage()
  let peak = 0
  await write(Buffer.concat([header, Buffer.from(sql)]))
  for (let sent = 0; sent < size; sent += part.length) {
    await write(part)
    const now = process.memoryUsage()
    peak = Math.max(peak, now.arrayBuffers - before.arrayBuffers)
  }
  await write(Buffer.from(tail))
  t.equal(transcript(await client.ready()), `T D(${size}) C(SELECT 1) Z(I)`)
  t.ok(peak < 40 * 1024 * 1024, `peak of ${Math.round(peak / 2 ** 20)} MB above the start`)
})

t.test('a PREDICT deep in a long string is found, and one behind a bulk of text is the server’s', async t => {
  const client = await house.raw(t)
  const padding = (size: number) => `SELECT length('${'x'.repeat(size)}'); `
  t.match(transcript(await client.query(`${padding(2 ** 21)}PREDICT 1`)), /^T D\(2097152\) C\(SELECT 1\) T D\(1\) C/)
  t.equal(transcript(await client.query(`${padding(2 ** 23)}PREDICT 1`)), 'E(42601) Z(I)')
})

t.test('a client that does not read stops the server, not the proxy', async t => {
  const client = await house.raw(t)
  client.socket.pause()
  client.send(Q("SELECT repeat('x', 1000) FROM generate_series(1, 200000)"))
  await new Promise(resolve => setTimeout(resolve, 500))
  const held = process.memoryUsage().arrayBuffers
  await new Promise(resolve => setTimeout(resolve, 300))
  t.ok(process.memoryUsage().arrayBuffers - held < 4 * 1024 * 1024)
  client.end()
})

t.test('bytes that wait behind a prediction are bounded', async t => {
  const client = await house.raw(t)
  const select = Q(`SELECT '${'x'.repeat(10_000)}' IS NULL`)
  client.send(Q('PREDICT 1 SLOW 300'))
  for (let i = 0; i < 1000; i++) client.socket.write(select)
  await new Promise(resolve => setTimeout(resolve, 200))
  t.ok(client.socket.writableLength > 1024 * 1024, 'the rest waits at the client')
  t.equal(transcript(await client.ready()), 'T D(1) C(SELECT 1) Z(I)')
  for (let i = 0; i < 1000; i++) await client.ready()
  t.pass('and all of it is answered')
  t.equal(transcript(await client.query('SELECT 1')), 'T D(1) C(SELECT 1) Z(I)')
})
