// One run of pgbench, and what it measured.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { run } from './run.js'
import { quantile } from './stats.js'

export interface PgbenchRun {
  readonly port: number
  readonly database: string
  readonly mode: 'simple' | 'extended' | 'prepared'
  readonly clients: number
  readonly seconds: number
  /** Scripts as `file@weight`; the built-in SELECT without them. */
  readonly scripts?: readonly string[]
  /** Write down each latency: costs pgbench a little, so on both sides of a ratio or on neither. */
  readonly latencies?: boolean
}

export interface PgbenchResult {
  readonly tps: number
  readonly transactions: number
  /** Latency quantiles in microseconds; NaN unless asked for. */
  readonly p50: number
  readonly p99: number
}

export async function initialisePgbench(port: number, database: string, scale: number): Promise<void> {
  await run('pgbench', ['-i', '-q', '-s', String(scale), ...connection(port), database])
}

export async function pgbench(options: PgbenchRun): Promise<PgbenchResult> {
  const { port, database, mode, clients, seconds, scripts, latencies } = options
  const folder = latencies ? await mkdtemp(path.join(tmpdir(), 'pgpredict-pgbench-')) : null
  try {
    const work = scripts ? scripts.flatMap(script => ['-f', script]) : ['-S']
    const load = ['-n', '-M', mode, '-c', String(clients), '-j', String(Math.min(clients, 2)), '-T', String(seconds)]
    const log = folder ? ['-l', `--log-prefix=${path.join(folder, 'log')}`] : []
    const text = await run('pgbench', [...work, ...load, ...log, ...connection(port), database])
    const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1])
    const microseconds = folder ? await readLatencies(folder) : []
    return {
      tps: number(/tps = ([\d.]+)/),
      transactions: number(/actually processed: (\d+)/),
      p50: quantile(microseconds, 0.5),
      p99: quantile(microseconds, 0.99),
    }
  } finally {
    if (folder) await rm(folder, { recursive: true, force: true })
  }
}

const connection = (port: number): string[] => ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres']

/** The third field of a line is the transaction's time. */
async function readLatencies(folder: string): Promise<number[]> {
  const files = await Promise.all((await readdir(folder)).map(name => readFile(path.join(folder, name), 'utf8')))
  return files.flatMap(text =>
    text
      .split('\n')
      .filter(Boolean)
      .map(line => Number(line.split(' ')[2])),
  )
}
