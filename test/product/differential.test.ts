// A hundred random queries around PREDICT, each compared with what Postgres says when the same predictions stand in a table.

import t from 'tap'
import { startShop } from '../helpers/scene.js'
import { type Question, randomQuery, type Spelling } from './random-sql.js'

const QUERIES = 100
const FIRST_SEED = Number(process.env.PGPREDICT_SEED ?? 1)

const { client, direct } = await startShop(t, { seed: 47, users: 160 })

const TARGETS: Record<Question, string> = {
  churn: 'COUNT(orders.*, 0, 30, days) = 0',
  spend: 'SUM(orders.total, 0, 30, days)',
}
const OPTIONS = "AS OF '2026-02-20' WITH (mode = fast, context_size = 800)"
const each = (question: Question) => `PREDICT ${TARGETS[question]} FOR EACH users.user_id ${OPTIONS}`

const asked: Spelling = {
  rows: (question, style) =>
    style === 0
      ? `predict($$ ${each(question)} $$)`
      : style === 1
        ? `(${each(question)})`
        : `(\n ${each(question).replaceAll(' ', '  ')} )`,
  rowOf: (question, key) => `LATERAL (PREDICT ${TARGETS[question]} FOR users.user_id = ${key} ${OPTIONS})`,
  value: (question, key) => `PREDICT(${TARGETS[question]} FOR users.user_id = ${key} ${OPTIONS})`,
  probability: key => `PREDICT_PROBABILITY(${TARGETS.churn} FOR users.user_id = ${key} ${OPTIONS})`,
}

const stored: Spelling = {
  rows: question => `(SELECT * FROM each_${question})`,
  rowOf: (question, key) => `LATERAL (SELECT * FROM all_${question} a WHERE a.user_id = ${key})`,
  value: (question, key) => `(SELECT a.prediction FROM all_${question} a WHERE a.user_id = ${key})`,
  probability: key => `(SELECT a.probability FROM all_churn a WHERE a.user_id = ${key})`,
}

for (const question of ['churn', 'spend'] as const) {
  await client.query(`CREATE TABLE each_${question} AS ${each(question)}`)
  const named = `FOR users.user_id IN (SELECT user_id FROM users)`
  await client.query(`CREATE TABLE all_${question} AS PREDICT ${TARGETS[question]} ${named} ${OPTIONS}`)
}

const rowsOf = async (on: typeof direct, text: string): Promise<string[]> => {
  const { rows } = await on.query({ text, rowMode: 'array' })
  const lines = rows.map(row => JSON.stringify(row))
  // without an ORDER BY over all it shows, a query may give its rows in any order
  return / ORDER BY 1[^)]*$/.test(text) ? lines : lines.toSorted()
}

t.test(`${QUERIES} random queries give what they give over a table of predictions`, async t => {
  let filled = 0
  for (let seed = FIRST_SEED; seed < FIRST_SEED + QUERIES; seed++) {
    const question = randomQuery(seed, asked)
    const expected = await rowsOf(direct, randomQuery(seed, stored))
    const found = await rowsOf(client, question).catch(error => [`${error.code}: ${error.message}`])
    if (expected.length > 0) filled++
    if (JSON.stringify(found) !== JSON.stringify(expected)) t.same(found, expected, `seed ${seed}: ${question}`)
  }
  t.ok(filled > QUERIES * 0.7, `${filled} of them have rows`)
})

t.test('whom a query can look at is never too few', async t => {
  const texts = ({ rows, rowOf, value }: Spelling) => [
    `SELECT u.user_id, v.user_id FROM users u JOIN ${rows('churn', 1)} p ON p.user_id = u.user_id RIGHT JOIN users v ON v.user_id = u.user_id + 3 WHERE u.country IS NULL`,
    `SELECT u.user_id, v.user_id FROM users u CROSS JOIN ${rowOf('churn', 'u.user_id')} p FULL JOIN users v ON v.user_id = u.user_id WHERE u.country IS NULL OR u.country = 'FR'`,
    `SELECT u.user_id, p.probability FROM users u LEFT JOIN ${rows('churn', 1)} p ON p.user_id = u.user_id AND u.country = 'FR'`,
    `SELECT p.user_id FROM ${rows('churn', 1)} p LEFT JOIN users u ON u.user_id = p.user_id AND u.user_id < 9 WHERE u.user_id IS NULL`,
    `SELECT count(*) FROM ${rows('churn', 1)} p WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.user_id = p.user_id AND u.user_id < 9)`,
    `SELECT p.user_id FROM users u, ${rows('churn', 1)} p WHERE p.user_id = u.user_id AND u.country = 'FR' AND p.user_id > 20`,
    `SELECT max(p.probability) FROM (SELECT user_id FROM users LIMIT 1000) u JOIN ${rows('churn', 1)} p USING (user_id)`,
    `SELECT * FROM (SELECT user_id, rank() OVER (ORDER BY probability, user_id) r FROM ${rows('churn', 1)} p) x WHERE user_id = 5`,
    `SELECT u.user_id, ${value('spend', 'v.user_id')} FROM users u LEFT JOIN users v ON v.user_id = u.user_id + 100 AND v.country = 'FR'`,
    `SELECT (SELECT ${value('spend', 'v.user_id')} FROM users v WHERE v.user_id = u.user_id + 1) FROM users u WHERE u.user_id < 5`,
    `SELECT u.country, (SELECT sum((${value('spend', 'v.user_id')})::numeric) FROM users v WHERE v.country = u.country) FROM users u GROUP BY 1`,
  ]
  const stores = texts(stored)
  for (const [i, text] of texts(asked).entries())
    t.same(await rowsOf(client, text), await rowsOf(direct, stores[i]), text)
})
