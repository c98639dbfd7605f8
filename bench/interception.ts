// What it costs ordinary messages that each query is searched for our words: CPU time of the forwarder with the search against the
// same forwarder without. Twice: on real traffic, where sockets drown most of the difference in noise; and replayed through the
// session's streams without sockets, which measures the difference itself.

import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { readFlags } from './lib/flags.js'
import { initialisePgbench, pgbench } from './lib/pgbench.js'
import { startPostgres } from './lib/postgres.js'
import { cpuTime } from './lib/process-table.js'
import { createReport } from './lib/report.js'
import { type Daemon, nextPort, startDaemon } from './lib/run.js'
import { STATEMENTS } from './lib/statements.js'
import { alternate, differences, median, ratios, spread } from './lib/stats.js'

const defaults = { repeats: 20, seconds: 2, clients: 8, replayed: 1_000_000 }

interface Forwarder extends Daemon {
  readonly port: number
}

export async function interception(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const report = createReport('interception')
  const server = await startPostgres()
  await server.createDatabase('bench')
  await initialisePgbench(server.port, 'bench', 1)
  const folder = await mkdtemp(path.join(tmpdir(), 'pgpredict-statements-'))
  const scripts: string[] = []
  for (const [i, { weight, sql }] of STATEMENTS.entries()) {
    const file = path.join(folder, `${i}.sql`)
    await writeFile(file, `\\set aid random(1, 100000)\n${sql};\n`)
    scripts.push(`${file}@${weight}`)
  }
  const scan = await startForwarder('scan', server.port)
  const blind = await startForwarder('blind', server.port)
  try {
    const perRound = Math.ceil(flags.replayed / flags.repeats)
    const replay = (forwarder: Forwarder) => async (): Promise<number> => {
      forwarder.child.send(perRound)
      const [nanoseconds] = await once(forwarder.child, 'message')
      return nanoseconds
    }
    await alternate(2, { scan: replay(scan), blind: replay(blind) })
    const replayed = await alternate(flags.repeats, { scan: replay(scan), blind: replay(blind) })
    const extra = differences(replayed.scan, replayed.blind)
    report.note(`replayed without sockets, ${flags.repeats} rounds of ${perRound.toLocaleString('en')} statements:`)
    report.note(`  with the search ${spread(replayed.scan)} ns a statement, without ${spread(replayed.blind)} ns`)

    for (const mode of ['simple', 'extended'] as const) {
      const load = (forwarder: Forwarder, seconds: number) => async (): Promise<number> => {
        const before = cpuTime([forwarder.pid])
        const { clients } = flags
        const { transactions } = await pgbench({
          port: forwarder.port,
          database: 'bench',
          mode,
          clients,
          seconds,
          scripts,
        })
        return (cpuTime([forwarder.pid]) - before) / transactions
      }
      await alternate(1, { scan: load(scan, 2), blind: load(blind, 2) })
      const sides = { scan: load(scan, flags.seconds), blind: load(blind, flags.seconds) }
      const loaded = await alternate(flags.repeats, sides)
      const forwarding = median(loaded.blind)
      report.note(
        `${mode}: with the search ${spread(loaded.scan)} ns of CPU a statement, without ${spread(loaded.blind)} ns`,
      )
      report.figure(`${mode}: CPU with / without, on real traffic`, ratios(loaded.scan, loaded.blind), { atMost: 1.03 })
      report.figure(
        `${mode}: the search itself / forwarding`,
        extra.map(ns => 1 + ns / forwarding),
        { atMost: 1.03 },
      )
    }
  } finally {
    await scan.stop()
    await blind.stop()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  report.end()
}

async function startForwarder(kind: 'scan' | 'blind', upstreamPort: number): Promise<Forwarder> {
  const entry = fileURLToPath(new URL('./lib/forwarder.ts', import.meta.url))
  const port = await nextPort()
  const args = ['--import', import.meta.resolve('tsx'), entry, kind, String(port), String(upstreamPort)]
  const daemon = await startDaemon(process.execPath, args, /forwards/, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  return { ...daemon, port }
}
