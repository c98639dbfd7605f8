import t from 'tap'
import { proxied } from './support/proxied.js'
import { error, transcript } from './support/raw-client.js'

const house = await proxied(t)

t.test('ordinary statements pass as they are', async t => {
  const client = await house.raw(t)
  t.equal(transcript(await client.query('SELECT 1 AS a')), 'T D(1) C(SELECT 1) Z(I)')
  t.equal(transcript(await client.query('')), 'I Z(I)')
  t.equal(transcript(await client.query('SELECT 1; SELECT 2')), 'T D(1) C(SELECT 1) T D(2) C(SELECT 1) Z(I)')
  t.equal(
    transcript(await client.query("SELECT 'not a predict statement' AS a")),
    'T D(not a predict statement) C(SELECT 1) Z(I)',
  )
  t.equal(transcript(await client.query('PREDICT NOTHING')), 'E(42601) Z(I)')
})

t.test('a PREDICT is answered like any query', async t => {
  const client = await house.raw(t)
  t.equal(transcript(await client.query('PREDICT 3')), 'T D(1) D(2) D(3) C(SELECT 3) Z(I)')
  t.equal(transcript(await client.query('predict 0;')), 'T C(SELECT 0) Z(I)')
})
