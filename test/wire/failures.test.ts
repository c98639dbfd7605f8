// One failing statement at every position of a pipeline of ordinary and intercepted ones: what came before is answered, what comes
// behind is not, and nothing is left of either.

import t from 'tap'
import { H, run, S } from './support/messages.js'
import { proxied } from './support/proxied.js'
import { transcript } from './support/raw-client.js'

const house = await proxied(t)

interface Step {
  readonly bytes: Buffer
  readonly answer: string
}

const steps: Step[] = [
  { bytes: run('INSERT INTO log VALUES (1)'), answer: '1 2 n C(INSERT 0 1)' },
  { bytes: run('PREDICT 1'), answer: '1 2 T D(1) C(SELECT 1)' },
  { bytes: run('SELECT 7'), answer: '1 2 T D(7) C(SELECT 1)' },
  { bytes: run('PREDICT $1 CACHED', ['2']), answer: '1 2 T D(1) D(2) C(SELECT 2)' },
  { bytes: run('INSERT INTO log VALUES (2)'), answer: '1 2 n C(INSERT 0 1)' },
]

const failures: Record<string, Step> = {
  'an ordinary statement fails to parse': { bytes: run('SELEC'), answer: 'E(42601)' },
  'an ordinary statement fails to run': { bytes: run('SELECT 1/0'), answer: '1 E(22012)' },
  'a PREDICT fails to parse': { bytes: run('PREDICT nonsense'), answer: 'E(42601)' },
  'a rewritten statement fails to parse': { bytes: run('PREDICT 1, ORDER BY nosuch'), answer: 'E(42703)' },
  'a prediction fails': { bytes: run('PREDICT 1 FAIL'), answer: '1 E(22023)' },
  'a helper query fails': { bytes: run("PREDICT 1 QUERY 'SELECT 1/0'"), answer: '1 E(22012)' },
  'a helper query fails unnoticed': { bytes: run('PREDICT 1 REFUSED'), answer: '1 E(22012)' },
  'time runs out': { bytes: run('PREDICT 1 TIMEOUT 5 SLOW 20000'), answer: '1 E(57014)' },
  'a rewritten statement fails to run': { bytes: run('PREDICT 1, WHERE 1 / (x - 1) = 1'), answer: '1 2 T E(22012)' },
}

for (const [what, failure] of Object.entries(failures)) {
  t.test(`${what}, wherever in a pipeline, with and without Flush`, async t => {
    const client = await house.raw(t)
    await client.query('CREATE TEMP TABLE log (a int)')
    for (const between of [Buffer.alloc(0), H()]) {
      for (let at = 0; at <= steps.length; at++) {
        const all = steps.toSpliced(at, 0, failure)
        client.send(...all.flatMap(({ bytes }) => [bytes, between]), S(), run('PREDICT 1'), S())
        const expected = all.slice(0, at + 1).map(({ answer }) => answer)
        t.equal(transcript(await client.ready()), [...expected, 'Z(I)'].join(' '), `at ${at}`)
        t.equal(transcript(await client.ready()), '1 2 T D(1) C(SELECT 1) Z(I)', 'the next Sync ends it')
        t.equal(transcript(await client.query('SELECT count(*) FROM log')), 'T D(0) C(SELECT 1) Z(I)', 'undone')
      }
    }
  })
}

t.test('within a transaction the failure lasts beyond the Sync, at every position', async t => {
  const client = await house.raw(t)
  await client.query('CREATE TEMP TABLE log (a int)')
  for (const { bytes, answer } of Object.values(failures)) {
    for (let at = 0; at <= steps.length; at += 2) {
      await client.query('BEGIN')
      const before = steps.slice(0, at)
      client.send(...before.map(step => step.bytes), bytes, S(), run('PREDICT 1'), S())
      t.equal(transcript(await client.ready()), [...before.map(step => step.answer), answer, 'Z(E)'].join(' '))
      t.equal(transcript(await client.ready()), 'E(25P02) Z(E)')
      await client.query('ROLLBACK')
    }
  }
})
