// A bounded run of conversations that nobody would think of; `npm run fuzz` goes on for as long as you like.

import t from 'tap'
import { startPostgres } from '../helpers/postgres.js'
import { startFuzzer } from './support/fuzz.js'

const SECONDS = 6
const FEWEST = 20

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

t.test('made-up conversations are answered as the server alone would, however their bytes are cut', async t => {
  const fuzzer = await startFuzzer(t, postgres)
  const until = Date.now() + SECONDS * 1000
  for (let seed = 1; seed <= FEWEST || Date.now() < until; seed++) {
    const difference = await fuzzer.hold(seed)
    if (difference === null) t.pass(`seed ${seed}`)
    else t.equal(difference.through, difference.direct, `seed ${seed} (${difference.kind}): ${difference.said}`)
  }
})
