// The extended protocol: portals, formats, parameters and prepared statements stay the server's own.

import t from 'tap'
import { B, C, D, E, H, P, Q, run, S } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { error, fields, type Message, transcript } from './support/raw-client.js'

const house = await proxied(t)

const errorIn = (messages: Message[]) => error(messages.find(({ type }) => type === 'E')!)

/** What ParameterDescription lists. */
const parameterTypes = (messages: Message[]) => {
  const { body } = messages.find(({ type }) => type === 't')!
  return Array.from({ length: body.readUInt16BE(0) }, (_, i) => body.readUInt32BE(2 + 4 * i))
}

t.test('a PREDICT with a parameter is prepared, described, bound and executed', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT $1', 'p'), D('p', 'S'), S())
  const described = await client.ready()
  t.equal(transcript(described), '1 t T Z(I)')
  t.same(parameterTypes(described), [23], 'the array of predictions is hidden')
  client.send(B(['3'], 'p'), E(), S())
  t.equal(transcript(await client.ready()), '2 D(1) D(2) D(3) C(SELECT 3) Z(I)')
  client.send(B([Buffer.of(0, 0, 0, 2)], 'p'), D(), E(), S())
  t.equal(transcript(await client.ready()), '2 T D(1) D(2) C(SELECT 2) Z(I)', 'a binary parameter')
})

t.test('declared types and binary results are the client’s choice', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT $1', '', [21]), D('', 'S'), B([Buffer.of(0, 2)], '', '', [1]), E(), S())
  const answer = await client.ready()
  t.same(parameterTypes(answer), [21])
  const rows = answer.filter(({ type }) => type === 'D')
  t.same(
    rows.map(row => row.body.readInt32BE(6)),
    [1, 2],
  )
})

t.test('row limits suspend the portal and Execute goes on with it', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT 5'), B([], '', 'c'), E(2, 'c'), H())
  t.equal(transcript(await client.until('s')), '1 2 D(1) D(2) s')
  client.send(E(2, 'c'), H())
  t.equal(transcript(await client.until('s')), 'D(3) D(4) s')
  client.send(E(2, 'c'), S())
  t.equal(transcript(await client.ready()), 'D(5) C(SELECT 1) Z(I)')
})

t.test('clients that Flush and wait get their answers at every step', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT $1', 'stmt'), D('stmt', 'S'), H())
  t.equal(transcript(await client.until('T')), '1 t T')
  client.send(B(['2'], 'stmt'), E(), S())
  t.equal(transcript(await client.ready()), '2 D(1) D(2) C(SELECT 2) Z(I)')
  client.send(B(['1'], 'stmt', 'cursor'), D('cursor'), H())
  t.equal(transcript(await client.until('T')), '2 T')
  client.send(E(0, 'cursor'), H())
  t.equal(transcript(await client.until('C')), 'D(1) C(SELECT 1)')
  client.send(C('stmt'), S())
  t.equal(transcript(await client.ready()), '3 Z(I)')
})

t.test('a pipeline of ordinary and intercepted statements is answered in order', async t => {
  const client = await house.raw(t)
  client.send(
    run('SELECT 7'),
    run('PREDICT $1', ['2']),
    run('SELECT 8'),
    run('PREDICT 1 SLOW 20'),
    run('SELECT 9'),
    S(),
  )
  t.equal(
    transcript(await client.ready()),
    [
      '1 2 T D(7) C(SELECT 1)',
      '1 2 T D(1) D(2) C(SELECT 2)',
      '1 2 T D(8) C(SELECT 1)',
      '1 2 T D(1) C(SELECT 1)',
      '1 2 T D(9) C(SELECT 1)',
      'Z(I)',
    ].join(' '),
  )
})

t.test('a failure before, in or after a PREDICT undoes the whole pipeline', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TABLE log (a int)')
  const insert = run('INSERT INTO log VALUES (1)')
  const inserted = '1 2 n C(INSERT 0 1)'
  const predicted = '1 2 T D(1) C(SELECT 1)'
  for (const [pipeline, expected] of [
    [[insert, run('SELECT 1/0'), run('PREDICT 1'), insert], `${inserted} 1 E(22012) Z(I)`],
    [[insert, run('PREDICT 1 FAIL'), insert, run('PREDICT 1')], `${inserted} 1 E(22023) Z(I)`],
    [[run('PREDICT nonsense'), insert, run('PREDICT 1')], 'E(42601) Z(I)'],
    [[run("PREDICT 1 QUERY 'SELECT 1/0'"), insert, run('PREDICT 1')], '1 E(22012) Z(I)'],
    [[insert, run('PREDICT 1 REFUSED'), insert], `${inserted} 1 E(22012) Z(I)`],
    [[run('PREDICT 1'), insert, run('SELECT 1/0'), run('PREDICT 1')], `${predicted} ${inserted} 1 E(22012) Z(I)`],
    [[run('PREDICT 1, WHERE 1/0 = x'), insert], '1 E(22012) Z(I)'],
  ] as const) {
    client.send(...pipeline, S())
    t.equal(transcript(await client.ready()), expected)
    t.equal(transcript(await client.query('SELECT count(*) FROM log')), 'T D(0) C(SELECT 1) Z(I)')
  }
})

t.test('what a failure skips does not count, and the next Sync ends it', async t => {
  const client = await house.raw(t)
  client.send(
    run('SELECT 1/0'),
    run('PREDICT 1'),
    S(),
    run('PREDICT 2'),
    S(),
    run('PREDICT 1 FAIL'),
    run('SELECT 5'),
    S(),
    S(),
  )
  t.equal(transcript(await client.ready()), '1 E(22012) Z(I)')
  t.equal(transcript(await client.ready()), '1 2 T D(1) D(2) C(SELECT 2) Z(I)')
  t.equal(transcript(await client.ready()), '1 E(22023) Z(I)')
  t.equal(transcript(await client.ready()), 'Z(I)')
})

t.test('in a transaction a failure lasts until ROLLBACK', async t => {
  const client = await house.raw(t)
  client.send(run('BEGIN'), run('PREDICT 1'), S())
  t.equal(transcript(await client.ready()), '1 2 n C(BEGIN) 1 2 T D(1) C(SELECT 1) Z(T)')
  client.send(P('PREDICT $1', 'kept'), S())
  t.equal(transcript(await client.ready()), '1 Z(T)')
  client.send(run('PREDICT 1 FAIL'), S())
  t.equal(transcript(await client.ready()), '1 E(22023) Z(E)')
  const ran = house.rewriter.ran
  client.send(run('PREDICT 1'), S())
  t.equal(transcript(await client.ready()), 'E(25P02) Z(E)')
  client.send(B(['1'], 'kept'), E(), S())
  t.equal(transcript(await client.ready()), 'E(25P02) Z(E)')
  t.equal(house.rewriter.ran, ran, 'nothing is predicted for it')
  client.send(run('ROLLBACK'), S(), B(['1'], 'kept'), E(), S())
  t.equal(transcript(await client.ready()), '1 2 n C(ROLLBACK) Z(I)')
  t.equal(transcript(await client.ready()), '2 D(1) C(SELECT 1) Z(I)')
})

t.test('errors point into the client’s text', async t => {
  const client = await house.raw(t)
  const sql = 'PREDICT $1, ORDER BY nosuch'
  client.send(P(sql), S())
  t.match(errorIn(await client.ready()), { C: '42703', P: String(sql.indexOf('nosuch') + 1) })
  client.send(P("PREDICT 'ü'"), S())
  t.match(errorIn(await client.ready()), { C: '42601', P: '9', H: 'PREDICT 3' })
})

t.test('a name belongs to the last statement prepared under it', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT $1'), B(['1']), E(), S(), P('SELECT 5'), B(), E(), S())
  t.equal(transcript(await client.ready()), '1 2 D(1) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.ready()), '1 2 D(5) C(SELECT 1) Z(I)')

  client.send(P('PREDICT 1', 'n'), P('PREDICT 2', 'n'), S())
  t.equal(transcript(await client.ready()), '1 E(42P05) Z(I)')
  client.send(B([], 'n'), E(), S())
  t.equal(transcript(await client.ready()), '2 D(1) C(SELECT 1) Z(I)', 'a duplicate changes nothing')
  client.send(P('SELECT 6', 'n'), S())
  t.equal(transcript(await client.ready()), 'E(42P05) Z(I)')
  client.send(B([], 'n'), E(), S())
  t.equal(transcript(await client.ready()), '2 D(1) C(SELECT 1) Z(I)')
  client.send(C('n'), P('SELECT 6', 'n'), B([], 'n'), E(), S())
  t.equal(transcript(await client.ready()), '3 1 2 D(6) C(SELECT 1) Z(I)')

  client.send(C('n'), P('PREDICT 3', 'n'), S())
  t.equal(transcript(await client.ready()), '3 1 Z(I)')
  client.send(run('SELECT 1/0'), C('n'), S(), B([], 'n'), E(), S())
  t.equal(transcript(await client.ready()), '1 E(22012) Z(I)')
  t.equal(
    transcript(await client.ready()),
    '2 D(1) D(2) D(3) C(SELECT 3) Z(I)',
    'a Close that was skipped closes nothing',
  )

  for (const gone of ['DISCARD ALL', 'DEALLOCATE ALL', 'DEALLOCATE n']) {
    await client.query(gone)
    client.send(B([], 'n'), E(), S())
    t.match(transcript(await client.ready()), 'E(26000) Z(I)', gone)
    client.send(P('SELECT 4', 'n'), B([], 'n'), E(), C('n'), P('PREDICT 1', 'n'), S())
    t.equal(transcript(await client.ready()), '1 2 D(4) C(SELECT 1) 3 1 Z(I)')
  }
})

t.test('a simple query takes the unnamed statement and portal with it', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT 1'), S())
  await client.ready()
  await client.query('PREDICT 2')
  client.send(B(), E(), S())
  t.equal(transcript(await client.ready()), 'E(26000) Z(I)')
})

t.test('the client’s own unnamed statement and suspended portal live through a named PREDICT', async t => {
  const client = await house.raw(t)
  client.send(run('BEGIN'), P('SELECT generate_series(1, 3)'), B(), E(1), H())
  await client.until('s')
  client.send(P('PREDICT 2', 'named'), B([], 'named', 'other'), E(0, 'other'), E(0), S())
  t.equal(transcript(await client.ready()), '1 2 D(1) D(2) C(SELECT 2) D(2) D(3) C(SELECT 2) Z(T)')
})

t.test('a named statement is planned for the predictions of each execution', async t => {
  const client = await house.raw(t)
  client.send(P('PREDICT $1', 'planned'), S())
  await client.ready()
  await client.query("LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET client_min_messages = log")
  for (let i = 0; i < 7; i++) {
    client.send(B(['500'], 'planned'), E(), S())
    const notices = (await client.ready()).filter(({ type }) => type === 'N').map(message => error(message).M)
    t.match(notices.join('\n'), /Function Scan on unnest x.*rows=500 /, `execution ${i + 1}`)
  }
})

t.test('a Bind with too few or too many parameters is refused in the client’s numbers', async t => {
  const client = await house.raw(t)
  for (const values of [[], ['1', '2']]) {
    client.send(P('PREDICT $1', ''), B(values), E(), S())
    t.equal(
      errorIn(await client.ready()).M,
      `bind message supplies ${values.length} parameters, but prepared statement "" requires 1`,
    )
  }
})

t.test('a deep pipeline stays linear', async t => {
  const client = await house.raw(t)
  const many = 20_000
  const part = run('SELECT 1')
  client.send(run('PREDICT 1'), Buffer.concat(Array.from({ length: many }, () => part)), run('PREDICT 1'), S())
  const answer = await client.ready()
  t.equal(answer.filter(({ type }) => type === 'D').length, many + 2)
})

t.test('rows are the server’s to the byte', async t => {
  const client = await house.raw(t)
  const direct = await house.direct(t)
  const sql = "SELECT i, repeat('x', i % 70), NULL, i::numeric / 7 FROM generate_series(1, 3000) i"
  const [ours, theirs] = await Promise.all([client.query(sql), direct.query(sql)])
  t.ok(Buffer.concat(ours.map(m => m.body)).equals(Buffer.concat(theirs.map(m => m.body))))
  client.send(Q('PREDICT 2500 CACHED'))
  const rows = (await client.ready()).filter(({ type }) => type === 'D')
  t.same(
    rows.map(({ body }) => Number(fields(body)[0])),
    Array.from({ length: 2500 }, (_, i) => i + 1),
  )
})
