// `pgpredict --upstream URL`: the proxy for a database people already have, and a report of what it found there.

import pino from 'pino'
import { type Config, describeConfig, type Flags, loadConfig } from '../config/config.js'
import { ConfigError } from '../config/error.js'
import {
  acceptProposals,
  type Graph,
  keyWarning,
  loadGraph,
  type ProposedTable,
  proposeSchema,
  repeatedKeys,
} from '../graph/catalog/index.js'
import type { Notice } from '../pg-error.js'
import { lookAt } from './activity.js'
import { withOwnSession } from './own-session.js'
import { formatReport, proxyUrl } from './report.js'
import { type Service, startService } from './service.js'
import { describe, type Output } from './sql.js'
import { untilStopped } from './stop.js'
import { candidates, type Suggestion, suggest } from './suggest.js'
import { attempt } from './try.js'
import { upstreamChoice } from './upstream-choice.js'
import { version } from './version.js'
import { startWorkers } from './workers.js'

export interface ServeFlags extends Flags {
  /** Print the settings in force and stop. */
  readonly checkConfig?: boolean
  /** false: start without looking at the database. */
  readonly report?: boolean
}

/** What a look at the database gave. */
interface Seen {
  /** With the proposals in it where they are to be used. */
  readonly graph: Graph
  readonly proposals: readonly ProposedTable[]
  readonly server: string
  /** Keys that are none. */
  readonly repeated: readonly Notice[]
}

export async function serve(flags: ServeFlags, output: Output): Promise<void> {
  const config = loadConfig(flags)
  if (flags.checkConfig) return output.out(describeConfig(config))
  const { inferLinks, upstream } = config
  const log = pino({ level: config.logLevel }, pino.destination({ dest: 2, sync: true }))
  if (inferLinks && !(upstream.user && upstream.database)) {
    throw new ConfigError(
      '--infer-links looks at the rows, and the upstream URL names no user or database to look with',
    )
  }
  // links that are to be used must be known before the first client comes
  const seen = inferLinks ? await look(config) : null
  const schema = seen ? acceptProposals(config.schema, seen.proposals) : config.schema
  const start = config.workers > 1 ? startWorkers : startService
  const service = await start({ ...config, schema }, log)
  const url = proxyUrl(service.host, service.port, upstream.user, upstream.database)
  output.out(
    `pgpredict ${version} listens on ${service.host}:${service.port}. Connect as you do to the database itself:\n\n  psql '${url}'\n`,
  )
  // clients can connect meanwhile, and a database that cannot be reported on can still be proxied
  const reported = flags.report === false ? Promise.resolve() : report(config, seen, url, output)
  await untilStopped(() => void reload(flags, config, service, log))
  await service.stop()
  await reported
}

/** SIGHUP: settings, certificates and files are read again. What cannot be used changes nothing. */
async function reload(flags: ServeFlags, before: Config, service: Service, log: pino.Logger): Promise<void> {
  try {
    const config = loadConfig(flags)
    const seen = config.inferLinks ? await look(config) : null
    await service.reload({ ...config, schema: seen ? acceptProposals(config.schema, seen.proposals) : config.schema })
    log.level = config.logLevel
    log.info({ file: config.file }, 'settings reloaded')
    const fixed = ['listen', 'socketDir', 'listenWs', 'workers', 'model'] as const
    const waiting: string[] = fixed.filter(key => JSON.stringify(config[key]) !== JSON.stringify(before[key]))
    if (before.tls && !config.tls) waiting.push('tls')
    if (waiting.length > 0) log.warn({ settings: waiting }, 'these settings take a restart')
  } catch (error) {
    log.error({ err: error }, 'settings not reloaded')
  }
}

async function look({ upstream, schema, inferLinks }: Config): Promise<Seen> {
  return withOwnSession(upstream, await upstreamChoice(upstream), async session => {
    const [row] = await session.query("SELECT pg_catalog.current_setting('server_version')")
    const declared = await loadGraph(session, { declared: schema })
    const proposals = await proposeSchema(session, declared)
    const graph = inferLinks ? await loadGraph(session, { declared: acceptProposals(schema, proposals) }) : declared
    const repeated = (await repeatedKeys(session, graph.tables)).map(keyWarning)
    return { graph, proposals, repeated, server: row![0]!.toString() }
  })
}

async function report(config: Config, known: Seen | null, url: string, { out, err }: Output): Promise<void> {
  const { upstream, inferLinks } = config
  if (!upstream.user || !upstream.database) {
    return err('no report: the upstream URL names no user or database to look with')
  }
  try {
    const { graph, proposals, repeated, server } = known ?? (await look(config))
    const tried = await firstThatAnswers(graph, url, upstream.password)
    const text = formatReport({
      version,
      server,
      database: graph.database.name,
      role: graph.role.name,
      catalog: graph,
      proposals,
      inferred: inferLinks,
      notices: [...graph.warnings, ...repeated, ...(tried?.notices ?? [])],
      suggestions: tried?.queries ?? [],
    })
    out(text)
  } catch (error) {
    err(`no report: ${describe(error)}`)
  }
}

interface Tried {
  readonly queries: readonly Suggestion[]
  readonly notices: readonly Notice[]
}

/** The likeliest queries whose probes work, and whose answers differ where such are to be had; looked for no longer than a minute. */
async function firstThatAnswers(graph: Graph, url: string, password: string | null): Promise<Tried | null> {
  const until = performance.now() + 40_000
  const seen = await lookAt(url, password, candidates(graph))
  let second: Tried | null = null
  for (const { queries, probes } of suggest(graph, seen)) {
    if (performance.now() > until) break
    const tried = await attempt(url, password, probes)
    if (tried?.varied) return { queries, notices: tried.notices }
    if (tried) second ??= { queries, notices: tried.notices }
  }
  return second
}
