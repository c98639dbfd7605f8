// A session that minds its own business, and checks every answer that it gets, while others go wild around it.

import { setTimeout as sleep } from 'node:timers/promises'
import { Q, run, S } from '../wire/support/messages.js'
import { RawClient, transcript } from '../wire/support/raw-client.js'
import type { Canaries } from './canaries.js'

export interface Bystander {
  /** Answers that were right. */
  readonly right: number
  /** Each as: what was asked, what came. */
  readonly wrong: readonly string[]
  /** Milliseconds that the slowest answer took. */
  readonly slowest: number
  stop(): Promise<void>
}

const PREDICTED = 'T D(1) D(2) D(3) C(SELECT 3) Z(I)'
const PATIENCE = 20_000

/** In this database behind this port; a Query, an extended query and a PREDICT in turn, until it is stopped. */
export async function startBystander(port: number, database: string, canaries: Canaries): Promise<Bystander> {
  const client = await RawClient.connect(port, database)
  const canary = canaries.issue()
  canaries.watch(client.socket, canary)
  const wrong: string[] = []
  let [right, slowest, over] = [0, 0, false]
  const step = async (i: number) => {
    const sql = `SELECT '${canary}', ${i}`
    const [bytes, expected] = [
      [Q(sql), `T D(${canary},${i}) C(SELECT 1) Z(I)`],
      [Buffer.concat([run(sql), S()]), `1 2 T D(${canary},${i}) C(SELECT 1) Z(I)`],
      [Q('PREDICT 3'), PREDICTED],
    ][i % 3] as [Buffer, string]
    const before = performance.now()
    client.send(bytes)
    const late = new Promise<string>(resolve => setTimeout(resolve, PATIENCE, 'no answer').unref())
    const said = await Promise.race([client.ready().then(transcript), late])
    slowest = Math.max(slowest, performance.now() - before)
    if (said === expected) right++
    else wrong.push(`${expected}: ${said || 'the connection closed'}`)
  }
  const life = (async () => {
    for (let i = 0; !over && wrong.length === 0; i++) {
      await step(i)
      await sleep(2)
    }
  })()
  return {
    wrong,
    get right() {
      return right
    },
    get slowest() {
      return slowest
    },
    async stop() {
      over = true
      await life
      client.end()
    },
  }
}
