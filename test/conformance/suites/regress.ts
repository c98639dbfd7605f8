// Postgres' own regression tests, and its tests of sessions beside each other, run by pg_regress.

import { chownSync } from 'node:fs'
import { cp, mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { debianPostgres } from '../../../bench/lib/postgres.js'
import { serverUser } from '../../../src/demo/binaries.js'
import { compareVersions, hasProgram, lacking, mustRun, runAnyway, serverHeaders } from '../programs.js'
import type { Outcome, Outcomes, Suite } from '../suite.js'

const SOURCE = 'the source of Postgres, in the version that is installed'

/**
 * What a test that fails printed is compared too: it should fail alike. (What one that passes printed is one of the texts expected.)
 * `places`: folders that may be named in it, and differ.
 */
async function withPrinted(outcomes: Outcomes, output: string, places: readonly string[]): Promise<Outcomes> {
  const out = new Map<string, Outcome>()
  for (const [name, outcome] of outcomes) {
    if (outcome.passed) out.set(name, outcome)
    else {
      const printed = await readFile(path.join(output, 'results', `${name}.out`), 'utf8').catch(() => '')
      out.set(name, { passed: false, evidence: places.reduce((text, place) => text.replaceAll(place, ''), printed) })
    }
  }
  return out
}

/** `test boolean ... ok 51 ms`, or in a group of parallel ones `     boolean ... ok`. */
function readSchedule(output: string): Outcomes {
  const lines = output.matchAll(/^(?:test\s+|\s+)(\S+)\s+\.\.\. (ok|FAILED)/gm)
  return new Map([...lines].map(([, name, verdict]) => [name, { passed: verdict === 'ok' }]))
}

const tool = (...names: string[]) => path.join(debianPostgres() ?? '', 'lib/pgxs/src/test', ...names)

const serverMissing = () => (debianPostgres() ? [] : ['Postgres is not installed under /usr/lib/postgresql'])

export const regress: Suite = {
  about: "Postgres' regression schedule",
  path: SOURCE,
  missing(source) {
    if (!debianPostgres()) return serverMissing()
    const headers = path.join(serverHeaders(debianPostgres()!), 'postgres.h')
    return [
      ...lacking(path.join(source, 'src/test/regress/parallel_schedule'), tool('regress/pg_regress'), headers),
      ...(hasProgram('gcc') ? [] : ['gcc is not installed']),
    ]
  },
  async prepare(source, folder) {
    const user = await serverUser()
    const postgres = debianPostgres()!
    compareVersions(source, postgres)
    const suite = path.join(source, 'src/test/regress')
    const include = serverHeaders(postgres)
    const library = path.join(folder, 'regress.so')
    await mustRun('gcc', ['-shared', '-fPIC', '-I', include, '-o', library, path.join(suite, 'regress.c')])
    for (const name of ['autoinc.so', 'refint.so'])
      await cp(path.join(postgres, 'lib', name), path.join(folder, name)).catch(() => {})
    // the server reads the data files as its own user, which may not reach where the source lies
    await cp(suite, path.join(folder, 'input'), { recursive: true })
    return async ({ port, folder: output }) => {
      if (user) chownSync(output, user.uid, user.gid)
      const input = path.join(folder, 'input')
      const args = [
        `--bindir=${postgres}/bin`,
        `--inputdir=${input}`,
        `--outputdir=${output}`,
        `--dlpath=${folder}`,
        '--host=127.0.0.1',
        `--port=${port}`,
        '--user=postgres',
        `--schedule=${path.join(input, 'parallel_schedule')}`,
        '--max-connections=20',
        '--dbname=regression',
      ]
      const { output: said } = await runAnyway(tool('regress/pg_regress'), args, { cwd: output, user, limit: 900_000 })
      return withPrinted(readSchedule(said), output, [output, input, folder])
    }
  },
}

export const isolation: Suite = {
  about: "Postgres' isolation schedule: several sessions, step by step",
  path: SOURCE,
  missing: source =>
    debianPostgres()
      ? lacking(
          path.join(source, 'src/test/isolation/isolation_schedule'),
          tool('isolation/pg_isolation_regress'),
          tool('isolation/isolationtester'),
        )
      : serverMissing(),
  async prepare(source, folder) {
    const user = await serverUser()
    compareVersions(source, debianPostgres()!)
    const input = path.join(folder, 'input')
    await cp(path.join(source, 'src/test/isolation'), input, { recursive: true })
    return async ({ port, folder: output }) => {
      await mkdir(output, { recursive: true })
      if (user) chownSync(output, user.uid, user.gid)
      const args = [
        `--bindir=${debianPostgres()}/bin`,
        `--inputdir=${input}`,
        `--outputdir=${output}`,
        '--host=127.0.0.1',
        `--port=${port}`,
        '--user=postgres',
        `--schedule=${path.join(input, 'isolation_schedule')}`,
        '--dbname=isolation_regression',
      ]
      const options = { cwd: output, user, limit: 900_000 }
      const { output: said } = await runAnyway(tool('isolation/pg_isolation_regress'), args, options)
      return withPrinted(readSchedule(said), output, [output, input])
    }
  },
}
