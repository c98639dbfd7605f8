import t from 'tap'
import type { PgError } from '../../src/pg-error.js'
import { refuseBareVerb } from '../../src/rewrite/bare-verb.js'
import { FUNCTION_NAMES, functionNodes } from '../../src/rewrite/function-nodes.js'
import { findNodes } from '../../src/rewrite/nodes.js'
import { parseSql } from '../../src/rewrite/postgres-parser.js'
import { lexSql } from '../../src/rewrite/sql-lexer.js'

const Q = 'PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH users.user_id'
const find = (sql: string) =>
  findNodes(sql, lexSql(sql)).map(({ form, pql, start, end }) => ({ form, pql, same: sql.slice(start, end) === pql }))
const one = (form: string, pql = Q) => [{ form, pql, same: true }]
const refused = (sql: string): PgError => {
  try {
    findNodes(sql, lexSql(sql))
  } catch (error) {
    return error as PgError
  }
  throw new Error(`not refused: ${sql}`)
}

t.test('a PREDICT is found as a statement, alone or behind what takes a query', async t => {
  t.same(find(Q), one('statement'))
  t.same(find(`/* ' */ -- (\n ${Q} LIMIT 3`), one('statement', `${Q} LIMIT 3`))
  t.same(find(`DECLARE c CURSOR WITHOUT HOLD FOR ${Q}`), one('statement'))
  t.same(find(`CREATE TABLE x AS ${Q}`), one('statement'))
  t.same(find(`CREATE TEMP TABLE x (a, b, c, d) ON COMMIT DROP AS ${Q}`), one('statement'))
  t.same(find(`INSERT INTO x ${Q}`), one('statement'))
  t.same(find(`INSERT INTO x (a, b, c, d) ${Q}`), one('statement'))
  t.same(find(`EXPLAIN (COSTS off, FORMAT json) ${Q}`), one('statement'))
  t.same(find(`EXPLAIN ANALYZE VERBOSE ${Q}`), one('statement'))
})

t.test('a PREDICT is found in parentheses wherever a query may stand', async t => {
  for (const around of [
    'SELECT * FROM (?) AS p',
    'SELECT * FROM users u JOIN (?) p USING (user_id)',
    'SELECT * FROM users u, LATERAL (?) p',
    'WITH p AS (?) SELECT * FROM p',
    'WITH p AS MATERIALIZED (?) SELECT * FROM p',
    "SELECT ')' FROM t WHERE EXISTS (/* ) */ ? -- )\n )",
    'SELECT 1 WHERE 1 IN (SELECT user_id FROM (?) AS p)',
    'INSERT INTO x (?)',
    'CREATE TABLE x AS (?)',
    '(?) UNION ALL SELECT 1',
    'MERGE INTO t USING (?) AS p ON true WHEN MATCHED THEN DELETE',
  ])
    t.same(find(around.replace('?', Q)), one('table'), around)
  t.equal(find(`SELECT * FROM (${Q}) a JOIN (${Q}) b USING (user_id)`).length, 2)
})

t.test('a column, a type or a function called predict is none', async t => {
  for (const sql of [
    'SELECT predict FROM t',
    'SELECT (predict) FROM t',
    'SELECT count(predict), f(predict, 2), (predict + 1), (predict IS NULL) FROM t',
    'SELECT substring(predict FROM 1 FOR 2) FROM t',
    'SELECT array_agg(predict ORDER BY x) FROM t',
    'SELECT * FROM t WHERE (predict NOT IN (1)) AND (predict BETWEEN 1 AND 2)',
    'CREATE TABLE t (predict boolean, x int)',
    'INSERT INTO t (predict, x) VALUES (1, 2)',
    'INSERT INTO predict (x) VALUES (1)',
    'INSERT INTO t AS predict (x) VALUES (1)',
    'SELECT \'(PREDICT COUNT(a.*) FOR EACH a.b)\', $$ (PREDICT x FOR y.z) $$, "(PREDICT" FROM t -- (PREDICT x FOR y.z)',
    'SELECT predict(x) FROM t',
  ])
    t.same(find(sql), [], sql)
})

t.test('what is meant as ours and not answered yet says so', async t => {
  for (const sql of [
    `EXPLAIN ${Q}`,
    `EXPLAIN (CONTEXT) ${Q}`,
    `EVALUATE ${Q}`,
    `BACKTEST ${Q}`,
    `MONITOR ${Q}`,
    `SELECT * FROM (EVALUATE ${Q}) e`,
  ]) {
    const error = refused(sql)
    t.equal(error.code, '0A000', sql)
    t.match(error.message, /^(EXPLAIN|EVALUATE|BACKTEST|MONITOR) PREDICT is not answered yet$/)
    t.ok(error.hint)
    t.match(sql.slice(error.position), /^(EXPLAIN|EVALUATE|BACKTEST|MONITOR)/)
  }
  const sql = `SELECT * FROM (PREDICT COUNT(o.*, 0, 1, days) FOR u.id IN (SELECT user_id FROM (${Q}) p)) q`
  t.match(refused(sql), { code: '0A000', position: sql.indexOf(Q) })
  t.match(refused(`SELECT * FROM (${Q}`), { code: '42601', message: 'syntax error at end of input' })
})

t.test('PREDICT as a value is told what it lacks, and a function of that name is left alone', async t => {
  const sql = 'SELECT PREDICT(COUNT(sessions.*, 0, 30, days)) FROM users'
  const { code, position, hint } = refused(sql)
  t.same(
    [code, position, hint],
    ['42601', sql.indexOf(') FROM'), 'Write: PREDICT(… FOR table.key), the key of the row at hand.'],
  )
  for (const own of [
    'SELECT predict(count(amount)) FROM t',
    'SELECT predict(avg(a), b) FROM t',
    'SELECT s.predict(sum(a, 0, 30))',
  ])
    t.same(find(own), [])
  t.match(find('SELECT * FROM (PREDICT (COUNT(orders.*, 0, 30, days) > 0) FOR EACH users.user_id) p'), [
    { form: 'table' },
  ])
  t.throws(() => refuseBareVerb('PREDICT_PROBABILITY(COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id = 1);'), {
    code: '42601',
    hint: 'Write: SELECT PREDICT_PROBABILITY(COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id = 1)',
  })
})

t.test('predict() in FROM holds its PQL in a string', async t => {
  const calls = async (sql: string) => {
    const outcome = await parseSql(sql)
    if (outcome.kind !== 'tree') throw new Error(`not SQL: ${sql}`)
    return functionNodes(sql, sql, lexSql(sql), outcome.statements).nodes(FUNCTION_NAMES)
  }
  const body = "COUNT(orders.* WHERE orders.status = 'é', 0, 30, days) FOR EACH users.user_id"
  for (const [written, exact] of [
    [`$$ PREDICT ${body} $$`, true],
    [`$é$ ${body} $é$`, true],
    [`'${body.replaceAll("'", "''")}'`, true],
    [`E'${body.replaceAll("'", "\\'")}'`, false],
    [`$$${body}$$::text`, true],
  ] as const) {
    const sql = `SELECT 'é𝒳', p.* FROM t JOIN predict(${written}, mode => 'best', seed := 7, timing => true) AS p ON true`
    const [node] = await calls(sql)
    t.match(node, { form: 'function', alias: null }, written)
    t.equal(sql.slice(node.start, node.end).slice(0, 8), 'predict(')
    t.equal(sql[node.end - 1], ')')
    t.match(node.pql, /^\s*PREDICT /)
    const at = node.pql.indexOf('users')
    t.equal(sql.slice(node.toClient(at)).startsWith('users'), exact)
    t.match(node.options, [
      { name: { text: 'mode' }, value: { kind: 'string', text: 'best' } },
      { name: { text: 'seed' }, value: { kind: 'number', text: '7' } },
      { name: { text: 'timing' }, value: { kind: 'bool', value: true } },
    ])
    t.ok(sql.slice(node.toClient(node.options[1].start)).startsWith('seed'))
  }
  t.equal((await calls(`SELECT * FROM predict($$${body}$$)`))[0].alias, 'predict')
  t.equal((await calls(`SELECT * FROM PREDICT_ROWS($$${body}$$)`))[0].alias, 'predict_rows', 'as sqlglot writes it')
  t.same(await calls("SELECT predict('x'), s.predict('y') FROM my.predict('z'), t"), [])
  for (const bad of [
    'predict($1)',
    "predict('x') WITH ORDINALITY",
    "ROWS FROM (predict('x'))",
    "predict('x', 'y')",
    "predict('x', mode => lower('FAST'))",
  ])
    await t.rejects(calls(`SELECT * FROM ${bad}`), { code: '0A000', position: /\d+/ as unknown as number }, bad)
})

t.test('a parser that overflowed is replaced, and goes on reading', async t => {
  const deep = `SELECT ${'1+'.repeat(50_000)}1`
  for (let i = 0; i < 20; i++) {
    t.equal((await parseSql(deep)).kind, 'too deep')
    t.equal((await parseSql('SELECT 1')).kind, 'tree')
  }
  const wrong = "SELECT 'é𝒳' x FROM WHERE"
  t.match(await parseSql(wrong), {
    kind: 'error',
    position: wrong.indexOf('WHERE'),
    message: 'syntax error at or near "WHERE"',
  })
})
