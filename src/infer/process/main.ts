// Entry of the inference process: one Unix socket for all wire processes, lower priority than they have, gone when its parent is.

import { chmodSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { getPriority, setPriority } from 'node:os'
import { chooseHead } from './choose-head.js'
import { createService, type Limits } from './server.js'

export interface Settings extends Limits {
  readonly socketPath: string
  /** Added to the parent's niceness; 0 keeps it. */
  readonly nice: number
  /** Folder of a network; null: the closed-form models answer alone. */
  readonly model: string | null
}

const settings = JSON.parse(process.argv[2]) as Settings

try {
  setPriority(Math.min(19, getPriority() + settings.nice))
} catch {
  // not permitted here: answers do not depend on it
}
process.umask(0o077)
// The terminal's Ctrl-C reaches the whole group: the parent decides when this process ends.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(0))
// A parent that died while this file was loading has told nobody: the event is past.
if (process.send && !process.connected) process.exit(0)

const head = await chooseHead(settings.model, warning => process.send?.({ warning }))
rmSync(settings.socketPath, { force: true })
const server = createServer(createService(settings, head))
server.listen(settings.socketPath, () => {
  chmodSync(settings.socketPath, 0o600)
  process.send?.('ready')
})
