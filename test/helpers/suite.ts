// Runs the suite: one Postgres for all test files, tap over them (or over the files named), and the counts as the last line.

import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { startPostgres } from './postgres.js'

const failedBefore = Number(process.env.PGPREDICT_FAILED_CHECKS ?? 0)
const postgres = await startPostgres({})
try {
  const { code, text } = await run(['run', '--reporter=tap', ...process.argv.slice(2)])
  for (const skip of skipped(text)) console.log(`skipped: ${skip}`)
  const counts = summary(text)
  // a crash of the runner itself leaves no count behind, and must not read as success
  const failed = counts.failed === 0 && code !== 0 ? 1 : counts.failed
  console.log(`${counts.passed} passed, ${failed + failedBefore} failed`)
  process.exitCode = failed + failedBefore === 0 && counts.passed > 0 ? 0 : 1
} finally {
  await postgres.stop()
}

/** Shows a line for each file as it ends, all of what failed, and whatever tests write to stderr. */
function run(args: string[]): Promise<{ code: number; text: string }> {
  const child = spawn(path.join('node_modules', '.bin', 'tap'), args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PGPREDICT_TEST_URL: postgres.url() },
  })
  const text: string[] = []
  let block: string[] = []
  createInterface(child.stdout).on('line', line => {
    text.push(line)
    if (/^(not )?ok \d/.test(line)) {
      if (line.startsWith('not'))
        for (const inner of block) if (!/^\s*(ok |#|1\.\.\d|$)/.test(inner)) console.log(inner)
      console.log(line)
      block = []
    } else block.push(line)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code: code ?? 1, text: text.join('\n') }))
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
