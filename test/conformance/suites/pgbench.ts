// pgbench's own transactions in each of its modes, by several clients at once, and pipelines of them. Its dice are given, so what the
// transactions leave behind must be the same, whatever order they came in.

import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ask, connect } from '../../../bench/lib/postgres.js'
import { hasProgram, mustRun, runAnyway } from '../programs.js'
import type { Outcome, Suite } from '../suite.js'

const CLIENTS = 8
const TRANSACTIONS = 500

/** `meta` commands of a pipeline are refused in simple mode. */
const PIPELINE = `\\set aid random(1, 100000)
\\set delta random(-5000, 5000)
\\startpipeline
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :aid, :delta, CURRENT_TIMESTAMP);
END;
\\endpipeline
`

/** What is left: sums and a digest of all rows but for their times. */
const LEFT = `SELECT concat_ws(' ',
  (SELECT md5(string_agg(aid || ':' || abalance, ',' ORDER BY aid)) FROM pgbench_accounts WHERE abalance <> 0),
  (SELECT string_agg(tbalance::text, ',' ORDER BY tid) FROM pgbench_tellers),
  (SELECT sum(bbalance) FROM pgbench_branches),
  (SELECT md5(string_agg(h, ',' ORDER BY h)) FROM (SELECT concat_ws(':', tid, bid, aid, delta) AS h FROM pgbench_history) x))`

export const pgbench: Suite = {
  about: "pgbench's transactions in each of its modes, and pipelines",
  path: null,
  missing: () => (hasProgram('pgbench') ? [] : ['pgbench is not installed']),
  async prepare(_, folder) {
    const pipeline = path.join(folder, 'pipeline.sql')
    await writeFile(pipeline, PIPELINE)
    return async ({ port }) => {
      const server = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres']
      const url = `postgres://postgres@127.0.0.1:${port}/bench`
      await connect(url.replace(/bench$/, 'postgres')).then(async client => {
        await client.query('CREATE DATABASE bench')
        await client.end()
      })
      const outcomes = new Map<string, Outcome>()
      const works: Record<string, readonly string[]> = {
        'tpcb-like': ['-b', 'tpcb-like'],
        'simple-update': ['-b', 'simple-update'],
        'select-only': ['-b', 'select-only'],
        'select-only, a connection each': ['-b', 'select-only', '-C'],
        pipeline: ['-f', pipeline],
      }
      for (const mode of ['simple', 'extended', 'prepared'])
        for (const [name, work] of Object.entries(works)) {
          if (name === 'pipeline' && mode === 'simple') continue
          await mustRun('pgbench', ['-i', '-q', ...server, 'bench'])
          const load = ['-n', '-M', mode, '-c', `${CLIENTS}`, '-j', '2', '-t', `${TRANSACTIONS}`, '--random-seed=7']
          const { code, output } = await runAnyway('pgbench', [...work, ...load, ...server, 'bench'])
          const all = CLIENTS * TRANSACTIONS
          const passed = code === 0 && output.includes(`actually processed: ${all}/${all}`)
          outcomes.set(`${mode}: ${name}`, { passed, evidence: await ask(url, LEFT) })
        }
      return outcomes
    }
  },
}
