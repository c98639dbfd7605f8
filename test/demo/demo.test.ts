import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import t from 'tap'
import { QUERIES } from '../../src/cli/demo.js'
import { runCli } from '../helpers/cli.js'
import { connect } from '../helpers/postgres.js'

t.setTimeout(120_000)

t.test('the demo prints a URL and three queries that work there, and leaves nothing behind', async t => {
  // not t.testdir: its long path would be the one thing tested
  const scratch = mkdtempSync(path.join(tmpdir(), 'demo-'))
  chmodSync(scratch, 0o755)
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }))
  const cli = runCli(['demo', '--users', '600', '--seed', '3', '--listen', '127.0.0.1:0'], { env: { TMPDIR: scratch } })
  t.teardown(() => cli.child.kill('SIGKILL'))
  const [url] = await cli.until(/postgres:\/\/\S+/)
  await cli.until(/Ctrl-C/)
  const pasted = cli
    .stdout()
    .split('\n\n')
    .filter(part => part.startsWith('-- '))
  t.same(
    pasted.map(part => part.replace(/^-- .*\n/, '').replace(/;$/, '')),
    QUERIES.map(({ sql }) => sql),
  )
  const client = await connect(url!)
  const answers = []
  for (const query of pasted) answers.push((await client.query(query)).rows)
  const [everyone, byCountry, likeliest] = answers as [
    Record<string, unknown>[],
    Record<string, unknown>[],
    Record<string, number>[],
  ]
  t.equal(everyone.length, 600)
  t.same(Object.keys(everyone[0]!), ['user_id', 'anchor_time', 'prediction', 'probability'])
  const { rows } = await client.query('SELECT count(DISTINCT country)::int AS n FROM users')
  t.equal(byCountry.length, rows[0].n)
  t.equal(likeliest.length, 10)
  t.ok(likeliest[0]!.probability! >= likeliest[9]!.probability!)
  await client.end()
  // tsx keeps its compiled files there too
  const ours = () => readdirSync(scratch).filter(name => name.startsWith('pgpredict'))
  t.ok(ours().length > 0)
  cli.child.kill('SIGINT')
  t.equal(await cli.exit, 0)
  t.same(ours(), [])
})
