// Several servers in one URL: which of them a session gets.

import t, { type Test } from 'tap'
import { upstreamChoice } from '../../src/cli/upstream-choice.js'
import { parseUpstream } from '../../src/config/upstream.js'
import { createProxy } from '../../src/wire/proxy.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { testRewriter } from '../wire/support/rewriter.js'

const writable = await startPostgres({})
const readOnly = await startPostgres({ config: ['default_transaction_read_only = on'] })
t.teardown(() => Promise.all([writable.stop(), readOnly.stop()]))
const NOWHERE = '127.0.0.1:1'
const [first, second] = [`127.0.0.1:${readOnly.port}`, `127.0.0.1:${writable.port}`]

/** The port of the server that a client gets, with these hosts and parameters. */
async function reached(t: Test, hosts: string, parameters: string): Promise<number> {
  const url = `postgres://postgres@${hosts}/postgres?sslmode=disable&${parameters}`
  const upstream = await upstreamChoice(parseUpstream(url, 'url', {}))
  const proxy = await createProxy({ listen: { port: 0 }, upstream, rewriter: testRewriter() })
  t.teardown(() => proxy.close(0))
  const client = await connect(`postgres://postgres@127.0.0.1:${proxy.port}/postgres`)
  const { rows } = await client.query('SELECT inet_server_port() AS port')
  await client.end()
  return rows[0].port
}

t.test('the first that can be reached, without further wishes', async t => {
  t.equal(await reached(t, `${NOWHERE},${first},${second}`, ''), readOnly.port)
  await t.rejects(reached(t, `${NOWHERE},127.0.0.1:2`, ''), {
    code: '08006',
    message: /port 1: .*; could not connect .*port 2: /,
  })
})

t.test('target_session_attrs: the first that is what was asked for', async t => {
  const both = `${NOWHERE},${first},${second}`
  t.equal(await reached(t, both, 'target_session_attrs=read-write'), writable.port)
  t.equal(await reached(t, both, 'target_session_attrs=read-only'), readOnly.port)
  t.equal(await reached(t, both, 'target_session_attrs=primary'), readOnly.port)
  t.equal(await reached(t, both, 'target_session_attrs=prefer-standby'), readOnly.port, 'for want of a standby')
  await t.rejects(reached(t, both, 'target_session_attrs=standby'), {
    code: '08006',
    message: /no upstream server is standby: .*port 1: .*; the server at .* is not standby/,
  })
})

t.test('a server that changes its part is seen in another light soon', async t => {
  const url = `postgres://postgres@${first},${second}/postgres?sslmode=disable&target_session_attrs=read-write`
  const { candidates } = await upstreamChoice(parseUpstream(url, 'url', {}))
  t.equal((await candidates())[0]!.port, writable.port)
  await readOnly.admin.query('ALTER SYSTEM SET default_transaction_read_only = off')
  await readOnly.admin.query('SELECT pg_reload_conf()')
  const until = Date.now() + 10_000
  while ((await candidates())[0]!.port !== readOnly.port && Date.now() < until)
    await new Promise(go => setTimeout(go, 100))
  t.equal((await candidates())[0]!.port, readOnly.port)
})

t.test('load_balance_hosts=random: each of them, sooner or later', async t => {
  const url = `postgres://postgres@${first},${second}/postgres?load_balance_hosts=random`
  const { candidates } = await upstreamChoice(parseUpstream(url, 'url', {}))
  const seen = new Set<number>()
  for (let i = 0; i < 100; i++) seen.add((await candidates())[0]!.port)
  t.equal(seen.size, 2)
})
