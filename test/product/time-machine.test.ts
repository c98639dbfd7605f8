// AS OF is a time machine: asking today about a past moment is as good as having asked then, and nearly as good as one could.

import t from 'tap'
import { truth, writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const now = new Date('2026-03-05T13:07:00Z')
const users = 2300

async function shop(seed: number, asOf: Date): Promise<string> {
  const url = await postgres.createDatabase()
  const client = await connect(url)
  await writeShop(client, { seed, now, asOf, users })
  await client.end()
  return url
}

/** Probability by user. */
async function probabilities(database: string, clause: string): Promise<Map<number, number>> {
  const client = await product.connect(database)
  const { rows } = await client.query(
    `SELECT p.user_id::int AS id, p.probability FROM (PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.user_id ${clause}) p`,
  )
  await client.end()
  return new Map(rows.map(row => [row.id, row.probability]))
}

/** Chance that a positive scores above a negative, ties counting half. */
function auroc(scores: ReadonlyMap<number, number>, outcomes: ReadonlyMap<number, boolean>): number {
  const sorted = [...outcomes].map(([id, positive]) => ({ score: scores.get(id) ?? Number.NaN, positive }))
  sorted.sort((a, b) => a.score - b.score)
  let [ranks, positives] = [0, 0]
  for (let i = 0; i < sorted.length; ) {
    let end = i
    while (end < sorted.length && sorted[end]!.score === sorted[i]!.score) end++
    const tied = sorted.slice(i, end).filter(({ positive }) => positive).length
    ranks += (tied * (i + end + 1)) / 2
    positives += tied
    i = Math.max(end, i + 1)
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (sorted.length - positives))
}

const cases = [
  { seed: 1, at: new Date('2026-01-20T09:30:00Z') },
  { seed: 5, at: new Date('2025-12-08T21:00:00Z') },
]

for (const seed of new Set(cases.map(c => c.seed))) {
  const full = await shop(seed, now)
  for (const { at } of cases.filter(c => c.seed === seed)) {
    t.test(`seed ${seed}, ${at.toISOString()}: the past asked today and the past itself answer alike`, async t => {
      const client = await connect(full)
      const { rows } = await client.query(
        `SELECT user_id::int AS id, NOT EXISTS (SELECT FROM orders o WHERE o.user_id = u.user_id
           AND o.created_at > $1 AND o.created_at <= $1::timestamptz + interval '30 days') AS quiet
         FROM users u WHERE created_at <= $1`,
        [at],
      )
      await client.end()
      const outcomes = new Map<number, boolean>(rows.map(row => [row.id, row.quiet]))
      const [then, today] = [
        await probabilities(databaseOf(await shop(seed, at)), ''),
        await probabilities(databaseOf(full), `AS OF '${at.toISOString()}'`),
      ]
      t.same([...today.keys()].sort(), [...outcomes.keys()].sort(), 'AS OF scores exactly those who existed')
      t.same([...then.keys()].sort(), [...outcomes.keys()].sort())
      const known = truth({ seed, now, at, users, paths: 100 })
      const figures = [then, today, known].map(scores => auroc(scores, outcomes))
      const [past, asOf, best] = figures as [number, number, number]
      const [a, b, c] = figures.map(figure => figure.toFixed(4))
      t.comment(
        `AUROC of the database as of then ${a}, of today's AS OF ${b}, of the generator's own probabilities ${c}`,
      )
      t.ok(best > 0.7 && best < 0.99, 'the future is neither random nor plain')
      t.ok(Math.abs(past - asOf) <= 0.02, `${a} and ${b} agree within 0.02`)
      const worst = Math.min(past, asOf)
      t.ok(worst >= 0.95 * best, `${worst.toFixed(4)} is at least 0.95 of ${c}`)
    })
  }
}

t.test("today's status says nothing about the past, however long the window asked about", async t => {
  const client = await product.connect(databaseOf(await shop(1, now)))
  for (const days of [7, 90]) {
    const ask = `SELECT p.user_id::int AS id, p.prediction FROM (PREDICT COUNT(orders.*, 0, ${days}, days)
      FOR EACH users.user_id AS OF '2025-11-20' WITH (mode = fast)) p ORDER BY 1`
    // within a transaction that has written nothing is remembered, so that each answer is learned anew
    await client.query('BEGIN; SELECT pg_current_xact_id()')
    const { rows: before } = await client.query(ask)
    await client.query(
      `UPDATE users SET status = CASE status WHEN 'active' THEN 'dormant' WHEN 'dormant' THEN 'closed' ELSE 'active' END::user_status`,
    )
    const { rows: after } = await client.query(ask)
    await client.query('ROLLBACK')
    t.ok(before.length > 500)
    t.same(after, before, `${days} days`)
  }
  await client.end()
})
