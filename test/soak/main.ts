// `npm run soak -- --messages 1000000 --kills 1000 --inference-kills 100`: what `npm test` does for seconds, for as long as it takes.
// Prints what it finds; the exit code is 1 if that is anything.

import { readFlags } from '../../bench/lib/flags.js'
import { startPostgres } from '../helpers/postgres.js'
import { createFindings } from './findings.js'
import { soakInference } from './inference.js'
import { soakWire } from './wire.js'

const flags = readFlags(process.argv.slice(2), {
  messages: 1_000_000,
  kills: 1000,
  'inference-kills': 100,
  lanes: 6,
  seed: Math.floor(Math.random() * 1e9),
})
console.log(`seed ${flags.seed}`)
const undo: (() => unknown)[] = []
const t = { teardown: (work: () => unknown) => void undo.unshift(work) } as never
const findings = createFindings()
try {
  if (flags.messages > 0) {
    const postgres = await startPostgres({})
    undo.push(() => postgres.stop())
    await soakWire(t, postgres, flags, findings)
  }
  if (flags['inference-kills'] > 0) await soakInference(flags['inference-kills'], findings)
} finally {
  for (const work of undo) await work()
}
console.log(findings.count === 0 ? 'nothing found' : `${findings.count} found`)
process.exit(findings.count === 0 ? 0 : 1)
