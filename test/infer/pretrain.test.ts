// `pretrain/` reads features as the proxy does: what it must agree with is written out of the TypeScript code, and both sides are held to it.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { FEATURES, featureFixtures, INPUTS, inputFixtures } from './pretrain-fixtures.js'

const stored = (file: URL) => JSON.parse(readFileSync(file, 'utf8'))
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

t.test('the fixtures of pretrain/ are what the code computes today', async t => {
  t.strictSame(stored(FEATURES), plain(featureFixtures()), 'features: npx tsx test/infer/pretrain-fixtures.ts')
  t.strictSame(stored(INPUTS), plain(inputFixtures()), 'inputs: npx tsx test/infer/pretrain-fixtures.ts')
})

const python = ['pretrain/.venv/bin/python', 'python3'].find(
  command => spawnSync(command, ['-c', 'import numpy']).status === 0,
)

for (const name of ['test_features', 'test_inputs']) {
  t.test(
    `the prior agrees with the fixtures: ${name}`,
    { skip: python ? false : 'no Python with numpy: pretrain/install' },
    async t => {
      const { status, stdout, stderr } = spawnSync(python!, [`pretrain/tests/${name}.py`])
      t.equal(status, 0, stderr.toString())
      t.match(stdout.toString(), /^\d+ \w+ agree/)
    },
  )
}
