import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { startEmbedded } from '../../src/demo/embedded.js'
import { connect, startPostgres } from '../helpers/postgres.js'

t.setTimeout(120_000)

t.test('an embedded server starts on a free port, also as root, and leaves nothing behind', async t => {
  const server = await startEmbedded()
  const client = await connect(`postgres://postgres@127.0.0.1:${server.port}/postgres`)
  const { rows } = await client.query(
    "SELECT current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync",
  )
  t.ok(rows[0].version >= 180000)
  t.equal(rows[0].fsync, 'off')
  await client.end()
  t.ok(existsSync(server.socketDir))
  await server.stop()
  await server.stop()
  t.notOk(existsSync(server.socketDir))
  await t.rejects(connect(`postgres://postgres@127.0.0.1:${server.port}/postgres`))
})

t.test('configuration and hba lines of a test win over the defaults', async t => {
  const server = await startPostgres({
    config: ['max_connections = 37'],
    hba: ['host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 reject'],
  })
  t.teardown(() => server.stop())
  const { rows } = await server.admin.query('SHOW max_connections')
  t.equal(rows[0].max_connections, '37')
  await server.admin.query('CREATE ROLE mallory LOGIN')
  await t.rejects(connect(server.url('postgres', 'mallory')), /pg_hba.conf rejects/)
})

t.test('each test database is its own', async t => {
  const server = await startPostgres()
  t.teardown(() => server.stop())
  const [one, two] = [await server.createDatabase(), await server.createDatabase()]
  t.not(one, two)
  const client = await connect(one)
  t.teardown(() => client.end())
  await client.query('CREATE TABLE mark (i int)')
  const other = await connect(two)
  t.teardown(() => other.end())
  await t.rejects(other.query('SELECT * FROM mark'), /does not exist/)
})

t.test('a temporary folder too deep for a unix socket is no obstacle', async t => {
  const { TMPDIR } = process.env
  const deep = path.join(tmpdir(), 'x'.repeat(60), 'y'.repeat(60))
  mkdirSync(deep, { recursive: true })
  process.env.TMPDIR = deep
  t.teardown(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    rmSync(path.dirname(deep), { recursive: true, force: true })
  })
  const server = await startEmbedded()
  t.teardown(() => server.stop())
  const client = await connect(`postgres://postgres@127.0.0.1:${server.port}/postgres`)
  t.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1)
  await client.end()
})

t.test('a server ends, and its files with it, when its process is killed outright', async t => {
  const module = new URL('../../src/demo/embedded.ts', import.meta.url).href
  const script = `const { startEmbedded } = await import('${module}')
    const { port, socketDir } = await startEmbedded()
    console.log(JSON.stringify({ port, socketDir }))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', script])
  const [line] = await once(child.stdout.setEncoding('utf8'), 'data')
  const { port, socketDir } = JSON.parse(line) as { port: number; socketDir: string }
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  await (await connect(url)).end()
  child.kill('SIGKILL')
  for (let patience = 100; existsSync(socketDir) && patience > 0; patience--) await setTimeout(100)
  t.notOk(existsSync(socketDir))
  await t.rejects(connect(url))
})
