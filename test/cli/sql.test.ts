import t from 'tap'
import { runSql } from '../../src/cli/sql.js'
import { formatTable } from '../../src/cli/table.js'
import { runCli } from '../helpers/cli.js'
import { startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const url = await postgres.createDatabase()

async function run(sql: string, to = url) {
  const lines = { out: [] as string[], err: [] as string[] }
  const code = await runSql(sql, { url: to }, { out: text => lines.out.push(text), err: text => lines.err.push(text) })
  return { code, out: lines.out.join('\n'), err: lines.err.join('\n') }
}

t.test('rows are aligned as psql aligns them', async t => {
  const { code, out } = await run(
    "SELECT 7 AS n, 'naïve' AS word, NULL AS nothing, 1.50::numeric AS price, true AS yes",
  )
  t.equal(code, 0)
  t.equal(
    out,
    [
      ' n | word  | nothing | price | yes ',
      '---+-------+---------+-------+-----',
      ' 7 | naïve |         |  1.50 | t',
      '(1 row)',
    ].join('\n'),
  )
})

t.test('a value of several lines is continued with a plus sign', async t => {
  const columns = [
    { name: 'a', type: 25 },
    { name: 'b', type: 23 },
  ]
  t.equal(
    formatTable(columns, [
      ['x\nyz', '1'],
      ['w', '22'],
    ]),
    [' a  | b  ', '----+----', ' x +|  1', ' yz |', ' w  | 22', '(2 rows)'].join('\n'),
  )
  t.equal(formatTable(columns, []), [' a | b ', '---+---', '(0 rows)'].join('\n'))
  t.equal(formatTable([], [[], []]), ['--', '(2 rows)'].join('\n'))
})

t.test('a command shows its tag', async t => {
  t.equal((await run('CREATE TABLE mark (i int)')).out, 'CREATE TABLE')
  t.equal((await run('INSERT INTO mark VALUES (1), (2)')).out, 'INSERT 0 2')
})

t.test('an error points at its place in the statement', async t => {
  const { code, err } = await run("SELECT 'é' AS accent,\n\tmark.nope FROM mark")
  t.equal(code, 1)
  t.equal(err, ['ERROR:  column mark.nope does not exist', 'LINE 2:  mark.nope FROM mark', '         ^'].join('\n'))
})

t.test('detail and hint of errors and notices are shown', async t => {
  const { code, out, err } = await run(
    "DO $$ BEGIN RAISE NOTICE 'so far' USING DETAIL = 'one row', HINT = 'go on'; RAISE EXCEPTION 'enough' USING HINT = 'stop'; END $$",
  )
  t.equal(code, 1)
  t.equal(out, '')
  t.match(err, /NOTICE: {2}so far\nDETAIL: {2}one row\nHINT: {2}go on\nERROR: {2}enough\nHINT: {2}stop\nCONTEXT: /)
})

t.test('without a server the exit status is 2, and the password is not shown', async t => {
  const { code, err } = await run('SELECT 1', 'postgres://ann:hunter2@127.0.0.1:1/x')
  t.equal(code, 2)
  t.match(err, /could not connect: .*ECONNREFUSED/)
  t.notMatch(err, /hunter2/)
})

t.test('the command takes the statement as its argument', async t => {
  const cli = runCli(['sql', '--timing', '--url', url, 'SELECT 6 * 7 AS answer'])
  t.equal(await cli.exit, 0)
  t.match(cli.stdout(), /^ answer \n-+\n {5}42\n\(1 row\)\nTime: \d+\.\d{3} ms\n$/)
  const failing = runCli(['sql', 'SELECT 1/0'], { env: { PGPREDICT_URL: url } })
  t.equal(await failing.exit, 1)
  t.match(failing.stderr(), /ERROR: {2}division by zero/)
})
