// The inference process is killed again and again while sessions ask: what was in flight errs, its session goes on and is answered as
// before, and ordinary queries notice nothing.

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { connect, startPostgres } from '../../bench/lib/postgres.js'
import { family } from '../../bench/lib/process-table.js'
import { startProxy } from '../../bench/lib/proxy.js'
import { writeShop } from '../../src/demo/shop.js'
import type { Findings } from './findings.js'

const USERS = 500
/** Asked anew each time, so that there is work to be killed in. */
const ask = (seed: number) =>
  `SELECT count(*)::int AS n, sum(probability) AS sum FROM (PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.user_id WITH (seed = ${seed})) p`
const SEEDS = 4
const PATIENCE = 60_000

export async function soakInference(kills: number, findings: Findings): Promise<void> {
  const server = await startPostgres()
  const url = await server.createDatabase('shop')
  const loader = await connect(url)
  await writeShop(loader, { seed: 41, now: new Date('2026-03-05T13:07:00Z'), users: USERS })
  await loader.end()
  const proxy = await startProxy(url, ['--workers', '2'])
  const isInference = (pid: number) => {
    try {
      return /infer\/process\/main/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    } catch {
      return false
    }
  }
  /** Looked for again when one of them dies meanwhile. */
  const processes = (): number[] => {
    try {
      return family(proxy.pid)
    } catch {
      return processes()
    }
  }
  const inference = () => processes().filter(isInference)
  const carriers = () => processes().filter(pid => !isInference(pid))
  const descriptors = () => carriers().map(pid => readdirSync(`/proc/${pid}/fd`).length)
  try {
    const wire = carriers()
    const references = new Map<number, string>()
    const first = await connect(proxy.url('shop'))
    for (let seed = 0; seed < SEEDS; seed++) references.set(seed, JSON.stringify((await first.query(ask(seed))).rows))
    await first.end()
    const start = descriptors()
    let over = false
    const errors = new Map<string, number>()
    let [answered, failed, ordinary, slowest] = [0, 0, 0, 0]

    /** Asks until it is over; an error is one that a killed process explains, and the session goes on. */
    const predict = async (client: pg.Client, from: number) => {
      for (let i = from; !over; i++) {
        const seed = i % SEEDS
        try {
          const { rows } = await client.query(ask(seed))
          answered++
          if (JSON.stringify(rows) !== references.get(seed))
            findings.add(`another answer after a kill: ${JSON.stringify(rows)}`)
        } catch (error) {
          failed++
          const { code, message } = error as { code?: string; message: string }
          errors.set(`${code}: ${message}`, (errors.get(`${code}: ${message}`) ?? 0) + 1)
          const { rows } = await client.query('SELECT 1 AS one')
          if (rows[0].one !== 1) findings.add('a session is not itself after an error')
        }
      }
    }
    const ordinarily = async (client: pg.Client) => {
      for (let i = 0; !over; i++, ordinary++) {
        const before = performance.now()
        const { rows } = await client.query('SELECT $1::int AS i, count(*)::int AS n FROM users', [i])
        slowest = Math.max(slowest, performance.now() - before)
        if (rows[0].i !== i || rows[0].n !== USERS) findings.add(`an ordinary query got ${JSON.stringify(rows)}`)
        await sleep(5)
      }
    }
    const clients = await Promise.all(Array.from({ length: 5 }, () => connect(proxy.url('shop'))))
    for (const client of clients) client.on('error', error => findings.add(`a session was lost: ${error.message}`))
    const work = [
      ...clients.slice(0, 3).map((client, i) => predict(client, i)),
      ...clients.slice(3).map(client => ordinarily(client)),
    ].map(one => one.catch(error => findings.add(`a session was lost: ${error.message}`)))
    let killed = 0
    for (let last = ''; killed < kills && !findings.enough; ) {
      const until = Date.now() + PATIENCE
      while (inference().join() === last || inference().length === 0) {
        if (Date.now() > until) throw new Error('the inference process is not started again')
        await sleep(20)
      }
      // from its first moment to amid an answer
      await sleep(Math.random() * 1500)
      const pids = inference()
      last = pids.join()
      for (const pid of pids) process.kill(pid, 'SIGKILL')
      killed += pids.length
      if (killed % 10 === 0)
        findings.progress(
          `${killed} kills, ${answered} predictions answered, ${failed} failed, ${ordinary} ordinary queries`,
        )
    }
    await sleep(2000)
    over = true
    await Promise.all(work)
    await Promise.all(clients.map(client => client.end()))
    const last = await connect(proxy.url('shop'))
    for (const [seed, reference] of references)
      if (JSON.stringify((await last.query(ask(seed))).rows) !== reference) findings.add('the last answer is another')
    await last.end()
    await sleep(1000)
    const end = descriptors()
    if (carriers().join() !== wire.join()) findings.add('a process that carries sessions was replaced')
    if (Math.max(...end) > Math.max(...start) + 1) findings.add(`descriptors grew from ${start} to ${end}`)
    if (failed === 0) findings.add('no prediction was in flight when the process was killed')
    findings.note(
      `inference process killed ${killed} times: ${answered} predictions answered, ${failed} failed (${[...errors].map(([what, n]) => `${n} of ${what}`).join('; ')}), ${ordinary} ordinary queries, the slowest ${Math.round(slowest)} ms; descriptors ${start} before, ${end} after`,
    )
  } finally {
    await proxy.stop()
    await server.stop()
  }
}
