#!/usr/bin/env node
// The command line: what can be typed, and which file does it.

import { Command, InvalidArgumentError } from 'commander'
import { parseAddress } from '../config/address.js'
import { loadConfig } from '../config/config.js'
import { ConfigError } from '../config/error.js'
import { parseUpstream } from '../config/upstream.js'
import { version } from './version.js'

const output = {
  out: (text: string) => void process.stdout.write(`${text}\n`),
  err: (text: string) => void process.stderr.write(`${text}\n`),
}

// a reader that has seen enough, as in `| head`
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
})

const program = new Command('pgpredict')
  .description(
    'PREDICT for the Postgres you already have: a proxy that adds one statement and passes everything else on.',
  )
  .version(version, '-V, --version')

const serve = program
  .command('serve', { isDefault: true })
  .description('put the proxy before a database (this is what runs without a command)')
  .option('-u, --upstream <url>', 'the database, as a connection URL (or PGPREDICT_UPSTREAM, or DATABASE_URL)')
  .option('-l, --listen <host:port>', 'where clients connect (default: 127.0.0.1:6543)')
  .option('--socket-dir <folder>', 'also on a Unix socket in this folder')
  .option('--listen-ws <host:port>', 'also for Postgres over WebSocket')
  .option('--workers <number>', 'processes that carry sessions (default: one a core)')
  .option('--max-connections <number>', 'sessions at a time (default: as many as the database takes)')
  .option('--max-message <megabytes>', 'of one message of a client (default: as much as the database takes)')
  .option('--idle-timeout <seconds>', 'end sessions that are idle for so long (default: never)')
  .option('--login-timeout <seconds>', 'time to log in (default: 60)')
  .option('-c, --config <file>', 'settings (default: pgpredict.toml, if there is one)')
  .option('--tls-cert <file>', 'certificate for clients that ask for TLS')
  .option('--tls-key <file>', 'its private key')
  .option('--infer-links', 'use links that no foreign key declares, where the data supports them')
  .option('--model <folder>', 'a pre-trained network beside the models fitted to each question; needs onnxruntime-node')
  .option('--log-level <level>', 'silent, error, warn, info, debug or trace (default: warn)')
  .option('--no-report', 'do not look at the database at start-up')
  .option('--check-config', 'print the settings in force, and stop')
  .action(async flags => (await import('./serve.js')).serve(flags, output))

program.addHelpText('after', () => {
  const [, options] = serve.helpInformation().split('Options:\n')
  return `\nOptions of serve, which need no command before them:\n${options}`
})

program
  .command('demo')
  .description('a Postgres with a made-up shop, the proxy before it, and queries to paste')
  .option('-l, --listen <host:port>', 'where clients connect (default: 127.0.0.1:6543, or a free port)')
  .option('--seed <number>', 'another shop for every number', whole, 1)
  .option('--users <number>', 'size of the shop', whole, 5000)
  .action(async flags => (await import('./demo.js')).demo(flags, output))

program
  .command('sql')
  .description('run one statement through the proxy and print what it gives')
  .argument('<statement>')
  .option('--url <url>', 'where to run it (or PGPREDICT_URL; default: the proxy of pgpredict.toml)')
  .option('--timing', 'say how long it took')
  .action(async (statement: string, flags: { url?: string; timing?: boolean }) => {
    const { runSql } = await import('./sql.js')
    process.exitCode = await runSql(statement, { url: flags.url ?? (await defaultUrl()), timing: flags.timing }, output)
  })

for (const [name, description] of [
  ['init', 'make the optional schema predict: a catalogue of predictions, settings, and who may PREDICT'],
  ['uninstall', 'take the schema predict away again'],
] as const)
  program
    .command(name)
    .description(description)
    .option(
      '--url <url>',
      'the database (default: PGPREDICT_UPSTREAM, DATABASE_URL, or the upstream of pgpredict.toml)',
    )
    .option('-c, --config <file>', 'settings (default: pgpredict.toml, if there is one)')
    .action(async ({ url, config }: { url?: string; config?: string }) => {
      const schema = await import('./schema.js')
      const upstream = url ? parseUpstream(url, '--url', process.env) : loadConfig({ config }).upstream
      process.exitCode = await schema[name](upstream, output)
    })

program
  .command('healthcheck')
  .description('exit with 0 if the proxy and the database behind it answer')
  .option('-l, --listen <host:port>', 'where the proxy listens (default: PGPREDICT_LISTEN, or 127.0.0.1:6543)')
  .action(async (flags: { listen?: string }) => {
    const { checkHealth } = await import('./healthcheck.js')
    const address = parseAddress(flags.listen ?? process.env.PGPREDICT_LISTEN ?? '127.0.0.1:6543', '--listen')
    const everywhere = address.host === '0.0.0.0' || address.host === '::'
    const problem = await checkHealth(everywhere ? { ...address, host: '127.0.0.1' } : address)
    if (problem) output.err(`pgpredict: ${problem}`)
    process.exitCode = problem ? 1 : 0
  })

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is needed.')
  return Number(text)
}

async function defaultUrl(): Promise<string> {
  if (process.env.PGPREDICT_URL) return process.env.PGPREDICT_URL
  const { proxyUrl } = await import('./report.js')
  const { listen, upstream } = loadConfig({})
  return proxyUrl(listen.host, listen.port, upstream.user, upstream.database)
}

program.parseAsync().catch((error: unknown) => {
  output.err(`pgpredict: ${error instanceof Error ? error.message : String(error)}`)
  if (error instanceof ConfigError && error.hint) output.err(error.hint)
  process.exit(error instanceof ConfigError ? 2 : 1)
})
