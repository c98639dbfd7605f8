// The drivers people use, each in its own way of speaking.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import Cursor from 'pg-cursor'
import postgres from 'postgres'
import t from 'tap'
import { connect } from '../helpers/postgres.js'
import { proxied } from './support/proxied.js'

const house = await proxied(t)

t.test('node-postgres: text, parameters, named statements, errors, transactions', async t => {
  const client = await connect(house.url)
  t.teardown(() => client.end())
  t.same((await client.query('PREDICT 2')).rows, [{ x: 1 }, { x: 2 }])
  t.same((await client.query('PREDICT $1', [1])).rows, [{ x: 1 }])
  for (let i = 0; i < 8; i++) {
    const { rows, rowCount } = await client.query({ name: 'named', text: 'PREDICT $1', values: [i] })
    t.equal(rowCount, i)
    t.equal(rows.length, i)
  }
  await t.rejects(client.query('PREDICT $1 FAIL', [1]), {
    code: '22023',
    message: 'will not predict',
    detail: 'asked for 1',
    hint: 'PREDICT 1',
  })
  await client.query('BEGIN')
  await t.rejects(client.query('PREDICT 1 FAIL'))
  await t.rejects(client.query('PREDICT 1'), { code: '25P02' })
  await client.query('ROLLBACK')
  const many = await Promise.all([
    client.query('PREDICT 1'),
    client.query('SELECT 2 AS x'),
    client.query('PREDICT $1', [3]),
  ])
  t.same(
    many.map(({ rows }) => rows.at(-1).x),
    [1, 2, 3],
  )
  const notices: string[] = []
  client.on('notice', notice => notices.push(String(notice.message)))
  await client.query('PREDICT 1 NOTICE')
  t.same(notices, ['a notice', 'a warning'])
})

t.test('node-postgres: LISTEN and NOTIFY go by predictions', async t => {
  const [listener, sender] = [await connect(house.url), await connect(house.url)]
  t.teardown(() => Promise.all([listener.end(), sender.end()]))
  const heard: (string | undefined)[] = []
  listener.on('notification', ({ payload }) => heard.push(payload))
  await listener.query('LISTEN channel')
  const predicting = listener.query('PREDICT 1 SLOW 100')
  await sender.query("NOTIFY channel, 'during'")
  await predicting
  await sender.query("NOTIFY channel, 'after'")
  while (heard.length < 2) await new Promise(resolve => setTimeout(resolve, 5))
  t.same(heard, ['during', 'after'])
})

t.test('pg-cursor: pages of a portal', async t => {
  const client = await connect(house.url)
  t.teardown(() => client.end())
  const cursor = client.query(new Cursor('PREDICT $1', [7]))
  const pages: number[] = []
  for (let rows = await cursor.read(3); rows.length > 0; rows = await cursor.read(3)) pages.push(rows.length)
  t.same(pages, [3, 3, 1])
  await cursor.close()
  t.same((await client.query('SELECT 1 AS a')).rows, [{ a: 1 }])
})

t.test('postgres.js: prepared, pipelined, paged, in transactions', async t => {
  const sql = postgres(house.url, { max: 1, onnotice() {} })
  t.teardown(() => sql.end())
  const x = (rows: readonly postgres.Row[]) => rows.map(row => row.x)
  for (let i = 0; i < 7; i++) t.same(x(await sql`PREDICT ${2}`), [1, 2])
  t.same(x(await sql.unsafe('PREDICT 2')), [1, 2])
  const all = await Promise.all([sql`PREDICT ${1}`, sql`SELECT 5 AS x`, sql`PREDICT ${3}`, sql`SELECT 6 AS x`])
  t.same(all.map(x), [[1], [5], [1, 2, 3], [6]])
  const pages: number[][] = []
  await sql`PREDICT ${5}`.cursor(2, rows => {
    pages.push(x(rows))
  })
  t.same(pages, [[1, 2], [3, 4], [5]])
  await t.rejects(sql`PREDICT ${1} FAIL`, { code: '22023' })
  const inside = await sql.begin(async tx => {
    await tx`CREATE TEMP TABLE seen ON COMMIT DROP AS SELECT 1 AS a`
    return tx`PREDICT 1 QUERY 'SELECT * FROM seen'`
  })
  t.same(x(inside), [1])
})

const psql = '/usr/bin/psql'
t.test('psql: rows, its caret, cursors, scripts', { skip: existsSync(psql) ? false : `no ${psql}` }, async t => {
  const run = (...args: string[]) => promisify(execFile)(psql, ['-X', '-At', ...args, house.url])
  t.equal((await run('-c', 'PREDICT 3')).stdout, '1\n2\n3\n')
  t.equal((await run('-c', 'BEGIN; PREDICT 1; COMMIT')).stdout, 'BEGIN\n1\nCOMMIT\n')
  const failure = (await run('-c', 'PREDICT 1, ORDER BY nosuch').catch(error => error)) as { stderr: string }
  t.equal(
    failure.stderr,
    [
      'ERROR:  column "nosuch" does not exist',
      'LINE 1: PREDICT 1, ORDER BY nosuch',
      '                            ^',
      '',
    ].join('\n'),
  )
  t.equal((await run('-c', '\\d')).stderr, 'Did not find any relations.\n')
  const script = ['-c', 'BEGIN', '-c', 'PREDICT 1 FAIL', '-c', 'SELECT 1', '-c', 'ROLLBACK', '-c', 'PREDICT 1']
  const { stdout, stderr } = await run(...script)
  t.equal(stdout, 'BEGIN\nROLLBACK\n1\n')
  t.match(stderr, /will not predict\nDETAIL: {2}asked for 1\nHINT: {2}PREDICT 1\n.*transaction is aborted/s)
})
