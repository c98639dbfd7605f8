// Records what pgjdbc says for Metabase.java: node --import tsx test/bi/metabase.ts postgresql.jar RECORDED

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { connect } from '../helpers/postgres.js'
import { startRecorder, withoutOids } from './recorder.js'
import { startShop } from './shop.js'
import { namesOfOids, write } from './traffic.js'

const [jar, recorded] = process.argv.slice(2)
const shop = await startShop(400)
const recorder = await startRecorder(shop.port)
const direct = await connect(shop.direct)
try {
  recorder.phase('Metabase')
  const program = fileURLToPath(new URL('Metabase.java', import.meta.url))
  await promisify(execFile)('java', ['-Duser.timezone=UTC', '-cp', jar, program, String(recorder.port)])
  await writeFile(recorded, write(withoutOids(recorder.sessions(), await namesOfOids(direct))))
} finally {
  await direct.end()
  await recorder.stop()
  await shop.stop()
}
