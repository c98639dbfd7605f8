// How connections begin: authentication is relayed, encryption is each leg's own affair.

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect as connectTls } from 'node:tls'
import pg from 'pg'
import { serialize } from 'pg-protocol'
import t, { type Test } from 'tap'
import { FUNCTION_CALL } from '../../src/wire/messages/frontend.js'
import { frame } from '../../src/wire/messages/header.js'
import { cancelRequest } from '../../src/wire/messages/startup.js'
import type { SslMode, UpstreamOptions } from '../../src/wire/options.js'
import { createProxy } from '../../src/wire/proxy.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { makeCertificates } from './support/certificates.js'
import { error, fields, RawClient, transcript } from './support/raw-client.js'
import { testRewriter } from './support/rewriter.js'

const certificates = await makeCertificates()
if (certificates === null) t.bailout('openssl is needed for the tests of TLS')
const { ca, otherCa, cert, key } = certificates!

const methods = ['trust', 'password', 'md5', 'scram-sha-256']
const hba = [
  'local all all trust',
  'host all,replication postgres 127.0.0.1/32 trust',
  ...methods.map(method => `host all with_${method.split('-')[0]} 127.0.0.1/32 ${method}`),
  'hostssl all only_ssl 127.0.0.1/32 scram-sha-256',
  'hostnossl all only_plain 127.0.0.1/32 trust',
]
const tlsServer = await startPostgres({ hba, ssl: { cert, key } })
const plainServer = await startPostgres({ hba, config: ['wal_level = replica', 'max_wal_senders = 2'] })
t.teardown(() => Promise.all([tlsServer.stop(), plainServer.stop()]))
for (const { admin } of [tlsServer, plainServer]) {
  await admin.query("SET password_encryption = md5; CREATE ROLE with_md5 LOGIN PASSWORD 'secret'")
  for (const role of ['with_trust', 'with_password', 'with_scram', 'only_ssl', 'only_plain'])
    await admin.query(`SET password_encryption = 'scram-sha-256'; CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
}

async function proxy(t: Test, upstream: Partial<UpstreamOptions>, tls?: { cert: string; key: string }) {
  const { port } = upstream.tls === undefined ? plainServer : tlsServer
  const options = { host: '127.0.0.1', port, tls: 'disable' as SslMode, ...upstream }
  const running = await createProxy({ listen: { port: 0 }, upstream: options, tls, rewriter: testRewriter() })
  t.teardown(() => running.close(0))
  return running
}

/** A prediction by a client that encrypts, or does not. */
async function predict(port: number, user: string, ssl: boolean): Promise<number[]> {
  const url = `postgres://${user}:secret@127.0.0.1:${port}/postgres`
  const client = await connect(ssl ? `${url}?sslmode=no-verify` : url)
  const { rows } = await client.query('PREDICT $1', [2])
  await client.end()
  return rows.map(row => row.x)
}

for (const method of methods) {
  t.test(`${method} authentication is relayed, whichever leg is encrypted`, async t => {
    const user = `with_${method.split('-')[0]}`
    for (const upstream of [{}, { tls: 'require' }] as const) {
      const { port } = await proxy(t, upstream, { cert, key })
      t.same(await predict(port, user, false), [1, 2])
      t.same(await predict(port, user, true), [1, 2])
    }
    const { port } = await proxy(t, {})
    const wrong = connect(`postgres://${user}:wrong@127.0.0.1:${port}/postgres`)
    if (method === 'trust') await (await wrong).end()
    else await t.rejects(wrong, { code: '28P01' })
  })
}

t.test('upstream encryption follows sslmode', async t => {
  const cases: [Partial<UpstreamOptions>, RegExp | null][] = [
    [{ tls: 'disable' }, /no encryption|no pg_hba.conf entry/],
    [{ tls: 'prefer' }, null],
    [{ tls: 'require' }, null],
    [{ tls: 'require', ca }, null],
    [{ tls: 'require', ca: otherCa }, /could not connect .* certificate/],
    [{ tls: 'verify-ca', ca }, null],
    [{ tls: 'verify-ca', ca: otherCa }, /could not connect .* certificate/],
    [{ tls: 'verify-ca' }, /could not connect .* certificate/],
    [{ tls: 'verify-full', ca, servername: 'db.test' }, null],
    [{ tls: 'verify-full', ca, servername: 'other.test' }, /could not connect .* altnames/],
    [{ tls: 'verify-full', ca }, /could not connect .* altnames|IP/],
  ]
  for (const [upstream, refusal] of cases) {
    const { port } = await proxy(t, { port: tlsServer.port, ...upstream })
    const name = JSON.stringify({ ...upstream, ca: upstream.ca && (upstream.ca === ca ? 'right' : 'wrong') })
    if (refusal === null) t.same(await predict(port, 'only_ssl', false), [1, 2], name)
    else await t.rejects(predict(port, 'only_ssl', false), refusal, name)
  }
})

t.test('a server that asks for a certificate gets the proxy’s', async t => {
  const server = await startPostgres({
    hba: [
      'local all all trust',
      'host all postgres 127.0.0.1/32 trust',
      'hostssl all ann 127.0.0.1/32 trust clientcert=verify-ca',
    ],
    ssl: { cert, key, ca },
  })
  t.teardown(() => server.stop())
  await server.admin.query('CREATE ROLE ann LOGIN')
  const upstream = { tls: 'require', port: server.port } as const
  t.same(await predict((await proxy(t, { ...upstream, cert, key })).port, 'ann', false), [1, 2])
  await t.rejects(predict((await proxy(t, upstream)).port, 'ann', false), { code: /28000|08006/ })
})

t.test('a server without TLS serves prefer and is refused by require', async t => {
  t.same(await predict((await proxy(t, { tls: 'prefer', port: plainServer.port })).port, 'only_plain', false), [1, 2])
  await t.rejects(
    predict((await proxy(t, { tls: 'require', port: plainServer.port })).port, 'only_plain', false),
    /server does not support TLS, but sslmode is require/,
  )
})

t.test('an unreachable server is reported to each client, and the proxy lives on', async t => {
  const { port } = await proxy(t, { port: 1 })
  for (let i = 0; i < 2; i++) {
    const client = await RawClient.open(port)
    client.send(serialize.startup({ user: 'postgres', database: 'postgres' }))
    t.match(error((await client.next())!), { S: 'FATAL', C: '08006', M: /could not connect to the upstream server at/ })
    t.equal(await client.next(), null)
  }
})

t.test('a server on a Unix socket is reached by its directory', async t => {
  const { rows } = await plainServer.admin.query('SHOW unix_socket_directories')
  const { port } = await proxy(t, { host: rows[0].unix_socket_directories, tls: 'require', port: plainServer.port })
  t.same(await predict(port, 'with_trust', false), [1, 2])
})

t.test('without a certificate TLS and GSS are declined, and the client may go on in plain', async t => {
  const client = await RawClient.open((await proxy(t, {})).port)
  const answer = () => new Promise<string>(resolve => client.socket.once('data', bytes => resolve(bytes.toString())))
  client.socket.removeAllListeners('data')
  client.send(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x30]))
  t.equal(await answer(), 'N')
  client.send(serialize.requestSsl())
  t.equal(await answer(), 'N')
  client.send(serialize.startup({ user: 'postgres', database: 'postgres' }))
  t.match(await answer(), /^R/)
  client.end()
})

t.test('bytes sent in plain behind a request for encryption end the connection', async t => {
  const { port } = await proxy(t, {}, { cert, key })
  for (const request of [serialize.requestSsl(), Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x30])]) {
    const client = await RawClient.open(port)
    client.send(request, serialize.startup({ user: 'postgres', database: 'postgres' }))
    t.match(error((await client.next())!), { C: '08P01', M: /unencrypted data/ })
  }
})

t.test('direct TLS is served with the right ALPN protocol, and with no other', async t => {
  const { port } = await proxy(t, {}, { cert, key })
  const open = (ALPNProtocols?: string[]) =>
    new Promise<RawClient>((resolve, reject) => {
      const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols })
      socket.once('secureConnect', () => resolve(new RawClient(socket))).once('error', reject)
    })
  const client = await open(['postgresql'])
  client.send(serialize.startup({ user: 'postgres', database: 'postgres' }))
  t.match(transcript(await client.ready()), / Z\(I\)$/)
  t.equal(transcript(await client.query('PREDICT 1')), 'T D(1) C(SELECT 1) Z(I)')
  client.end()
  await t.rejects(open(['http/1.1']))
  const without = await open()
  without.send(serialize.startup({ user: 'postgres', database: 'postgres' }))
  t.notMatch(transcript(await without.until('Z')), /Z/)
})

t.test('a certificate may be replaced while sessions live', async t => {
  const running = await proxy(t, {}, { cert, key })
  const client = await connect(`postgres://postgres@127.0.0.1:${running.port}/postgres?sslmode=no-verify`)
  const next = (await makeCertificates())!
  running.setTls(next)
  t.throws(() => running.setTls({ cert: next.cert, key }))
  const serial = await new Promise<string>(resolve => {
    const socket = connectTls({
      port: running.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['postgresql'],
    })
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
  })
  t.ok(serial)
  t.equal((await client.query('SELECT 1 AS a')).rows[0].a, 1)
  await client.end()
})

t.test('a cancel request reaches a server behind TLS', async t => {
  const { port } = await proxy(t, { tls: 'verify-full', ca, servername: 'db.test' })
  const client = await RawClient.connect(port)
  client.send(serialize.query('SELECT pg_sleep(20)'))
  await new Promise(resolve => setTimeout(resolve, 50))
  const other = await RawClient.open(port)
  other.send(serialize.cancel(client.key.readInt32BE(0), client.key.readInt32BE(4)))
  t.match(transcript(await client.ready()), /E\(57014\) Z\(I\)$/)
  client.end()
})

t.test(
  'protocol 3.2 and its long keys: the server’s to agree to, and a cancel request with such a key is heeded',
  async t => {
    const { port } = await proxy(t, {})
    const client = await RawClient.open(port)
    const packet = serialize.startup({ user: 'postgres', database: 'postgres' })
    packet.writeInt32BE(0x00030002, 4)
    client.send(packet)
    const key = (await client.ready()).find(({ type }) => type === 'K')!.body
    t.ok(key.length > 8, `a key of ${key.length} bytes`)
    for (const sql of ['SELECT pg_sleep(20)', 'PREDICT 1 SLOW 20000']) {
      client.send(serialize.query(sql))
      await new Promise(resolve => setTimeout(resolve, 50))
      const other = await RawClient.open(port)
      other.send(cancelRequest(key))
      t.equal(await other.next(), null)
      t.match(transcript(await client.ready()), /E\(57014\) Z\(I\)$/)
    }
    client.end()
  },
)

t.test(
  'a version of the protocol yet to come, and options of it: what the server says to that is passed on',
  async t => {
    const { port } = await proxy(t, {})
    const client = await RawClient.open(port)
    const packet = serialize.startup({ user: 'postgres', database: 'postgres', '_pq_.some_option': '1' } as never)
    packet.writeInt32BE(0x000303e7, 4)
    client.send(packet)
    const answers = await client.ready()
    t.equal(answers[0].type, 'v')
    t.match(answers[0].body.toString('latin1'), '_pq_.some_option')
    t.match(transcript(answers), / Z\(I\)$/)
    client.end()
  },
)

t.test('a Unix socket of the proxy’s own, at the name that clients look for', async t => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pgpredict-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const running = await createProxy({
    listen: { port: 0, socketDir: folder },
    upstream: { host: '127.0.0.1', port: plainServer.port, tls: 'disable' },
    rewriter: testRewriter(),
  })
  const client = new pg.Client({ host: folder, port: running.port, user: 'postgres', database: 'postgres' })
  await client.connect()
  t.equal((await client.query('PREDICT $1', [3])).rows.length, 3)
  await client.end()
  await running.close(0)
  t.notOk(existsSync(path.join(folder, `.s.PGSQL.${running.port}`)), 'gone with the proxy')
})

t.test('replication sessions are relayed unread', async t => {
  const client = await RawClient.open((await proxy(t, {})).port)
  client.send(serialize.startup({ user: 'postgres', database: 'postgres', replication: 'database' } as never))
  await client.ready()
  t.match(transcript(await client.query('IDENTIFY_SYSTEM')), /^T D\(\d+,1,.*\) C\(IDENTIFY_SYSTEM\) Z\(I\)$/)
  t.equal(transcript(await client.query('PREDICT 1')), 'E(42601) Z(I)')
  client.end()
})

t.test('a walsender and its client may both send: COPY both ways, to its end', async t => {
  const client = await RawClient.open((await proxy(t, {})).port)
  client.send(serialize.startup({ user: 'postgres', replication: 'true' } as never))
  await client.ready()
  const system = fields((await client.query('IDENTIFY_SYSTEM')).find(({ type }) => type === 'D')!.body)
  client.send(serialize.query(`START_REPLICATION PHYSICAL ${system[2]}`))
  t.equal((await client.next())!.type, 'W')
  const status = Buffer.alloc(34)
  status[0] = 0x72
  status[33] = 1
  client.send(serialize.copyData(status))
  t.equal((await client.until('d')).at(-1)!.body[0], 0x6b, 'a keepalive, as asked for')
  client.send(serialize.copyDone())
  t.match(transcript(await client.ready()), /c.*C\(.*\) Z\(I\)$/)
  client.end()
})

t.test('function calls have one answer each, between other messages', async t => {
  const client = await RawClient.connect((await proxy(t, {})).port)
  const call = (oid: number, argument: string) => {
    const body = Buffer.alloc(4 + 2 + 2 + 2 + 4 + argument.length + 2)
    body.writeInt32BE(oid, 0)
    body.writeInt16BE(0, 4)
    body.writeInt16BE(1, 6)
    body.writeInt32BE(argument.length, 8)
    body.write(argument, 12, 'latin1')
    body.writeInt16BE(0, 12 + argument.length)
    return frame(FUNCTION_CALL, body.subarray(0, 14 + argument.length))
  }
  const abs = 1397
  client.send(serialize.query('SELECT 1'), call(abs, '-4'), serialize.query('PREDICT 1'), call(1, 'x'), call(abs, '-5'))
  t.equal(transcript(await client.ready()), 'T D(1) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.ready()), 'V Z(I)')
  t.equal(transcript(await client.ready()), 'T D(1) C(SELECT 1) Z(I)')
  t.match(transcript(await client.ready()), /^E\(\w+\) Z\(I\)$/)
  t.equal(transcript(await client.ready()), 'V Z(I)')
  client.end()
})
