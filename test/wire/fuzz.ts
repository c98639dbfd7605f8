// `npm run fuzz -- --seconds 600 --seed 1`: conversations nobody would think of, for as long as you like. Prints those that the proxy
// and the server answer differently; their seeds say them again.

import { readFlags } from '../../bench/lib/flags.js'
import { startPostgres } from '../helpers/postgres.js'
import { startFuzzer } from './support/fuzz.js'

const flags = readFlags(process.argv.slice(2), {
  seconds: 60,
  seed: Math.floor(Math.random() * 1e9),
  conversations: 1e9,
})
const undo: (() => unknown)[] = []
const postgres = await startPostgres()
const fuzzer = await startFuzzer({ teardown: (work: () => unknown) => void undo.unshift(work) } as never, postgres)
const until = Date.now() + flags.seconds * 1000
let held = 0
let different = 0
for (; Date.now() < until && held < flags.conversations; held++) {
  const difference = await fuzzer.hold(flags.seed + held)
  if (difference === null) continue
  different++
  const { seed, kind, said, direct, through } = difference
  let at = 0
  while (direct[at] === through[at]) at++
  const from = Math.max(0, at - 60)
  console.log(`seed ${seed} (${kind}): ${said}`)
  for (const [who, answer] of [
    ['direct', direct],
    ['through', through],
  ] as const)
    console.log(`  ${who}: …${answer.slice(from, from + 200)}`)
}
console.log(`${held} conversations from seed ${flags.seed}: ${different} answered differently`)
for (const work of undo) await work()
await postgres.stop()
process.exit(different > 0 ? 1 : 0)
