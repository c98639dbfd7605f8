// Made-up and garbled conversations from several lanes at once, and sessions that die amid them at either end, through one process of
// proxies: it must answer as the server does, disturb nobody, show nobody another's bytes, and be as light at the end as at the start.

import { setTimeout as sleep } from 'node:timers/promises'
import { type Random, random } from '../../src/demo/random.js'
import { connect, type TestPostgres } from '../helpers/postgres.js'
import { conversation } from '../wire/support/conversation.js'
import { type Fuzzer, startFuzzer } from '../wire/support/fuzz.js'
import { Q, S } from '../wire/support/messages.js'
import { error as fieldsOf, type Message, RawClient } from '../wire/support/raw-client.js'
import { startRelay } from '../wire/support/relay.js'
import { type Bystander, startBystander } from './bystander.js'
import { createCanaries } from './canaries.js'
import type { Findings, Teardown } from './findings.js'
import { startProxyProcess, type Weight } from './process.js'

export interface WireSoak {
  readonly messages: number
  readonly kills: number
  readonly lanes: number
  readonly seed: number
}

/** How a session dies, and what its client may be told at last. */
const DEATHS = {
  'client, reset': null,
  'client, closed': null,
  'backend, terminated': ['57P01', '08006'],
  'upstream, reset': ['08006'],
  'upstream, closed': ['08006'],
  'upstream, garbled': null,
} as const
type Death = keyof typeof DEATHS

const PATIENCE = 20_000
/** Of the whole, before the first weighing. */
const WARM_UP = 0.03
/** Bytes that a heap, and a process, may differ by without having grown. */
const HEAP = 8 * 2 ** 20
const RESIDENT = 64 * 2 ** 20

export async function soakWire(t: Teardown, postgres: TestPostgres, soak: WireSoak, findings: Findings): Promise<void> {
  const proxies = startProxyProcess()
  t.teardown(() => proxies.stop())
  const canaries = createCanaries()
  let shared: Promise<number[]> | undefined
  const before = (upstreams: readonly number[]) => {
    shared ??= proxies.before(upstreams)
    return shared
  }
  const fuzzers: Fuzzer[] = []
  for (let lane = 0; lane < soak.lanes; lane++)
    fuzzers.push(
      await startFuzzer(t, postgres, {
        proxies: before,
        mark: () => canaries.issue(),
        watch: (client, mark) => canaries.watch(client.socket, mark),
      }),
    )
  const ports = await before([])
  const killer = await startKiller(t, postgres, ports, proxies.before, canaries, findings)
  let seed = soak.seed
  const said = () => fuzzers.reduce((sum, { messages }) => sum + messages, killer.messages)

  /** Until so many messages have been said and so many sessions have died; then every session of its own is gone. */
  async function phase(messages: number, kills: number): Promise<Weight> {
    const bystanders: Bystander[] = []
    for (const port of ports) {
      const database = new URL(await postgres.createDatabase()).pathname.slice(1)
      bystanders.push(await startBystander(port, database, canaries))
    }
    const lanes = fuzzers.map(async fuzzer => {
      while (said() < messages && !findings.enough) {
        const difference = await fuzzer.hold(seed++)
        if (difference !== null)
          findings.add(
            `seed ${difference.seed} (${difference.kind}) is answered differently: ${JSON.stringify(difference)}`,
          )
      }
    })
    const killing = (async () => {
      while (killer.kills < kills && !findings.enough) {
        await killer.kill(random(seed++, 'death'))
        // no faster than the conversations, so that the deaths are spread among them
        while (killer.kills / kills > said() / messages && said() < messages && !findings.enough) await sleep(5)
      }
    })()
    const ticker = setInterval(() => findings.progress(`${said()} messages, ${killer.kills} deaths`), 10_000)
    await Promise.all([...lanes, killing])
    clearInterval(ticker)
    for (const bystander of bystanders) {
      await bystander.stop()
      for (const wrong of bystander.wrong) findings.add(`a bystander was disturbed: ${wrong}`)
    }
    const slowest = Math.max(...bystanders.map(bystander => bystander.slowest))
    findings.note(
      `bystanders: ${bystanders.reduce((sum, { right }) => sum + right, 0)} answers, all right; the slowest took ${Math.round(slowest)} ms`,
    )
    return settled()
  }

  /** What the proxies weigh when their sessions have ended. */
  async function settled(): Promise<Weight> {
    const until = Date.now() + PATIENCE
    let weight = await proxies.weigh()
    while (weight.sessions > 0 && Date.now() < until) {
      await sleep(200)
      weight = await proxies.weigh()
    }
    if (weight.sessions > 0) findings.add(`${weight.sessions} sessions outlive their clients`)
    await sleep(500)
    return proxies.weigh()
  }

  await Promise.race([
    proxies.crashed,
    (async () => {
      const start = await phase(soak.messages * WARM_UP, soak.kills * WARM_UP)
      const end = await phase(soak.messages, soak.kills)
      const show = ({ descriptors, heap, resident }: Weight) =>
        `${descriptors} descriptors, ${mega(heap)} MB of heap, ${mega(resident)} MB resident`
      findings.note(`after ${WARM_UP * 100} %: ${show(start)}; at the end: ${show(end)}`)
      if (end.descriptors > start.descriptors)
        findings.add(`descriptors grew from ${start.descriptors} to ${end.descriptors}`)
      if (end.heap > start.heap + HEAP) findings.add(`the heap grew by ${mega(end.heap - start.heap)} MB`)
      if (end.resident > start.resident + RESIDENT)
        findings.add(`memory grew by ${mega(end.resident - start.resident)} MB`)
    })(),
  ])
  for (const leak of canaries.leaks) findings.add(`leaked: ${leak}`)
  const { rows } = await postgres.admin.query(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND usename = 'postgres' AND datname <> 'postgres'",
  )
  if (rows[0].n > 0) findings.add(`${rows[0].n} backends outlive their sessions`)
  findings.note(
    `${said()} messages, ${killer.kills} deaths (${killer.told()}), ${canaries.seen} canaries seen, ${canaries.leaks.length} where they do not belong`,
  )
}

const mega = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)

/** Lets sessions die, each amid a conversation. */
async function startKiller(
  t: Teardown,
  postgres: TestPostgres,
  ports: readonly number[],
  before: (upstreams: readonly number[]) => Promise<number[]>,
  canaries: ReturnType<typeof createCanaries>,
  findings: Findings,
) {
  const url = await postgres.createDatabase()
  const owner = await connect(url)
  await owner.query('CREATE TABLE notes (a int)')
  await owner.end()
  const database = new URL(url).pathname.slice(1)
  let dice: Random | null = null
  const relay = await startRelay(t, postgres.port, chunk => (dice === null ? chunk : flipped(chunk, dice)))
  const [behindRelay] = await before([relay.port])
  const told = new Map<string, number>()
  let [kills, messages] = [0, 0]
  return {
    get kills() {
      return kills
    },
    get messages() {
      return messages
    },
    told: () => [...told].map(([what, times]) => `${what}: ${times}`).join(', '),
    async kill(draw: Random): Promise<void> {
      const death = draw.pick(Object.keys(DEATHS)) as Death
      const port = death.startsWith('upstream') ? behindRelay! : draw.pick(ports)
      const client = await RawClient.connect(port, database)
      const canary = canaries.issue()
      canaries.watch(client.socket, canary)
      await client.query(`SELECT '${canary}'`)
      const said = conversation(draw, draw.integer(5, 40))
      messages += said.length
      if (death === 'upstream, garbled') dice = draw
      client.send(...said.map(({ ours }) => ours))
      await sleep(draw.integer(0, 12))
      const last = listen(client)
      if (death === 'client, reset') client.socket.resetAndDestroy()
      else if (death === 'client, closed') client.socket.destroy()
      else if (death === 'backend, terminated')
        await postgres.admin.query('SELECT pg_terminate_backend($1)', [client.key.readInt32BE(0)])
      else if (death === 'upstream, garbled') {
        client.send(S(), Q('SELECT 1'))
        await Promise.race([last, sleep(150)])
        client.end()
        dice = null
        relay.cut('destroy')
      } else relay.cut(death === 'upstream, reset' ? 'resetAndDestroy' : 'destroy')
      const late = new Promise<'late'>(resolve => setTimeout(resolve, PATIENCE, 'late').unref())
      const end = await Promise.race([last, late])
      if (end === 'late') findings.add(`${death}: the client is left without a word`)
      client.end()
      const allowed: readonly string[] | null = DEATHS[death]
      if (allowed !== null && end !== 'late' && end !== null && !allowed.includes(end))
        findings.add(`${death}: the last error is ${end}`)
      const what = allowed === null ? death : `${death} (${end ?? 'nothing said'})`
      told.set(what, (told.get(what) ?? 0) + 1)
      kills++
    },
  }
}

/** Reads to the end of the connection. The SQLSTATE of the last message, where that is an error. */
async function listen(client: RawClient): Promise<string | null> {
  let last: Message | null = null
  for (let message = await client.next(); message !== null; message = await client.next()) last = message
  return last?.type === 'E' ? (fieldsOf(last).C ?? null) : null
}

/** A few bytes changed. */
function flipped(chunk: Buffer, draw: Random): Buffer {
  const out = Buffer.from(chunk)
  for (let i = draw.integer(0, 3); i > 0; i--) out[draw.integer(0, out.length - 1)] = draw.integer(0, 255)
  return out
}
