// A network that is cut between the proxy and the server: nobody says so, and those who wait are told all the same.

import { execFile, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

const SILENCE = 2000
const possible = spawnSync('unshare', ['-n', 'ip', 'link', 'set', 'lo', 'up']).status === 0
const skip = possible ? false : 'needs unshare and ip, and the right to use them'

t.test('those who wait for a server that cannot be reached any more are told within bounds', { skip }, async t => {
  const script = fileURLToPath(new URL('support/cut-network.ts', import.meta.url))
  const args = ['-n', process.execPath, '--import', import.meta.resolve('tsx'), script, String(SILENCE)]
  const { stdout } = await promisify(execFile)('unshare', args)
  const seen = JSON.parse(stdout)
  t.equal(seen.asleep, 'T D() C(SELECT 1) Z(I)', 'a query may take as long as it likes while the network is well')
  for (const who of ['asked', 'predicted']) {
    t.match(seen[who], { code: '08006', message: /fallen silent and cannot be reached/ }, who)
    t.ok(seen[who].seconds < 10, `${who}: after ${seen[who].seconds} s`)
  }
  t.match(seen.late, { code: '08006', message: /could not connect to the upstream server/ })
  t.equal(seen.well, 'T D(1) C(SELECT 1) Z(I)', 'the next one finds all well')
})
