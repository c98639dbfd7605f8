import { execFile } from 'node:child_process'
import net, { type AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { checkHealth } from '../../src/cli/healthcheck.js'
import { writeShop } from '../../src/demo/shop.js'
import { runCli } from '../helpers/cli.js'
import { connect, startPostgres } from '../helpers/postgres.js'

t.setTimeout(180_000)
const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const upstream = await postgres.createDatabase()
const owner = await connect(upstream)
await writeShop(owner, { seed: 1, now: new Date(), users: 500 })
await owner.end()

t.test('serve passes SQL on, answers PREDICT, reports on the database, and stops when told to', async t => {
  const cli = runCli(['--upstream', upstream, '--listen', '127.0.0.1:0'], { cwd: t.testdir({}) })
  t.teardown(() => cli.child.kill('SIGKILL'))
  const [, url] = await cli.until(/psql '(\S+)'/)
  const client = await connect(url!)
  t.same((await client.query('SELECT count(*)::int AS n FROM users')).rows, [{ n: 500 }])
  const { rows } = await client.query(
    'SELECT p.user_id, p.probability FROM (PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (1, 2)) p ORDER BY 1',
  )
  t.same(
    rows.map(row => row.user_id),
    ['1', '2'],
  )
  for (const { probability } of rows) t.ok(probability > 0 && probability < 1)
  await client.end()

  await cli.until(/try:[\s\S]*LIMIT 10;\n/)
  t.match(cli.stdout(), /notice: columns not used, .*orders\.status/)
  t.match(cli.stdout(), /7 tables, 8 foreign keys/)
  t.match(cli.stdout(), /^order_items .* the latest of orders/m)
  const { host, port } = { host: '127.0.0.1', port: Number(new URL(url!).port) }
  t.equal(await checkHealth({ host, port }), null)
  const checked = runCli(['healthcheck', '--listen', `${host}:${port}`])
  t.equal(await checked.exit, 0)

  cli.child.kill('SIGTERM')
  t.equal(await cli.exit, 0)
  await t.rejects(connect(url!))
})

t.test('with --infer-links a database without foreign keys can be asked', async t => {
  const bare = await postgres.createDatabase()
  const client = await connect(bare)
  await writeShop(client, { seed: 1, now: new Date(), users: 400 })
  const { rows: keys } = await client.query(
    "SELECT conrelid::regclass AS child, conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace",
  )
  for (const { child, conname } of keys) await client.query(`ALTER TABLE ${child} DROP CONSTRAINT ${conname}`)
  await client.end()
  const sql = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (1, 2)'
  for (const flags of [[], ['--infer-links']]) {
    const cli = runCli(['-u', bare, '-l', '127.0.0.1:0', ...flags], { cwd: t.testdir({}) })
    t.teardown(() => cli.child.kill('SIGKILL'))
    const [, url] = await cli.until(/psql '(\S+)'/)
    const through = await connect(url!)
    if (flags.length > 0) t.equal((await through.query(sql)).rows.length, 2)
    else await t.rejects(through.query(sql), { code: 'PQ002' })
    await through.end()
    await cli.until(/orders \(user_id\) -> users \(user_id\): .*found/)
    cli.child.kill('SIGTERM')
    await cli.exit
  }
  const nobody = runCli(['-u', 'postgres://127.0.0.1/', '--infer-links'], { cwd: t.testdir({}) })
  t.equal(await nobody.exit, 2)
  t.match(nobody.stderr(), /--infer-links looks at the rows/)
})

t.test(
  'a health check fails where nothing listens, where the upstream is gone, and where no Postgres answers',
  async t => {
    t.match(await checkHealth({ host: '127.0.0.1', port: 1 }), /ECONNREFUSED/)
    const cli = runCli(
      ['-u', 'postgres://127.0.0.1:1/x', '-l', '127.0.0.1:0', '--no-report', '--log-level', 'silent'],
      { cwd: t.testdir({}) },
    )
    t.teardown(() => cli.child.kill('SIGKILL'))
    const [, port] = await cli.until(/listens on 127\.0\.0\.1:(\d+)/)
    t.match(await checkHealth({ host: '127.0.0.1', port: Number(port) }), /08006/)
    cli.child.kill('SIGTERM')
    await cli.exit
    const impostor = net.createServer(socket => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>(resolve => impostor.listen(0, '127.0.0.1', resolve))
    t.teardown(() => impostor.close())
    t.not(await checkHealth({ host: '127.0.0.1', port: (impostor.address() as AddressInfo).port }), null)
  },
)

t.test('settings are checked and printed without their secrets', async t => {
  const cwd = t.testdir({ 'pgpredict.toml': '[tables.orders]\ntime = "created_at"\n' })
  const shown = runCli(['--check-config', '--upstream', 'postgres://ann:hunter2@db/x'], { cwd })
  t.equal(await shown.exit, 0)
  t.match(shown.stdout(), 'upstream = "postgres://ann:***@db/x"')
  t.match(shown.stdout(), '[tables.orders]\ntime = "created_at"')
  t.notMatch(shown.stdout() + shown.stderr(), 'hunter2')
  const missing = runCli([], { cwd: t.testdir({}) })
  t.equal(await missing.exit, 2)
  t.match(missing.stderr(), 'pgpredict: no upstream database\npgpredict --upstream postgres://')
  const typo = runCli(['--upstrem', 'x'], { cwd })
  t.not(await typo.exit, 0)
  t.match(typo.stderr(), /Did you mean --upstream/)
})

t.test('the help says what may be typed without a command', async t => {
  const cli = runCli(['--help'])
  t.equal(await cli.exit, 0)
  for (const option of ['--upstream', '--listen', '--check-config']) t.match(cli.stdout(), option)
})

t.test('npm start is the command in a checkout', async t => {
  const { stdout } = await promisify(execFile)('npm', ['start', '--silent', '--', '--version'])
  t.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

t.test('--version is the package’s', async t => {
  const cli = runCli(['--version'])
  t.equal(await cli.exit, 0)
  t.match(cli.stdout(), /^\d+\.\d+\.\d+\n$/)
})
