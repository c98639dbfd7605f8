// Run in a network namespace of its own (`unshare -n`), whose loopback can be taken away as a cable is pulled: no FIN, no RST, nothing.
// Clients reach the proxy by its Unix socket; the server is reached by TCP. Prints what each client was told, and when, as JSON.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { serialize } from 'pg-protocol'
import { startEmbedded } from '../../../src/demo/embedded.js'
import { createProxy } from '../../../src/wire/proxy.js'
import { Q } from './messages.js'
import { error, RawClient, transcript } from './raw-client.js'
import { testRewriter } from './rewriter.js'

const silence = Number(process.argv[2])
const loopback = (state: 'up' | 'down') => execFileSync('ip', ['link', 'set', 'lo', state])
loopback('up')
const postgres = await startEmbedded()
const socketDir = mkdtempSync(path.join(tmpdir(), 'pgpredict-cut-'))
const proxy = await createProxy({
  listen: { port: 0, socketDir },
  upstream: { host: '127.0.0.1', port: postgres.port, tls: 'disable', connectTimeout: 1000 },
  rewriter: testRewriter(),
  silence,
})

async function open(): Promise<RawClient> {
  const socket = connect({ path: path.join(socketDir, `.s.PGSQL.${proxy.port}`) })
  const client = new RawClient(socket)
  client.send(serialize.startup({ user: 'postgres', database: 'postgres' }))
  return client
}

async function session(): Promise<RawClient> {
  const client = await open()
  await client.ready()
  return client
}

/** The last word on the connection, and seconds until it. */
async function end(client: RawClient): Promise<{ code?: string; message?: string; seconds: number }> {
  const before = performance.now()
  const answer = await client.until('E')
  const { C: code, M: message } = answer.at(-1)?.type === 'E' ? error(answer.at(-1)!) : {}
  while ((await client.next()) !== null);
  return { code, message, seconds: (performance.now() - before) / 1000 }
}

const patient = await session()
const asleep = transcript(await patient.query(`SELECT pg_sleep(${(silence * 2.5) / 1000})`))
const [asking, predicting, idle] = [await session(), await session(), await session()]
asking.send(Q('SELECT pg_sleep(100)'))
predicting.send(Q("PREDICT 1 QUERY 'SELECT pg_sleep(100)'"))
await new Promise(resolve => setTimeout(resolve, 200))
loopback('down')
const [asked, predicted] = await Promise.all([end(asking), end(predicting)])
const late = await end(await open())
// of use to those who wait for it: keep-alives take most of a minute
const forgotten = process.argv[3] === 'idle' ? await end(idle) : undefined
loopback('up')
const after = await session()
const well = transcript(await after.query('PREDICT 1'))
console.log(JSON.stringify({ asleep, asked, predicted, late, forgotten, well }))
await proxy.close(0)
await postgres.stop()
rmSync(socketDir, { recursive: true, force: true })
process.exit()
