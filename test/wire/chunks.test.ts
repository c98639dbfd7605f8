// Where TCP cuts the streams means nothing.

import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { Expected, type Handler, TAKE, WATCH } from '../../src/wire/expected.js'
import { Flow } from '../../src/wire/flow.js'
import * as F from '../../src/wire/messages/frontend.js'
import { ServerStream } from '../../src/wire/server-stream.js'
import { B, C, D, E, H, P, Q, run, S } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { RawClient, transcript } from './support/raw-client.js'
import { slicer } from './support/slicer.js'

const house = await proxied(t)

/** Everything that a client may send, and how it is answered. */
const script: [Buffer, string][] = [
  [Q('SELECT 1'), 'T D(1) C(SELECT 1) Z(I)'],
  [Q('PREDICT 2'), 'T D(1) D(2) C(SELECT 2) Z(I)'],
  [Buffer.concat([C('s'), P('PREDICT $1', 's'), D('s', 'S'), S()]), '3 1 t T Z(I)'],
  [Buffer.concat([B(['2'], 's'), E(1), H(), E(), S()]), '2 D(1) s D(2) C(SELECT 1) Z(I)'],
  [
    Buffer.concat([run('SELECT 7'), run('PREDICT 1 FAIL'), run('SELECT 8'), S()]),
    '1 2 T D(7) C(SELECT 1) 1 E(22023) Z(I)',
  ],
  [Q('PREDICT 1 NOTICE; SELECT 2'), 'N(01PQ1) N(01PQ2) T D(1) C(SELECT 1) T D(2) C(SELECT 1) Z(I)'],
]

t.test('a client’s messages may be cut anywhere', async t => {
  const client = await house.raw(t)
  for (const [bytes, expected] of script) {
    for (let at = 1; at < bytes.length; at++) {
      client.socket.write(bytes.subarray(0, at))
      await turn()
      await turn()
      client.socket.write(bytes.subarray(at))
      const answer = transcript(await client.ready())
      if (answer !== expected) t.equal(answer, expected, `cut at ${at}`)
    }
    t.pass(`${bytes.length - 1} cuts`)
  }
})

for (const size of [1, 2, 3, 7]) {
  t.test(`both legs may arrive in slices of ${size}`, async t => {
    const between = await slicer(t, house.postgres.port, size)
    const sliced = await proxied(t, { upstream: { host: '127.0.0.1', port: between, tls: 'disable' } }, house.postgres)
    const client = await RawClient.connect(await slicer(t, sliced.proxy.port, size), sliced.database)
    t.teardown(() => client.end())
    for (const [bytes, expected] of script) {
      client.send(bytes)
      t.equal(transcript(await client.ready()), expected)
    }
  })
}

/** A server message. */
function message(type: string, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body as string)
  const header = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
  header.writeInt32BE(bytes.length + 4, 1)
  return Buffer.concat([header, bytes])
}

t.test('a server’s messages may be cut anywhere, and asynchronous ones come between any two', t => {
  const row = (text: string) =>
    message('D', Buffer.concat([Buffer.from([0, 1, 0, 0, 0, text.length]), Buffer.from(text)]))
  const answers = [
    ...[message('1', ''), message('2', ''), row('hidden'), message('C', 'SELECT 1\0'), message('3', '')],
    ...[message('1', ''), message('2', ''), message('T', 'columns'), row('shown'), message('C', 'SELECT 1\0')],
    ...[message('Z', 'T'), message('T', 'columns'), row('more'), message('C', 'DISCARD ALL\0'), message('Z', 'I')],
  ]
  const shown = (asynchronous: Buffer) =>
    Buffer.concat([
      ...Array.from({ length: 5 }, () => asynchronous),
      ...answers.slice(5).flatMap(answer => [asynchronous, answer]),
    ])
  for (const asynchronous of [Buffer.alloc(0), message('A', 'notify'), message('S', 'client_encoding\0UTF8\0')]) {
    const bytes = Buffer.concat(answers.flatMap(answer => [asynchronous, answer]))
    for (let at = 0; at <= bytes.length; at++) {
      const out: Buffer[] = []
      const seen: string[] = []
      const { stream, expected, flow } = serverStream(out, seen)
      const hidden: Handler = {
        take(type, { length }) {
          seen.push(String.fromCharCode(type) + length)
          return null
        },
        done: () => seen.push('done'),
      }
      for (const type of [F.PARSE, F.BIND, F.EXECUTE, F.CLOSE]) expected.pushHandled(type, TAKE, hidden)
      expected.pushHandled(F.PARSE, WATCH, { done: () => seen.push('parsed') })
      for (const type of [F.BIND, F.DESCRIBE, F.EXECUTE, F.SYNC, F.QUERY]) expected.push(type)
      stream.feed(bytes.subarray(0, at))
      stream.feed(bytes.subarray(at))
      const expectation = '15 done 25 done D17 C14 done 35 done parsed DISCARD ALL'
      if (
        !Buffer.concat(out).equals(shown(asynchronous)) ||
        seen.join(' ') !== expectation ||
        !expected.empty ||
        flow.status !== 0x49
      )
        t.fail(`cut at ${at}`, { seen, out: Buffer.concat(out).toString('latin1') })
    }
    t.pass(`${bytes.length + 1} cuts`)
  }
  t.end()
})

t.test('a slow consumer of rows holds the server back, and loses nothing', async t => {
  const out: Buffer[] = []
  const { stream, expected, holds } = serverStream(out, [])
  let seen = 0
  expected.pushHandled(F.EXECUTE, TAKE, {
    take: (type, { length }) => {
      if (type !== 0x44) return null
      seen += length
      return turn().then(() => {})
    },
  })
  expected.push(F.SYNC)
  const rows = Buffer.concat(Array.from({ length: 50 }, (_, i) => message('D', Buffer.alloc(i))))
  const bytes = Buffer.concat([rows, message('C', 'SELECT 50\0'), message('Z', 'I')])
  for (let at = 0; at < bytes.length; at += 100) stream.feed(bytes.subarray(at, at + 100))
  t.ok(seen < rows.length)
  while (!expected.empty) await turn()
  t.equal(seen, rows.length)
  t.same(holds.slice(0, 2), [true, true])
  t.equal(holds.at(-1), false)
  t.same(Buffer.concat(out), message('Z', 'I'))
})

t.test('a message of our own waits for the end of the one that is passing', t => {
  const out: Buffer[] = []
  const { stream, expected } = serverStream(out, [])
  expected.push(F.QUERY)
  const row = message('D', Buffer.alloc(50))
  stream.feed(row.subarray(0, 20))
  stream.aside(message('N', 'aside'))
  stream.feed(row.subarray(20, 40))
  t.equal(Buffer.concat(out).length, 40)
  stream.feed(Buffer.concat([row.subarray(40), message('C', 'SELECT 1\0')]))
  t.same(Buffer.concat(out), Buffer.concat([row, message('N', 'aside'), message('C', 'SELECT 1\0')]))
  t.end()
})

t.test('an absurd length from the server ends the session', t => {
  const seen: string[] = []
  const { stream } = serverStream([], seen)
  stream.feed(Buffer.from([0x44, 0, 0, 0, 3]))
  t.same(seen, ['invalid length of a message from the server: 3'])
  t.end()
})

function serverStream(out: Buffer[], seen: string[]) {
  const expected = new Expected()
  const flow = new Flow()
  const holds: boolean[] = []
  const stream = new ServerStream({
    expected,
    flow,
    write: bytes => out.push(bytes),
    parameter: () => {},
    command: bytes => seen.push(bytes.toString('latin1', 5, bytes.length - 1)),
    skipping: () => {},
    settled: () => {},
    hold: held => holds.push(held),
    violation: reason => seen.push(reason),
    fail: error => seen.push(String(error)),
  })
  return { stream, expected, flow, holds }
}
