// What the proxy costs large transfers: COPY out and in, and a SELECT of a million rows, straight and through it; and that its
// memory stays flat.

import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { bytesOf, readFlags } from './lib/flags.js'
import { ask, connect, startPostgres } from './lib/postgres.js'
import { forgetPeak, megabytes, peakMemory, residentMemory } from './lib/process-table.js'
import { startProxy } from './lib/proxy.js'
import { createReport } from './lib/report.js'
import { run } from './lib/run.js'
import { alternate, ratios, spread } from './lib/stats.js'

const defaults = { size: '200MB', rows: 1_000_000, repeats: 5 }

/** A row of `wide` is about this long as text. */
const ROW = 105

export async function copy(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const report = createReport('copy')
  const server = await startPostgres()
  const url = await server.createDatabase('bench')
  const proxy = await startProxy(url)
  const folder = await mkdtemp(path.join(tmpdir(), 'pgpredict-copy-'))
  const file = path.join(folder, 'rows')
  const script = path.join(folder, 'select.sql')
  try {
    const setup = await connect(url)
    await setup.query(`
      CREATE UNLOGGED TABLE wide AS
        SELECT i AS id, md5(i::text) AS a, i * 1.5 AS b, now() AS c, md5((-i)::text) AS d
        FROM generate_series(1, ${Math.ceil(bytesOf(flags.size) / ROW)}) i;
      CREATE UNLOGGED TABLE taken (LIKE wide)`)
    await setup.query('VACUUM ANALYZE wide')
    await setup.end()
    await writeFile(script, `SELECT id, a, b, c FROM wide LIMIT ${flags.rows};\n`)
    const sql = (port: number, text: string, stdin: number | 'ignore', stdout: number | 'ignore') =>
      run('psql', ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-d', 'bench', '-qXAt', '-c', text], {
        stdio: [stdin, stdout, 'pipe'],
      })
    const saved = await open(file, 'w')
    await sql(server.port, 'COPY wide TO STDOUT', 'ignore', saved.fd)
    await saved.close()
    const { size } = await stat(file)
    report.note(`${server.version}, ${megabytes(size).toFixed(0)} MB each way, ${flags.repeats} alternating rounds`)

    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const start = performance.now()
      await work()
      return performance.now() - start
    }
    const work = {
      'COPY out': (port: number) => timed(() => sql(port, 'COPY wide TO STDOUT', 'ignore', 'ignore')),
      'COPY in': async (port: number) => {
        await ask(server.url('bench'), 'TRUNCATE taken')
        const source = await open(file)
        const taken = await timed(() => sql(port, 'COPY taken FROM STDIN', source.fd, 'ignore'))
        await source.close()
        return taken
      },
      // pgbench reads all rows and formats none: little of the time is the client's own
      [`SELECT of ${flags.rows.toLocaleString('en')} rows`]: (port: number) =>
        timed(() =>
          run('pgbench', [
            '-n',
            '-c1',
            '-t1',
            '-f',
            script,
            '-h',
            '127.0.0.1',
            '-p',
            String(port),
            '-U',
            'postgres',
            'bench',
          ]),
        ),
    }
    const idle = residentMemory(proxy.pid)
    forgetPeak(proxy.pid)
    for (const [name, measure] of Object.entries(work)) {
      const { direct, proxied } = await alternate(flags.repeats, {
        direct: () => measure(server.port),
        proxied: () => measure(proxy.port),
      })
      report.note(`${name}: direct ${spread(direct)} ms, through the proxy ${spread(proxied)} ms`)
      report.figure(`${name}: speed / direct`, ratios(direct, proxied), { atLeast: 0.95 })
    }
    report.figure('the proxy before', megabytes(idle), { unit: 'MB' })
    report.figure('the proxy at its peak', megabytes(peakMemory(proxy.pid)), { unit: 'MB' })
    // 50: a few chunks under way in both directions and what the collector has not come to, whatever the size
    report.figure('growth', megabytes(peakMemory(proxy.pid) - idle), { atMost: 50, unit: 'MB' })
  } finally {
    await proxy.stop()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  report.end()
}
