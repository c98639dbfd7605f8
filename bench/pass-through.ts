// What the proxy costs ordinary queries: pgbench -S straight to the server, through pgbouncer, through the proxy, and through a program
// that passes bytes on in Node and does nothing else, which is as fast as any proxy in Node could be.

import { startBareForwarder } from './lib/bare-forwarder.js'
import { listOf, readFlags } from './lib/flags.js'
import { initialisePgbench, pgbench } from './lib/pgbench.js'
import { startPgbouncer } from './lib/pgbouncer.js'
import { startPostgres } from './lib/postgres.js'
import { cpuTime } from './lib/process-table.js'
import { startProxy } from './lib/proxy.js'
import { createReport } from './lib/report.js'
import { alternate, differences, ratios, spread } from './lib/stats.js'

const defaults = {
  modes: 'simple,prepared,extended',
  clients: '1,16,32',
  seconds: 4,
  repeats: 5,
  scale: 10,
  /** Further flags of the proxy. With those that start a process a core, what must be reached is what they promise. */
  'proxy-args': '',
}

interface Side {
  readonly tps: number
  /** Microseconds. */
  readonly p50: number
  /** Microseconds of CPU a query, in the process between client and server. */
  readonly cpu: number
}

export async function passThrough(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, defaults)
  const report = createReport('pass-through')
  const server = await startPostgres()
  const url = await server.createDatabase('bench')
  await initialisePgbench(server.port, 'bench', flags.scale)
  const pgbouncer = await startPgbouncer(server.port)
  const proxy = await startProxy(url, flags['proxy-args'].split(' ').filter(Boolean))
  const processes = Number(/--workers (\d+)/.exec(flags['proxy-args'])?.[1] ?? 1)
  const bare = await startBareForwarder(server.port, processes)
  report.note(`${server.version}, ${pgbouncer?.version ?? 'no pgbouncer: bench/install'}`)
  report.note(`pgbench -S, scale ${flags.scale}, ${flags.repeats} alternating rounds of ${flags.seconds} s each`)
  try {
    // compiled by then, as in any proxy that has been up for a while
    for (const { port } of [proxy, bare])
      for (const mode of ['simple', 'prepared'] as const)
        await pgbench({ port, database: 'bench', mode, clients: 4, seconds: 3 })
    for (const mode of listOf(flags.modes) as ('simple' | 'prepared' | 'extended')[]) {
      for (const clients of listOf(flags.clients).map(Number)) {
        const side = (port: number, pids: () => readonly number[]) => async (): Promise<Side> => {
          const before = cpuTime(pids())
          const load = { port, database: 'bench', mode, clients, seconds: flags.seconds, latencies: clients === 1 }
          const { tps, p50, transactions } = await pgbench(load)
          return { tps, p50, cpu: (cpuTime(pids()) - before) / 1000 / transactions }
        }
        const direct = side(server.port, () => [])
        const proxied = side(proxy.port, () => proxy.wirePids())
        const pooled = pgbouncer && side(pgbouncer.port, () => [pgbouncer.pid])
        const forwarded = side(bare.port, () => bare.pids)
        const sides: Record<string, () => Promise<Side>> = { direct, ...(pooled && { pooled }), forwarded, proxied }
        const results = await alternate(flags.repeats, sides)
        const name = `${mode}, ${clients} client${clients === 1 ? '' : 's'}`
        const of = (key: keyof Side, list: readonly Side[]) => list.map(result => result[key])
        report.note(
          `${name}: tps ${Object.entries(results)
            .map(([who, list]) => `${who} ${spread(of('tps', list))}`)
            .join(', ')}`,
        )
        if (pooled) {
          // DESIGN 4 asks for simple and prepared
          const atLeast = mode === 'extended' ? undefined : clients === 1 ? 0.85 : flags['proxy-args'] ? 1 : 0.75
          report.figure(`${name}: tps / pgbouncer`, ratios(of('tps', results.proxied), of('tps', results.pooled)), {
            atLeast,
          })
          report.figure(
            `${name}: tps of bare forwarding in Node / pgbouncer`,
            ratios(of('tps', results.forwarded), of('tps', results.pooled)),
          )
          report.figure(
            `${name}: CPU a query / pgbouncer`,
            ratios(of('cpu', results.proxied), of('cpu', results.pooled)),
          )
        }
        report.figure(
          `${name}: tps / bare forwarding in Node`,
          ratios(of('tps', results.proxied), of('tps', results.forwarded)),
        )
        report.figure(`${name}: tps / direct`, ratios(of('tps', results.proxied), of('tps', results.direct)))
        report.figure(`${name}: CPU of the proxy a query`, of('cpu', results.proxied), { unit: 'µs' })
        report.figure(`${name}: CPU of bare forwarding a query`, of('cpu', results.forwarded), { unit: 'µs' })
        if (clients === 1) {
          const added = (list: readonly Side[]) => differences(of('p50', list), of('p50', results.direct))
          report.figure(`${name}: added p50`, added(results.proxied), {
            atMost: mode === 'extended' ? undefined : 60,
            unit: 'µs',
          })
          if (pooled) report.figure(`${name}: added p50 of pgbouncer`, added(results.pooled), { unit: 'µs' })
        }
      }
    }
  } finally {
    await bare.stop()
    await proxy.stop()
    await pgbouncer?.stop()
    await server.stop()
  }
  report.end()
}
