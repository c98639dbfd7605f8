// Holds made-up conversations with the server and, through the proxy, with the server again: the answers must be the same, however
// the bytes are cut on their way.

import type { Test } from 'tap'
import { random } from '../../../src/demo/random.js'
import { createProxy } from '../../../src/wire/proxy.js'
import { connect, type TestPostgres } from '../../helpers/postgres.js'
import { conversation, garbled, type Said } from './conversation.js'
import { Q, S } from './messages.js'
import { type Message, RawClient, transcript } from './raw-client.js'
import { testRewriter } from './rewriter.js'
import { slicer } from './slicer.js'

export interface Difference {
  readonly seed: number
  readonly kind: 'sensible' | 'garbled'
  readonly direct: string
  readonly through: string
  /** What was said to us. */
  readonly said: string
}

export interface Fuzzer {
  /** Holds the conversation of this seed; null: answered alike. */
  hold(seed: number): Promise<Difference | null>
  /** Messages said to proxies so far. */
  readonly messages: number
}

export interface FuzzOptions {
  /** Ports of proxies before `upstreams`, in that order; of this process' own unless given. */
  readonly proxies?: (upstreams: readonly number[]) => Promise<number[]>
  /** Is shown every connection that a conversation is held on, with a text that the server repeats on it. */
  readonly watch?: (client: RawClient, mark: string) => void
  /** A text for each conversation. */
  readonly mark?: () => string
}

const END = 'end of conversation'
const PATIENCE = 20_000

/** A proxy to fuzz, in a database of its own; ended by the teardown of `t`. */
export async function startFuzzer(
  t: Pick<Test, 'teardown'>,
  postgres: TestPostgres,
  options: FuzzOptions = {},
): Promise<Fuzzer> {
  const { watch = () => {}, mark = () => END, proxies = own(t) } = options
  const databaseOf = async () => {
    const url = await postgres.createDatabase()
    const client = await connect(url)
    await client.query('CREATE TABLE notes (a int)')
    await client.end()
    return new URL(url).pathname.slice(1)
  }
  const databases = { direct: await databaseOf(), through: await databaseOf() }
  const sizes = random(1, 'slices')
  const size = () => (sizes.chance(0.1) ? sizes.integer(100, 3000) : sizes.integer(1, 9))
  const upstreams = [postgres.port, await slicer(t, postgres.port, size)]
  const ports = [...(await proxies(upstreams))]
  ports.push(await slicer(t, ports[0]!, size), await slicer(t, ports[1]!, size))
  let messages = 0
  return {
    get messages() {
      return messages
    },
    async hold(seed) {
      const draw = random(seed, 'fuzz')
      const said = conversation(draw, draw.integer(1, 30))
      const garble = draw.chance(0.25)
      const port = ports[seed % ports.length]!
      const [plain, ours] = garble
        ? twice(garbled(draw, bytesOf(said, 'plain')))
        : [bytesOf(said, 'plain'), bytesOf(said, 'ours')]
      const text = mark()
      const show = (client: RawClient) => watch(client, text)
      const [direct, through] = await Promise.all([
        answers({ port: postgres.port, database: databases.direct, bytes: plain, garble, text, show }),
        answers({ port, database: databases.through, bytes: ours, garble, text, show }),
      ])
      messages += said.length
      // a server that gives up on a client amid its words resets the connection: its last ones may be lost, on either way
      const heard = garble ? through.replace(/ ?E\(08006\)$/, '') : through
      if (direct === heard || (garble && (direct.startsWith(heard) || heard.startsWith(direct)))) return null
      const kind = garble ? 'garbled' : 'sensible'
      return { seed, kind, direct, through, said: ours.toString('latin1').replace(/[^ -~]/g, '.') }
    },
  }
}

const twice = <T>(value: T): [T, T] => [value, value]
const bytesOf = (said: readonly Said[], side: keyof Said) => Buffer.concat(said.map(part => part[side]))

/** Proxies in this process. */
const own = (t: Pick<Test, 'teardown'>) => (upstreams: readonly number[]) =>
  Promise.all(
    upstreams.map(async port => {
      const upstream = { host: '127.0.0.1', port, tls: 'disable' } as const
      const proxy = await createProxy({ listen: { port: 0 }, upstream, rewriter: testRewriter() })
      t.teardown(() => proxy.close(0))
      return proxy.port
    }),
  )

interface Conversation {
  readonly port: number
  readonly database: string
  readonly bytes: Buffer
  readonly garble: boolean
  readonly text: string
  show(client: RawClient): void
}

async function answers({ port, database, bytes, garble, text, show }: Conversation): Promise<string> {
  const client = await RawClient.connect(port, database)
  show(client)
  try {
    await client.query('TRUNCATE notes')
    client.send(bytes)
    // whatever the state: COPY fails at the first Query, a transaction ends, and the last question is answered
    if (garble) client.socket.end()
    else client.send(S(), Q('ROLLBACK'), S(), Q('ROLLBACK'), Q(`SELECT '${END} ${text}'`))
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<string>(resolve => {
      timer = setTimeout(() => resolve('no answer'), PATIENCE)
    })
    const all = listen(client)
    const said = await Promise.race([all, late])
    clearTimeout(timer)
    return said
  } finally {
    client.end()
  }
}

async function listen(client: RawClient): Promise<string> {
  const out: Message[] = []
  let ended = false
  for (let message = await client.next(); message !== null; message = await client.next()) {
    out.push(message)
    if (message.type === 'D' && message.body.includes(END)) ended = true
    if (ended && message.type === 'Z') break
  }
  return transcript(out)
}
