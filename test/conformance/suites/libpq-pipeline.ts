// libpq's tests of pipelines. Its trace of every message is compared too, where Postgres' own run of them does: through us it must be
// the same to the byte. The trace of another test depends on how writing and reading happen to interleave.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { debianPostgres } from '../../../bench/lib/postgres.js'
import { hasProgram, lacking, mustRun, runAnyway, serverHeaders } from '../programs.js'
import type { Outcome, Suite } from '../suite.js'

const SOURCE = 'src/test/modules/libpq_pipeline/libpq_pipeline.c'

export const libpqPipeline: Suite = {
  about: "libpq's pipelines, with a trace of every message",
  path: 'the source of Postgres, in the version that is installed',
  missing: source =>
    debianPostgres()
      ? [
          ...lacking(path.join(source, SOURCE), '/usr/include/postgresql/libpq-fe.h', libraries()),
          ...(hasProgram('gcc') ? [] : ['gcc is not installed']),
        ]
      : ['Postgres is not installed under /usr/lib/postgresql'],
  async prepare(source, folder) {
    const program = path.join(folder, 'libpq_pipeline')
    const headers = ['/usr/include/postgresql', serverHeaders(debianPostgres()!)]
    await mustRun('gcc', [
      ...headers.flatMap(header => ['-I', header]),
      '-o',
      program,
      path.join(source, SOURCE),
      ...['-L', path.dirname(libraries()), '-lpq', '-lpgcommon', '-lpgport'],
    ])
    const names = (await mustRun(program, ['tests'])).trim().split('\n')
    return async ({ port, folder: output }) => {
      const outcomes = new Map<string, Outcome>()
      for (const name of names) {
        const trace = path.join(output, name)
        const conninfo = `host=127.0.0.1 port=${port} user=postgres dbname=postgres sslmode=disable`
        const { code } = await runAnyway(program, ['-r', '700', '-t', trace, name, conninfo])
        const steady = existsSync(path.join(source, path.dirname(SOURCE), 'traces', `${name}.trace`))
        outcomes.set(name, { passed: code === 0, evidence: steady ? await readFile(trace, 'utf8') : undefined })
      }
      return outcomes
    }
  },
}

/** Comes with the package for building extensions. */
const libraries = (): string => path.join(debianPostgres()!, 'lib', 'libpgcommon.a')
