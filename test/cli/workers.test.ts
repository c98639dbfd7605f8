// Several processes on one port: sessions are shared out, cancel requests find theirs, a death is nobody else's, and signals reach all.

import { readFileSync, writeFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { serialize } from 'pg-protocol'
import t from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { runCli } from '../helpers/cli.js'
import { connect, startPostgres } from '../helpers/postgres.js'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const upstream = await postgres.createDatabase()
const owner = await connect(upstream)
await writeShop(owner, { seed: 1, now: new Date(), users: 300 })
await owner.end()

const cwd = t.testdir({ 'pgpredict.toml': '[limits]\nconnections = 0\n' })
const flags = ['-u', upstream, '-l', '127.0.0.1:0', '--no-report', '--workers', '3', '--log-level', 'info']
const cli = runCli(flags, { cwd })
t.teardown(() => cli.child.kill('SIGKILL'))
const [, url] = await cli.until(/psql '(\S+)'/)
const port = Number(new URL(url!).port)

/** Process ids of the workers: those children that are not inference. */
function workers(): number[] {
  const children = (pid: number) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  return children(cli.child.pid!).filter(pid => /cli\/worker/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')))
}

const skip = process.platform === 'linux' ? false : 'needs /proc'

async function cancel(client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number }
  await new Promise<void>(resolve => {
    const socket = connectSocket(port, '127.0.0.1', () => socket.write(serialize.cancel(processID, secretKey)))
    socket.once('close', () => resolve()).resume()
  })
}

t.test('each process answers PREDICT, from one process of inference', { skip }, async t => {
  t.equal(workers().length, 3)
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(url!)))
  const sql = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (1, 2)'
  const answers = await Promise.all(clients.map(async client => (await client.query(sql)).rows))
  for (const rows of answers) t.same(rows, answers[0])
  await Promise.all(clients.map(client => client.end()))
})

t.test('a cancel request finds its session, whichever process it comes to', async t => {
  const clients = await Promise.all(Array.from({ length: 4 }, () => connect(url!)))
  for (const client of clients) {
    const slept = t.rejects(client.query('SELECT pg_sleep(20)'), { code: '57014' })
    await sleep(50)
    await cancel(client)
    await slept
    t.same((await client.query('SELECT 1 AS a')).rows, [{ a: 1 }])
  }
  const unknown = clients[0] as unknown as { secretKey: number }
  unknown.secretKey ^= 1
  await cancel(clients[0]!)
  await Promise.all(clients.map(client => client.end()))
})

t.test('a process that dies takes its own sessions along and no others, and is started again', { skip }, async t => {
  const clients = await Promise.all(Array.from({ length: 12 }, () => connect(url!)))
  const [victim] = workers()
  process.kill(victim!, 'SIGKILL')
  const alive = await Promise.all(
    clients.map(client =>
      client.query('SELECT 1').then(
        () => true,
        () => false,
      ),
    ),
  )
  // connections go to whichever process is free, mostly in turn
  const left = alive.filter(Boolean).length
  t.ok(left > 0 && left < 12, `${left} of 12 live on`)
  for (let i = 0; i < 400 && workers().length < 3; i++) await sleep(25)
  t.equal(workers().length, 3)
  t.notOk(workers().includes(victim!))
  await Promise.all(clients.map(client => client.end().catch(() => {})))
})

t.test('SIGHUP: settings are read again, by every process; what cannot be used changes nothing', async t => {
  const file = path.join(cwd, 'pgpredict.toml')
  const living = await connect(url!)
  const reloaded = async (text: string, said: RegExp) => {
    writeFileSync(file, text)
    const before = cli.stderr().length
    cli.child.kill('SIGHUP')
    for (let i = 0; i < 200 && !said.test(cli.stderr().slice(before)); i++) await sleep(25)
    t.match(cli.stderr().slice(before), said)
  }
  await reloaded('[limits]\nconnections = 3\n', /settings reloaded/)
  const [first, second] = await Promise.all([connect(url!), connect(url!)])
  await sleep(100)
  await t.rejects(connect(url!), { code: '53300' }, 'of all processes together')
  await reloaded('[limits]\nconections = 9\n', /limits\.conections.*settings not reloaded/)
  await reloaded('socket_dir = "/tmp"\n', /"socketDir".*take a restart/)
  t.same((await living.query('SELECT 1 AS a')).rows, [{ a: 1 }], 'sessions live on')
  const more = await Promise.all(Array.from({ length: 6 }, () => connect(url!)))
  await Promise.all([living, first, second, ...more].map(client => client!.end()))
})

t.test('SIGTERM: idle sessions are told, work is finished, then all is gone', async t => {
  const pids = workers()
  const clients = await Promise.all(Array.from({ length: 4 }, () => connect(url!)))
  const told = clients.map(client => new Promise(resolve => client.once('error', resolve)))
  const work = clients[0]!.query('SELECT pg_sleep(1), 7 AS a')
  await sleep(100)
  cli.child.kill('SIGTERM')
  t.match(await told[1], { code: '57P01' })
  await t.rejects(connect(url!))
  t.equal((await work).rows[0].a, 7)
  t.match(await told[0], { code: '57P01' })
  t.equal(await cli.exit, 0)
  for (const pid of pids) t.throws(() => process.kill(pid, 0))
})
