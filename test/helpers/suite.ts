// Runs the suite: one Postgres for all test files, tap over them (or over the files named), and the counts as the last line.

import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startPostgres } from './postgres.js'

const failedBefore = Number(process.env.PGPREDICT_FAILED_CHECKS ?? 0)
const postgres = await startPostgres({})
const scratch = await mkdtemp(path.join(tmpdir(), 'pgpredict-suite-'))
const report = path.join(scratch, 'report.tap')
try {
  const code = await run('tap', ['run', '--reporter=dot', `--output-file=${report}`, ...process.argv.slice(2)])
  const text = await readFile(report, 'utf8').catch(() => '')
  console.log() // the reporter leaves the cursor within a line
  for (const skip of skipped(text)) console.log(`skipped: ${skip}`)
  const counts = summary(text)
  // a crash of the runner itself leaves no count behind, and must not read as success
  const failed = counts.failed === 0 && code !== 0 ? 1 : counts.failed
  console.log(`${counts.passed} passed, ${failed + failedBefore} failed`)
  process.exitCode = failed + failedBefore === 0 && counts.passed > 0 ? 0 : 1
} finally {
  await postgres.stop()
  await rm(scratch, { recursive: true, force: true })
}

function run(program: string, args: string[]): Promise<number> {
  const child = spawn(path.join('node_modules', '.bin', program), args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PGPREDICT_TEST_URL: postgres.url() },
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve(code ?? 1))
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal))
  })
}

/** Names and reasons of skipped tests, each once. */
function skipped(tap: string): string[] {
  const found = [...tap.matchAll(/^\s*ok \d+ - (.*?) # SKIP ?(.*)$/gim)].map(([, name, why]) =>
    why ? `${name} (${why})` : name,
  )
  return [...new Set(found)]
}

/** The counts in tap's own closing comment, e.g. `# { total: 14, pass: 11, fail: 2, skip: 1 }`. */
function summary(tap: string): { passed: number; failed: number } {
  const line = [...tap.matchAll(/^# (\{ total: .*\})$/gm)].at(-1)?.[1] ?? ''
  const count = (key: string) => Number(new RegExp(`\\b${key}: (\\d+)`).exec(line)?.[1] ?? 0)
  return { passed: count('pass'), failed: count('fail') }
}
