// What real drivers say, recorded as they say it to Postgres, is said again to Postgres and to the proxy: the answers are the same, byte
// for byte, also when all of it comes in slices of a few bytes.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import pg from 'pg'
import Cursor from 'pg-cursor'
import postgresJs from 'postgres'
import t from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import { found, speakers } from '../helpers/clients.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, startProduct } from '../helpers/service.js'
import { slicer } from '../wire/support/slicer.js'
import { replay, startTapeRecorder } from '../wire/support/tape.js'

const server = await startPostgres()
t.teardown(() => server.stop())
const database = databaseOf(await server.createDatabase())
{
  const client = await connect(server.url(database))
  await writeShop(client, { seed: 41, now: new Date('2026-03-05T13:07:00Z'), users: 50 })
  await client.query(`CREATE TABLE churn AS SELECT user_id, timestamptz '2026-03-05 12:00+00' AS anchor_time,
    user_id % 2 = 0 AS prediction, user_id / 60.0::float8 AS probability FROM users`)
  await client.end()
}
const product = await startProduct(server.url())
t.teardown(() => product.stop(0))
const recorder = await startTapeRecorder(t, server.port)
const sliced = await slicer(t, product.port, 7)
const url = `postgres://postgres@127.0.0.1:${recorder.port}/${database}`

/** What the talkers ask in the place of a PREDICT: it takes the same conditions. */
const QUESTION = 'SELECT user_id, anchor_time, prediction, probability FROM churn WHERE user_id'

async function nodePostgres(): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('SELECT 1; SELECT 2')
  await client.query({ name: 'one', text: `${QUESTION} = $1`, values: [7] })
  await client.query({ name: 'one', text: `${QUESTION} = $1`, values: [8] })
  await client.query({ text: `${QUESTION} = ANY ($1)`, values: [[1, 2, 3]], binary: true } as never)
  const cursor = client.query(new Cursor(`${QUESTION} < $1`, [20]))
  for (let i = 0; i < 3; i++) await cursor.read(8)
  await cursor.close()
  await client.query('BEGIN')
  await client.query('SELECT 1/0').catch(() => {})
  await client.query('SELECT 1').catch(() => {})
  await client.query('ROLLBACK')
  await client.end()
}

async function postgresJsTalk(): Promise<void> {
  const sql = postgresJs(url, { max: 1, onnotice() {}, fetch_types: true })
  for (let i = 0; i < 2; i++) await sql.unsafe(`${QUESTION} = $1`, [7])
  await sql.unsafe(`${QUESTION} < 20`).cursor(6, async () => {})
  await sql.begin(async in_ => in_.unsafe('SELECT count(*) FROM orders'))
  await sql.unsafe('SELEC').catch(() => {})
  await sql.end({ timeout: 1 })
}

async function psql(): Promise<void> {
  const commands = ['\\d', '\\d+ users', '\\dt+', '\\df', 'SELECT 1/0', `${QUESTION} < 5`, '\\copy churn TO STDOUT']
  const args = commands.flatMap(command => ['-c', command])
  await promisify(execFile)('psql', ['-X', '-d', url, ...args, '-c', 'SELECT 1'], { maxBuffer: 2 ** 26 })
  await promisify(execFile)('psql', ['-X', '-d', url, '-v', 'FETCH_COUNT=3', '-c', `${QUESTION} < 10`])
}

const drivers: Record<string, readonly [here: boolean, talk: () => Promise<unknown>]> = {
  'node-postgres': [true, nodePostgres],
  'postgres.js': [true, postgresJsTalk],
  psql: [found('psql') !== null, psql],
  ...Object.fromEntries(
    speakers.map(({ driver, here, program, args }) => {
      const talk = () =>
        promisify(execFile)(program, [...args(url), '1', '2', '3'], { env: { ...process.env, QUESTION } })
      return [driver, [here, talk]]
    }),
  ),
}

for (const [driver, [here, talk]] of Object.entries(drivers))
  t.test(`${driver}: said again, and answered to the byte`, { skip: here ? false : 'is not installed' }, async t => {
    await talk()
    const tapes = recorder.take()
    t.ok(tapes.length > 0)
    for (const [i, tape] of tapes.entries()) {
      const direct = await replay(tape, server.port)
      // oids of temporary tables: what the server itself does not say twice is compared by its type and length
      const again = await replay(tape, server.port)
      t.ok(direct.length > 20, `session ${i + 1}: ${tape.length} chunks, ${direct.length} messages`)
      for (const [way, port] of [
        ['through us', product.port],
        ['in slices', sliced],
      ] as const) {
        const ours = await replay(tape, port)
        const at = direct.findIndex((message, i) => {
          const steady = again[i]?.equals(message) === true
          return steady ? !ours[i]?.equals(message) : !ours[i]?.subarray(0, 5).equals(message.subarray(0, 5))
        })
        if (at >= 0 || ours.length !== direct.length) {
          const show = (message?: Buffer) => message?.toString('latin1').slice(0, 300)
          t.fail(`session ${i + 1} ${way}: message ${at}`, { direct: show(direct[at]), ours: show(ours[at]) })
        } else t.pass(`session ${i + 1} ${way}`)
      }
    }
  })
