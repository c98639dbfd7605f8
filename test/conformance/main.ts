// `npm run conformance -- NAME PATH`: a suite of tests that others wrote, against Postgres itself and through the proxy. What passes
// there must pass here.

import { rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startPostgres } from '../../bench/lib/postgres.js'
import { startProxy } from '../../bench/lib/proxy.js'
import type { Outcomes, Suite, Target } from './suite.js'
import { libPq, pgconn, pgx } from './suites/go.js'
import { libpqPipeline } from './suites/libpq-pipeline.js'
import { nodePostgres, pgCursor } from './suites/node-postgres.js'
import { pgbench } from './suites/pgbench.js'
import { isolation, regress } from './suites/regress.js'
import { sqlsmith } from './suites/sqlsmith.js'

const suites: Record<string, Suite> = {
  regress,
  isolation,
  'libpq-pipeline': libpqPipeline,
  pgx,
  pgconn,
  'lib-pq': libPq,
  'node-postgres': nodePostgres,
  'pg-cursor': pgCursor,
  pgbench,
  sqlsmith,
}

function usage(): void {
  console.log('npm run conformance -- NAME PATH\n')
  for (const [name, { about, path }] of Object.entries(suites))
    console.log(`  ${name.padEnd(15)} ${about}\n  ${''.padEnd(15)} ${path === null ? 'no PATH' : `PATH: ${path}`}`)
}

/** A server of its own for each run: what one leaves behind is not the other's. */
async function runOnce(
  run: (target: Target) => Promise<Outcomes>,
  folder: string,
  proxied: boolean,
): Promise<Outcomes> {
  await mkdir(folder)
  const server = await startPostgres()
  const proxy = proxied ? await startProxy(server.url('postgres'), ['--workers', '2']) : null
  try {
    return await run({ port: (proxy ?? server).port, folder })
  } finally {
    await proxy?.stop()
    await server.stop()
  }
}

const count = (outcomes: Outcomes) => [...outcomes.values()].filter(({ passed }) => passed).length

/** Names of the tests that went another way through us, and how. */
function differences(direct: Outcomes, proxied: Outcomes): string[] {
  const verdict = (passed: boolean | undefined) => (passed === undefined ? 'was not run' : passed ? 'passed' : 'failed')
  return [...new Set([...direct.keys(), ...proxied.keys()])].flatMap(name => {
    const [there, here] = [direct.get(name), proxied.get(name)]
    if (there?.passed !== here?.passed)
      return [`${name}: ${verdict(there?.passed)} direct, ${verdict(here?.passed)} through us`]
    return there?.evidence === here?.evidence
      ? []
      : [`${name}: ${verdict(here?.passed)} on both sides, but what was said differs`]
  })
}

async function conformance(name: string, suite: Suite, source: string): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pgpredict-conformance-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  await chmod(folder, 0o755)
  const shared = path.join(folder, 'shared')
  await mkdir(shared)
  const run = await suite.prepare(source, shared)
  const direct = await runOnce(run, path.join(folder, 'direct'), false)
  if (direct.size === 0) throw new Error(`${name}: no test ran`)
  const proxied = await runOnce(run, path.join(folder, 'proxied'), true)
  const failing = [...direct].filter(([, { passed }]) => !passed).map(([test]) => test)
  if (failing.length > 0) console.log(`${name}: fail without us: ${failing.join(', ')}`)
  const different = differences(direct, proxied)
  for (const difference of different) console.log(`${name}: ${difference}`)
  console.log(`${name}: ${count(direct)} passed direct / ${count(proxied)} passed through us (of ${direct.size})`)
  return different.length === 0
}

const [name, source = ''] = process.argv.slice(2)
const suite = suites[name]
if (!suite || (suite.path !== null && source === '')) {
  usage()
  process.exitCode = name === undefined ? 0 : 2
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  const missing = suite.missing(path.resolve(source))
  if (missing.length > 0) {
    for (const what of missing) console.error(`${name} cannot run here: ${what}`)
    process.exitCode = 2
  } else if (!(await conformance(name, suite, path.resolve(source)))) process.exitCode = 1
}
