// node-postgres' own tests of its client and of its cursors, beside the release of the package that they belong to.

import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { connect } from '../../../bench/lib/postgres.js'
import { lacking, mustRun, runAnyway } from '../programs.js'
import type { Outcome, Outcomes, Suite } from '../suite.js'

const CHECKOUT = 'of a checkout of node-postgres (github.com/brianc/node-postgres)'

/** Installs the package with what its tests need, and puts them where they look for it. Returns the package's folder. */
async function installed(source: string, folder: string, helpers: readonly string[]): Promise<string> {
  const { name, version } = JSON.parse(await readFile(path.join(source, 'package.json'), 'utf8'))
  await writeFile(path.join(folder, 'package.json'), '{ "private": true }')
  await mustRun('npm', ['install', '--no-audit', '--no-fund', `${name}@${version}`, ...helpers], { cwd: folder })
  const target = path.join(folder, 'node_modules', name)
  await cp(path.join(source, 'test'), path.join(target, 'test'), { recursive: true })
  return target
}

const environment = (port: number) => ({
  PGHOST: '127.0.0.1',
  PGPORT: String(port),
  PGUSER: 'postgres',
  PGDATABASE: 'postgres',
  PGTESTNOSSL: 'true',
})

export const nodePostgres: Suite = {
  about: "node-postgres' integration tests, a file each",
  path: `packages/pg ${CHECKOUT}`,
  missing: source => lacking(path.join(source, 'test/integration'), path.join(source, 'package.json')),
  async prepare(source, folder) {
    const helpers = ['async@2.6.4', 'bluebird@3.7.2', 'co@4.6.0', 'pg-copy-streams@0.3.0']
    const home = await installed(source, folder, helpers)
    const files = await readdir(path.join(home, 'test/integration'), { recursive: true })
    const tests = files.filter(file => file.endsWith('-tests.js')).sort()
    return async ({ port }) => {
      const client = await connect(`postgres://postgres@127.0.0.1:${port}/postgres`)
      await client.query(PERSON)
      await client.end()
      const outcomes = new Map<string, Outcome>()
      for (const file of tests) {
        const args = [path.join('test/integration', file), `postgres://postgres@127.0.0.1:${port}/postgres`]
        const { code } = await runAnyway(process.execPath, args, { cwd: home, env: environment(port), limit: 60_000 })
        outcomes.set(file, { passed: code === 0 })
      }
      return outcomes
    }
  },
}

/** The table that its script/create-test-tables.js makes. */
const PERSON = `CREATE TABLE person (id serial, name varchar(10), age integer);
  INSERT INTO person (name, age) SELECT chr(64 + i), i * 10 FROM generate_series(1, 26) AS i`

export const pgCursor: Suite = {
  about: "pg-cursor's tests",
  path: `packages/pg-cursor ${CHECKOUT}`,
  missing: source => lacking(path.join(source, 'test'), path.join(source, 'package.json')),
  async prepare(source, folder) {
    const home = await installed(source, folder, ['pg', 'mocha@11'])
    return async ({ port }) => {
      const args = [path.join(folder, 'node_modules/mocha/bin/mocha.js'), '--reporter', 'json', '--timeout', '10000']
      const { output } = await runAnyway(process.execPath, args, { cwd: home, env: environment(port) })
      return readMocha(output)
    }
  },
}

function readMocha(output: string): Outcomes {
  const { tests } = JSON.parse(output.slice(output.indexOf('{\n  "stats"'))) as {
    tests: { fullTitle: string; err: object }[]
  }
  return new Map(tests.map(({ fullTitle, err }) => [fullTitle, { passed: Object.keys(err).length === 0 }]))
}
