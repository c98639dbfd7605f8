// Simple Query messages, ours and others', answered as the simple protocol answers.

import t from 'tap'
import { proxied } from './support/proxied.js'
import { error, type Message, transcript } from './support/raw-client.js'

const house = await proxied(t)

const errorIn = (messages: Message[]) => error(messages.find(({ type }) => type === 'E')!)

t.test('ordinary statements pass as they are', async t => {
  const client = await house.raw(t)
  t.equal(transcript(await client.query('SELECT 1 AS a')), 'T D(1) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.query('')), 'I Z(I)')
  t.equal(transcript(await client.query('SELECT 1; SELECT 2')), 'T D(1) C(SELECT 1) T D(2) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.query("SELECT 'not a predict' AS a")), 'T D(not a predict) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.query('SELECT 1 AS predict; SELECT 2')), 'T D(1) C(SELECT 1) T D(2) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.query('PREDICT NOTHING')), 'E(42601) Z(I)')
})

t.test('a PREDICT is answered like any query', async t => {
  const client = await house.raw(t)
  t.equal(transcript(await client.query('PREDICT 3')), 'T D(1) D(2) D(3) C(SELECT 3) Z(I)')
  t.equal(transcript(await client.query('predict 0;')), 'T C(SELECT 0) Z(I)')
  t.equal(transcript(await client.query('PREDICT 3, ORDER BY x DESC LIMIT 1')), 'T D(3) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.query('PREDICT 2 CACHED')), 'T D(1) D(2) C(SELECT 2) Z(I)')
  t.equal(transcript(await client.query('PREDICT 2 DANGLE')), 'T D(1) D(2) C(SELECT 2) Z(I)')
})

t.test('it leaves nothing on the session but what the rewriter keeps prepared', async t => {
  const client = await house.raw(t)
  await client.query('PREDICT 2')
  await client.query('PREDICT 2 CACHED')
  await client.query('PREDICT 5 CACHED')
  const names = await client.query('SELECT name FROM pg_prepared_statements')
  t.match(transcript(names), /^T D\(pgpredict_s\d+\) C\(SELECT 1\) Z\(I\)$/)
  await client.query('BEGIN')
  await client.query('PREDICT 2')
  t.equal(transcript(await client.query('SELECT count(*) FROM pg_cursors')), 'T D(0) C(SELECT 1) Z(T)')
})

t.test(
  'a cached helper statement is prepared again after DISCARD ALL, DEALLOCATE and a change of its table',
  async t => {
    const client = await house.raw(t)
    const twice = 'T D(1) D(2) C(SELECT 2) Z(I)'
    t.equal(transcript(await client.query('PREDICT 2 CACHED')), twice)
    for (const sql of ['DISCARD ALL', 'DEALLOCATE ALL']) {
      await client.query(sql)
      t.equal(transcript(await client.query('PREDICT 2 CACHED')), twice, sql)
    }
    const [row] = (await client.query('SELECT name FROM pg_prepared_statements')).filter(({ type }) => type === 'D')
    await client.query(`DEALLOCATE ${row.body.toString('latin1', 6)}`)
    t.equal(transcript(await client.query('PREDICT 2 CACHED')), twice, 'deallocated behind our back')

    await client.query('CREATE TABLE changing (a int)')
    const kept = "PREDICT 1 KEPT 'SELECT * FROM changing'"
    t.equal(transcript(await client.query(kept)), 'T D(1) C(SELECT 1) Z(I)')
    await client.query('ALTER TABLE changing ADD b int')
    t.equal(transcript(await client.query(kept)), 'T D(1) C(SELECT 1) Z(I)', 'prepared again')
    await client.query('ALTER TABLE changing ADD c int')
    await client.query('BEGIN')
    t.equal(transcript(await client.query(kept)), 'E(0A000) Z(E)', 'within a transaction the failure is one')
    await client.query('ROLLBACK')
    t.equal(transcript(await client.query(kept)), 'T D(1) C(SELECT 1) Z(I)')
  },
)

t.test('helper statements kept prepared are bounded', async t => {
  const client = await house.raw(t)
  for (let i = 0; i < 40; i++) await client.query(`PREDICT 1 KEPT 'SELECT ${i}'`)
  t.equal(transcript(await client.query('SELECT count(*) FROM pg_prepared_statements')), 'T D(32) C(SELECT 1) Z(I)')
})

t.test('transactions are the server’s', async t => {
  const client = await house.raw(t)
  t.equal(transcript(await client.query('BEGIN')), 'C(BEGIN) Z(T)')
  t.equal(transcript(await client.query('PREDICT 1')), 'T D(1) C(SELECT 1) Z(T)')
  t.equal(transcript(await client.query('PREDICT 1 FAIL')), 'E(22023) Z(E)')
  const failed = await client.query('PREDICT 1')
  t.equal(transcript(failed), 'E(25P02) Z(E)')
  t.match(errorIn(failed).M, /current transaction is aborted/)
  t.equal(transcript(await client.query('ROLLBACK')), 'C(ROLLBACK) Z(I)')
})

t.test('a failed transaction can be left and a prediction made in one string', async t => {
  const client = await house.raw(t)
  await client.query('BEGIN; SELECT 1/0')
  t.equal(transcript(await client.query('ROLLBACK; PREDICT 1')), 'C(ROLLBACK) T D(1) C(SELECT 1) Z(I)')
})

t.test('an error of ours carries every field, its position in characters of what the client sent', async t => {
  const client = await house.raw(t)
  const fields = errorIn(await client.query('PREDICT 1 FAIL'))
  t.same(fields, {
    S: 'ERROR',
    V: 'ERROR',
    C: '22023',
    M: 'will not predict',
    D: 'asked for 1',
    H: 'PREDICT 1',
  })
  const syntax = errorIn(await client.query("SELECT '𝄞é'; PREDICT nonsense"))
  t.match(syntax, { C: '42601', P: String("SELECT 'xx'; PREDICT n".length) })
})

t.test('an error of the rewritten statement points into the client’s own text, or nowhere', async t => {
  const client = await house.raw(t)
  const sql = 'PREDICT 1, ORDER BY nosuch'
  t.match(errorIn(await client.query(sql)), { C: '42703', P: String(sql.indexOf('nosuch') + 1) })
  const string = `SELECT 'ü'; ${sql}`
  t.match(errorIn(await client.query(string)), { C: '42703', P: String(string.indexOf('nosuch') + 1) })
  const table = 'PREDICT 1; CREATE TABLE later (a nosuchtype)'
  t.match(errorIn(await client.query(table)), { C: '42704', P: String(table.indexOf('nosuchtype') + 1) })
})

t.test('a helper query that the server refuses fails the statement with the server’s own words', async t => {
  const client = await house.raw(t)
  const answer = await client.query("PREDICT 1 QUERY 'SELECT * FROM nosuch'")
  t.equal(transcript(answer), 'E(42P01) Z(I)')
  t.match(errorIn(answer).M, /relation "nosuch" does not exist/)
  t.notOk('P' in errorIn(answer))
  t.equal(transcript(await client.query('PREDICT 1 REFUSED')), 'E(22012) Z(I)', 'even when the rewriter ignores it')
  t.equal(transcript(await client.query('PREDICT 1')), 'T D(1) C(SELECT 1) Z(I)')
})

t.test('several statements in a string are one transaction', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TABLE log (a int)')
  t.equal(
    transcript(await client.query('INSERT INTO log VALUES (1); PREDICT 2; SELECT 7; ;')),
    'C(INSERT 0 1) T D(1) D(2) C(SELECT 2) T D(7) C(SELECT 1) Z(I)',
  )
  t.equal(transcript(await client.query('INSERT INTO log VALUES (2); PREDICT 2 FAIL')), 'C(INSERT 0 1) E(22023) Z(I)')
  t.equal(
    transcript(await client.query('INSERT INTO log VALUES (3); SELECT 1/0; PREDICT 2')),
    'C(INSERT 0 1) E(22012) Z(I)',
  )
  t.equal(
    transcript(await client.query('PREDICT 1; INSERT INTO log VALUES (4); SELECT 1/0')),
    'T D(1) C(SELECT 1) C(INSERT 0 1) E(22012) Z(I)',
  )
  t.equal(transcript(await client.query('SELECT a FROM log')), 'T D(1) C(SELECT 1) Z(I)')
})

t.test('a string may begin and end its own transaction', async t => {
  const client = await house.raw(t)
  t.equal(
    transcript(await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE; PREDICT 1; COMMIT; PREDICT 2')),
    'C(BEGIN) T D(1) C(SELECT 1) C(COMMIT) T D(1) D(2) C(SELECT 2) Z(I)',
  )
  t.equal(transcript(await client.query('BEGIN; PREDICT 1')), 'C(BEGIN) T D(1) C(SELECT 1) Z(T)')
  t.equal(transcript(await client.query('COMMIT')), 'C(COMMIT) Z(I)')
})

t.test('a statement may need what an earlier one of its string makes', async t => {
  const client = await house.raw(t)
  t.equal(
    transcript(await client.query("CREATE TABLE fresh (); PREDICT 1 QUERY 'SELECT * FROM fresh'")),
    'C(CREATE TABLE) T D(1) C(SELECT 1) Z(I)',
  )
})

t.test('what cannot share a string with PREDICT is refused before anything has run', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TABLE kept (a int)')
  for (const other of ['VACUUM', '/* x */ CREATE DATABASE nope', 'COPY kept FROM STDIN', 'COPY kept (a)\n TO STDOUT']) {
    const answer = await client.query(`INSERT INTO kept VALUES (1); PREDICT 1; ${other}`)
    t.equal(transcript(answer), 'E(0A000) Z(I)', other)
    t.match(errorIn(answer).H, /query of its own/)
  }
  t.equal(transcript(await client.query('SELECT * FROM kept')), 'T C(SELECT 0) Z(I)')
})

t.test('pipelined queries are answered in order', async t => {
  const client = await house.raw(t)
  const q = (sql: string) => Buffer.concat([Buffer.from([0x51, 0, 0, 0, sql.length + 5]), Buffer.from(`${sql}\0`)])
  client.send(q('SELECT 1'), q('PREDICT 2'), q('SELECT 1/0'), q('PREDICT 1'), q('SELECT 4'))
  const all: string[] = []
  for (let i = 0; i < 5; i++) all.push(transcript(await client.ready()))
  t.same(all, [
    'T D(1) C(SELECT 1) Z(I)',
    'T D(1) D(2) C(SELECT 2) Z(I)',
    'E(22012) Z(I)',
    'T D(1) C(SELECT 1) Z(I)',
    'T D(4) C(SELECT 1) Z(I)',
  ])
})

t.test('notices reach the client at the levels that it asked for', async t => {
  const client = await house.raw(t)
  t.equal(transcript(await client.query('PREDICT 1 NOTICE')), 'N(01PQ1) N(01PQ2) T D(1) C(SELECT 1) Z(I)')
  await client.query('SET client_min_messages = warning')
  t.equal(transcript(await client.query('PREDICT 1 NOTICE')), 'N(01PQ2) T D(1) C(SELECT 1) Z(I)')
  await client.query('SET client_min_messages = error')
  t.equal(transcript(await client.query('PREDICT 1 NOTICE')), 'T D(1) C(SELECT 1) Z(I)')
})

t.test('text in other encodings is read where it can be, and refused with a hint where it cannot', async t => {
  const client = await house.raw(t)
  await client.query('SET client_encoding = LATIN1')
  const bytes = (text: string) => {
    const sql = Buffer.from(`${text}\0`, 'latin1')
    return Buffer.concat([Buffer.from([0x51, 0, 0, 0, sql.length + 4]), sql])
  }
  const sql = "PREDICT 1, WHERE 'é' <> 'è' ORDER BY nosuch"
  client.send(bytes(sql))
  t.match(errorIn(await client.ready()), { C: '42703', P: String(sql.indexOf('nosuch') + 1) })
  await client.query('SET client_encoding = SJIS')
  t.equal(transcript(await client.query('PREDICT 1')), 'T D(1) C(SELECT 1) Z(I)')
  client.send(bytes("PREDICT 1, WHERE '\x82\xa0' = 'a'"))
  t.match(errorIn(await client.ready()), { C: '0A000', H: "SET client_encoding = 'UTF8'" })
  client.send(bytes("SELECT '\x82\xa0' AS predict"))
  t.equal(transcript((await client.ready()).filter(({ type }) => type !== 'D')), 'T C(SELECT 1) Z(I)')
})
