// `pgpredict --upstream URL`: the proxy for a database people already have, and a report of what it found there.

import pino from 'pino'
import { type Config, describeConfig, type Flags, loadConfig } from '../config/config.js'
import { type Graph, loadGraph } from '../graph/catalog/index.js'
import { withOwnSession } from './own-session.js'
import { formatReport, proxyUrl } from './report.js'
import { type Service, startService } from './service.js'
import { describe, type Output } from './sql.js'
import { untilStopped } from './stop.js'
import { type SuggestionSet, suggest } from './suggest.js'
import { answers } from './try.js'
import { version } from './version.js'

export interface ServeFlags extends Flags {
  /** Print the settings in force and stop. */
  readonly checkConfig?: boolean
  /** false: start without looking at the database. */
  readonly report?: boolean
}

export async function serve(flags: ServeFlags, output: Output): Promise<void> {
  const config = loadConfig(flags)
  if (flags.checkConfig) return output.out(describeConfig(config))
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }))
  const service = await startService(config, log)
  const { user, database } = config.upstream
  const url = proxyUrl(service.host, service.port, user, database)
  output.out(
    `pgpredict ${version} listens on ${service.host}:${service.port}. Connect as you do to the database itself:\n\n  psql '${url}'\n`,
  )
  // clients can connect meanwhile, and a database that cannot be reported on can still be proxied
  const reported = flags.report === false ? Promise.resolve() : report(config, service, url, output)
  await untilStopped()
  await service.stop()
  await reported
}

async function report(config: Config, service: Service, url: string, { out, err }: Output): Promise<void> {
  const { upstream, schema, inferLinks } = config
  if (!upstream.user || !upstream.database) {
    return err('no report: the upstream URL names no user or database to look with')
  }
  try {
    const { graph, server } = await withOwnSession(upstream, service.wire, async session => {
      const [row] = await session.query("SELECT pg_catalog.current_setting('server_version')")
      return { graph: await loadGraph(session, { declared: schema }), server: row![0]!.toString() }
    })
    const facts = {
      version,
      server,
      database: graph.database.name,
      role: graph.role.name,
      catalog: graph,
      warnings: graph.warnings,
    }
    const suggestions = await firstThatAnswers(graph, url, upstream.password)
    out(
      formatReport({
        ...facts,
        proposals: [],
        inferred: inferLinks,
        setAside: [],
        suggestions: suggestions?.queries ?? [],
      }),
    )
  } catch (error) {
    err(`no report: ${describe(error)}`)
  }
}

/** The likeliest queries whose probes work, looked for no longer than half a minute. */
async function firstThatAnswers(graph: Graph, url: string, password: string | null): Promise<SuggestionSet | null> {
  const until = performance.now() + 30_000
  for (const set of suggest(graph)) {
    if (performance.now() > until) return null
    if (await answers(url, password, set.probes)) return set
  }
  return null
}
