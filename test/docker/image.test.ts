import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { serverUser } from '../../src/demo/binaries.js'
import { freePort } from '../../src/demo/embedded.js'
import { writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { build, type Image, WITHOUT_TAP } from './dockerfile.js'

/** Unpacked size of the runtime's base image without node itself: glibc, OpenSSL, certificates, time zones. */
const BASE_MB = 35
const LIMIT_MB = 250

t.setTimeout(120_000)
const repository = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(path.join(tmpdir(), 'pgpredict-image-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const image = await build(path.join(repository, 'docker/Dockerfile'), repository, folder).catch((error: Error) => {
  // npm's words for having no registry
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ENOTCACHED|ETIMEDOUT/.test(error.message)) return null
  throw error
})
if (!image) t.plan(0, 'no package registry can be reached, so the image cannot be built')
else await check(image)

async function check(image: Image) {
  const user = await serverUser()
  for (const at of [folder, ...below(folder)])
    if (!lstatSync(at).isSymbolicLink()) chmodSync(at, (statSync(at).mode & ~0o222) | 0o055)
  t.teardown(() => {
    for (const at of [folder, ...below(folder)]) if (!lstatSync(at).isSymbolicLink()) chmodSync(at, 0o755)
  })

  t.test('the image runs as an unprivileged user and has no shell to offer', async t => {
    t.match(image.base, /distroless.*:nonroot$/)
    t.equal(image.env.NODE_ENV, 'production')
    t.notOk(
      readdirSync(path.join(image.root, image.workdir, 'node_modules')).includes('typescript'),
      'production dependencies only',
    )
  })

  t.test(`the image is smaller than ${LIMIT_MB} MB`, async t => {
    const ours = below(image.root).reduce((sum, at) => sum + lstatSync(at).size, 0) / 1e6
    const node = statSync(process.execPath).size / 1e6
    t.comment(`${ours.toFixed(1)} MB of ours, ${node.toFixed(1)} MB of node, ${BASE_MB} MB of base`)
    t.ok(ours + node + BASE_MB < LIMIT_MB)
  })

  t.test('from a folder it cannot write, as another user, it passes SQL on and answers PREDICT', async t => {
    const postgres = await startPostgres()
    t.teardown(() => postgres.stop())
    const upstream = await postgres.createDatabase()
    const owner = await connect(upstream)
    await writeShop(owner, { seed: 1, now: new Date(), users: 300 })
    await owner.end()

    const workdir = path.join(image.root, image.workdir)
    const here = (command: readonly string[]) =>
      command.map(word => (word === '/nodejs/bin/node' ? process.execPath : word.replace(/^\/app/, workdir)))
    const port = await freePort()
    const env = { PATH: '/nowhere', ...image.env, PGPREDICT_UPSTREAM: upstream, PGPREDICT_LISTEN: `127.0.0.1:${port}` }
    const options = { ...user, cwd: workdir, env }
    const writes = spawnSync(process.execPath, ['-e', "require('fs').writeFileSync('mark', '')"], options)
    t.match(writes.stderr.toString(), /EACCES|EROFS/, 'the folder is not writable for that user')

    const child = spawn('/bin/sh', ['-c', `${WITHOUT_TAP}exec "$0" "$@"`, ...here(image.entrypoint)], {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    let output = ''
    const ended = new Promise<number | null>(resolve => child.once('close', resolve))
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', text => {
        output += text
      })
      child.stdout.on('data', text => {
        output += text
        if (output.includes('listens on')) resolve()
      })
      ended.then(code => reject(new Error(`ended with ${code}: ${output}`)))
    })
    const [probe, ...probeArgs] = here(image.healthcheck)
    t.equal(spawnSync(probe!, probeArgs, options).status, 0, 'its health check is content')

    const [node, main] = here(image.entrypoint)
    t.equal(spawnSync(node!, [main!, 'init'], options).status, 0, 'the schema predict comes with it')

    const client = await connect(upstream.replace(/:\d+\//, `:${port}/`))
    t.teardown(() => client.end())
    t.equal((await client.query('SELECT count(*)::int AS n FROM users')).rows[0].n, 300)
    const { rows } = await client.query('PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR users.user_id IN (1, 2, 3)')
    t.equal(rows.length, 3)
    t.equal((await client.query('SELECT * FROM predict.version')).rowCount, 1)
    await client.end()
    child.kill('SIGTERM')
    t.equal(await ended, 0)
  })
}

function below(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).map(name => path.join(root, name))
}
