// LIMIT above an answer: how many of its rows anybody can see.

import t from 'tap'
import type { Task } from '../../src/pql/task.js'
import { firstOf, firstRows } from '../../src/rewrite/first-rows.js'
import { parseSql } from '../../src/rewrite/postgres-parser.js'

const ANSWER =
  '(SELECT user_id, p FROM ROWS FROM (pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::bool[])) AS pgpredict_1(user_id, p))'

/** Rows of the answer, and what they are joined with; null where all are needed. */
const seen = async (sql: string) => {
  const outcome = await parseSql(sql.replaceAll('ANSWER', ANSWER))
  if (outcome.kind !== 'tree') throw new Error(`${outcome.kind}: ${sql}`)
  return firstRows(outcome.statements[0]).get(1) ?? null
}

/** As many entities as a LIMIT takes, where $3 is 13, $4 14, and $5 not known. */
const first = async (sql: string) => {
  const task = { ids: { kind: 'each' }, kind: 'binary', entity: { table: {}, key: [] } } as unknown as Task
  return firstOf(task, (await seen(sql)) ?? undefined, param => (param === 5 ? null : param + 10))
}

t.test('rows that a query takes as they come', async t => {
  for (const [sql, rows] of [
    ['SELECT * FROM ANSWER p LIMIT 3', 3],
    ['SELECT p.user_id + 1 AS "next", upper FROM ANSWER p (user_id, upper) LIMIT 3', 3],
    ['SELECT * FROM ANSWER p LIMIT 3 OFFSET 4', 7],
    ['SELECT * FROM ANSWER p FETCH FIRST 3 ROWS ONLY', 3],
    ['SELECT * FROM (SELECT * FROM ANSWER p) "source" LIMIT 2000', 2000],
    ['SELECT * FROM (SELECT * FROM ANSWER p LIMIT 5) "source" LIMIT 2000', 5],
    ['SELECT count(*) FROM (SELECT * FROM ANSWER p LIMIT 5) x WHERE p', 5],
    ['SELECT * FROM users u, (SELECT * FROM ANSWER p LIMIT 5) x ORDER BY 1', 5],
    ['EXPLAIN SELECT * FROM ANSWER p LIMIT 3', 3],
    ['CREATE TABLE few AS SELECT * FROM ANSWER p LIMIT 3', 3],
    ['INSERT INTO few SELECT * FROM ANSWER p LIMIT 3', 3],
    ['DECLARE c CURSOR FOR SELECT * FROM ANSWER p LIMIT 3', 3],
    ['SELECT * FROM ANSWER p LIMIT $3', 13],
    ['SELECT * FROM ANSWER p LIMIT $3::int OFFSET 4', 17],
    ['SELECT * FROM (SELECT * FROM ANSWER p LIMIT $4) x LIMIT $3 OFFSET $3', 14],
    ['SELECT * FROM (SELECT * FROM ANSWER p LIMIT $5) x LIMIT 3', 3],
  ] as const)
    t.equal(await first(sql), rows, sql)
})

t.test('rows that something else chooses', async t => {
  for (const sql of [
    'SELECT * FROM ANSWER p',
    'SELECT * FROM ANSWER p OFFSET 3',
    'SELECT * FROM ANSWER p LIMIT 3::int',
    'SELECT * FROM ANSWER p LIMIT ALL',
    'SELECT * FROM ANSWER p WHERE p LIMIT 3',
    'SELECT * FROM ANSWER p ORDER BY 2 LIMIT 3',
    'SELECT * FROM (SELECT * FROM ANSWER p ORDER BY 2) x LIMIT 3',
    'SELECT * FROM (SELECT * FROM ANSWER p OFFSET 2) x WHERE p LIMIT 3',
    'SELECT p FROM ANSWER p GROUP BY 1 LIMIT 3',
    'SELECT DISTINCT p FROM ANSWER p LIMIT 3',
    'SELECT count(*) FROM ANSWER p LIMIT 3',
    'SELECT count(*) OVER () FROM ANSWER p LIMIT 3',
    'SELECT generate_series(1, 0) FROM ANSWER p LIMIT 3',
    'SELECT (SELECT 1) FROM ANSWER p LIMIT 3',
    'SELECT * FROM ANSWER p UNION ALL SELECT 1, true LIMIT 3',
    'SELECT * FROM ANSWER p, users LIMIT 3',
    'SELECT * FROM ANSWER p FOR UPDATE LIMIT 3',
    'WITH x AS (DELETE FROM users RETURNING 1) SELECT * FROM ANSWER p LIMIT 3',
    'SELECT * FROM ANSWER p ORDER BY 1 FETCH FIRST 3 ROWS WITH TIES',
    'SELECT * FROM (SELECT * FROM ANSWER p LIMIT 3) x JOIN ANSWER y USING (user_id)',
  ])
    t.equal(await seen(sql), null, sql)
})

t.test('a join with one table by columns of the same names is told', async t => {
  const joined = (table: string, schema: string | null = null) => ({
    limits: [{ rows: 3, params: [] }],
    joined: [{ schema, table, columns: ['user_id'] }],
  })
  for (const [sql, expected] of [
    ['SELECT * FROM users u JOIN ANSWER p USING (user_id) LIMIT 3', joined('users')],
    ['SELECT * FROM ANSWER p JOIN public.users USING (user_id) LIMIT 3', joined('users', 'public')],
    ['SELECT * FROM (SELECT u.country, p.p FROM users u JOIN ANSWER p USING (user_id)) v LIMIT 3', joined('users')],
    [
      'SELECT * FROM users u JOIN (SELECT q.user_id, q.p::text FROM (SELECT * FROM ANSWER p) q) c USING (user_id) LIMIT 3',
      null,
    ],
    [
      'SELECT * FROM users u JOIN (SELECT q.user_id, q.p::text AS sure FROM (SELECT * FROM ANSWER p) q) c USING (user_id) LIMIT 3',
      joined('users'),
    ],
    ['SELECT * FROM users u LEFT JOIN ANSWER p USING (user_id) LIMIT 3', null],
    ['SELECT * FROM users u JOIN ANSWER p ON u.user_id = p.user_id LIMIT 3', null],
    ['SELECT * FROM users u JOIN ANSWER p USING (user_id) WHERE u.country = $3 LIMIT 3', null],
    ['SELECT * FROM users u JOIN ANSWER p (p, user_id) USING (user_id) LIMIT 3', null],
    ['SELECT * FROM users u (user_id) JOIN ANSWER p USING (user_id) LIMIT 3', null],
    ['SELECT * FROM ONLY users u JOIN ANSWER p USING (user_id) LIMIT 3', null],
    ['SELECT * FROM users u TABLESAMPLE system (1) JOIN ANSWER p USING (user_id) LIMIT 3', null],
    ['SELECT * FROM users NATURAL JOIN ANSWER p LIMIT 3', null],
    ['SELECT * FROM users u JOIN (SELECT p AS user_id FROM ANSWER p) p USING (user_id) LIMIT 3', null],
    [
      'WITH users AS (SELECT 1 AS user_id) SELECT * FROM (SELECT * FROM users JOIN ANSWER p USING (user_id) LIMIT 3) x',
      null,
    ],
    [
      'WITH users AS (SELECT 1 AS user_id) SELECT * FROM (SELECT * FROM public.users JOIN ANSWER p USING (user_id) LIMIT 3) x',
      joined('users', 'public'),
    ],
  ] as const)
    t.same(await seen(sql), expected, sql)
})
