// Postgres over WebSocket, for clients that can open nothing else.

import { neonConfig, Client as ServerlessClient, Pool as ServerlessPool } from '@neondatabase/serverless'
import { serialize } from 'pg-protocol'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { startPostgres } from '../helpers/postgres.js'
import { makeCertificates } from './support/certificates.js'
import { proxied } from './support/proxied.js'

const postgres = await startPostgres({
  hba: ['local all all trust', 'host all postgres 127.0.0.1/32 trust', 'host all ann 127.0.0.1/32 scram-sha-256'],
})
t.teardown(() => postgres.stop())
await postgres.admin.query("CREATE ROLE ann LOGIN PASSWORD 'secret'")

/** The serverless driver, brought to this proxy: it sends its start-up and its first query without waiting, where it is let. */
async function house(t: Test) {
  const running = await proxied(t, { listen: { port: 0, ws: { port: 0 } } }, postgres)
  Object.assign(neonConfig, {
    webSocketConstructor: WebSocket,
    wsProxy: () => `127.0.0.1:${running.proxy.wsPort}/v1`,
    useSecureWebSocket: false,
    pipelineTLS: false,
    pipelineConnect: false,
  })
  return running
}

t.test('a serverless driver logs in with SCRAM, queries, prepares, predicts and is told of errors', async t => {
  const { database } = await house(t)
  const client = new ServerlessClient(`postgres://ann:secret@db.example/${database}`)
  await client.connect()
  t.same((await client.query('SELECT $1::int + 1 AS n', [41])).rows, [{ n: 42 }])
  t.same((await client.query('PREDICT $1', [3])).rows, [{ x: 1 }, { x: 2 }, { x: 3 }])
  const large = await client.query("SELECT repeat('x', 3000000) AS text")
  t.equal(large.rows[0].text.length, 3_000_000)
  await t.rejects(client.query('SELECT 1/0'), { code: '22012' })
  await t.rejects(client.query('PREDICT 1 FAIL'), { code: '22023' })
  await client.end()
  const pool = new ServerlessPool({ connectionString: `postgres://ann:secret@db.example/${database}`, max: 4 })
  const many = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.query('PREDICT $1', [i + 1])))
  t.same(
    many.map(({ rows }) => rows.length),
    Array.from({ length: 20 }, (_, i) => i + 1),
  )
  await pool.end()
  const wrong = new ServerlessClient(`postgres://ann:wrong@db.example/${database}`)
  await t.rejects(wrong.connect(), { code: '28P01' })
})

t.test('a driver that sends its first messages without waiting is answered in order', async t => {
  const { database } = await house(t)
  neonConfig.pipelineConnect = false
  neonConfig.coalesceWrites = true
  const client = new ServerlessClient(`postgres://postgres@db.example/${database}`)
  const connected = client.connect()
  const answers = [client.query('SELECT 1 AS a'), client.query('PREDICT 2'), client.query('SELECT 2 AS a')]
  await connected
  t.same((await answers[0]).rows, [{ a: 1 }])
  t.equal((await answers[1]).rows.length, 2)
  t.same((await answers[2]).rows, [{ a: 2 }])
  await client.end()
})

const open = (url: string, options: object = {}) =>
  new Promise<WebSocket>((resolve, reject) => {
    const socket = new WebSocket(url, options)
    socket.once('open', () => resolve(socket)).once('error', reject)
  })

t.test('a page of another site is not let in, one of our own is', async t => {
  const { proxy } = await house(t)
  const url = `ws://127.0.0.1:${proxy.wsPort}/`
  await t.rejects(open(url, { origin: 'https://evil.example' }), /401/)
  await t.rejects(open(url, { origin: 'null' }), /401/)
  const own = await open(url, { origin: `http://127.0.0.1:${proxy.wsPort}` })
  own.terminate()
})

t.test('encryption is the WebSocket’s affair: SSLRequest is declined, and with a certificate it is wss', async t => {
  const certificates = await makeCertificates()
  if (certificates === null) return t.pass('no openssl', { skip: true })
  const { cert, key } = certificates
  const running = await proxied(t, { listen: { port: 0, ws: { port: 0 } }, tls: { cert, key } }, postgres)
  const socket = await open(`wss://127.0.0.1:${running.proxy.wsPort}/`, { rejectUnauthorized: false })
  const answer = new Promise<string>(resolve => socket.once('message', data => resolve(data.toString())))
  socket.send(serialize.requestSsl())
  t.equal(await answer, 'N')
  const ready = new Promise<string>(resolve =>
    socket.once('message', data => resolve(data.toString('latin1' as never))),
  )
  socket.send(serialize.startup({ user: 'postgres', database: running.database }))
  t.match(await ready, /^R/)
  const sessions = running.proxy.sessions
  socket.close()
  for (let i = 0; i < 100 && running.proxy.sessions === sessions; i++) await new Promise(go => setTimeout(go, 10))
  t.equal(running.proxy.sessions, sessions - 1, 'gone with its socket')
  await t.rejects(open(`ws://127.0.0.1:${running.proxy.wsPort}/`))
})
