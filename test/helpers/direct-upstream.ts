// A session of our own to a real Postgres that speaks as an intercepted one does: for tests of the graph and the features without a proxy.

import net from 'node:net'
import { parse as parseMessages, serialize } from 'pg-protocol'
import { PgError } from '../../src/pg-error.js'
import type { TypedParam, Upstream } from '../../src/rewrite/plan.js'

export interface DirectUpstream extends Upstream {
  readonly notices: string[]
  /** A simple-query string, answers ignored. */
  run(sql: string): Promise<void>
  close(): void
}

interface Waiting {
  onRow(payload: Buffer): void
  rows: number
  error: PgError | null
  done(): void
}

/** Connects to `url` (trust authentication). */
export async function directUpstream(url: string): Promise<DirectUpstream> {
  const { hostname, port, username, pathname } = new URL(url)
  const socket = net.connect({ host: hostname, port: Number(port) })
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  const queue: Waiting[] = []
  /** The same, as far as their rows have not been read: those of several may come in one piece. */
  const unread: Waiting[] = []
  const notices: string[] = []
  let described: (types: number[]) => void = () => {}
  let transaction: Upstream['transaction'] = 'idle'
  const ready = new Promise<void>(resolve => {
    const startup: Waiting = { onRow() {}, rows: 0, error: null, done: resolve }
    queue.push(startup)
    unread.push(startup)
  })
  parseMessages(socket, message => {
    const head = queue[0]
    const m = message as unknown as {
      name: string
      fields?: (Buffer | null)[]
      status?: string
      code?: string
      message?: string
      detail?: string
      hint?: string
      position?: string
      dataTypeIDs?: number[]
    }
    if (m.name === 'error' && head)
      head.error = new PgError({
        code: m.code ?? 'XX000',
        message: m.message ?? '',
        detail: m.detail,
        hint: m.hint,
        serverPosition: m.position === undefined ? undefined : Number(m.position),
      })
    if (m.name === 'parameterDescription') described(m.dataTypeIDs!)
    if (m.name === 'readyForQuery') {
      transaction = m.status === 'I' ? 'idle' : m.status === 'T' ? 'open' : 'failed'
      queue.shift()?.done()
    }
  })
  // pg-protocol decodes rows to strings: rows are taken from the raw bytes instead.
  socket.prependListener(
    'data',
    rawMessages((type, payload) => {
      const [head] = unread
      if (type === 90) unread.shift()
      if (type !== 68 || !head) return
      head.rows++
      head.onRow(payload)
    }),
  )
  socket.write(
    serialize.startup({ user: decodeURIComponent(username), database: pathname.slice(1), client_encoding: 'UTF8' }),
  )
  await ready
  const send = (bytes: Buffer[], onRow: (payload: Buffer) => void): Promise<number> =>
    new Promise((resolve, reject) => {
      const waiting: Waiting = {
        onRow,
        rows: 0,
        error: null,
        done: () => (waiting.error ? reject(waiting.error) : resolve(waiting.rows)),
      }
      queue.push(waiting)
      unread.push(waiting)
      socket.write(Buffer.concat(bytes))
    })
  const stream = (sql: string, params: readonly TypedParam[], onRow: (payload: Buffer) => void) =>
    send(
      [
        serialize.parse({ text: sql, types: params.map(p => p.type) }),
        bind(params),
        serialize.execute({}),
        serialize.sync(),
      ],
      onRow,
    )
  return {
    query: async (sql, params = []) => {
      const rows: (Buffer | null)[][] = []
      await stream(sql, params, payload => rows.push(fieldsOf(payload)))
      return rows
    },
    stream,
    async paramTypes(sql, types) {
      let found: number[] = []
      described = typeIDs => {
        found = typeIDs
      }
      await send(
        [serialize.parse({ text: sql, types: [...types] }), serialize.describe({ type: 'S' }), serialize.sync()],
        () => {},
      )
      return found
    },
    streamPrepared: stream,
    notice: n => void notices.push(`${n.code}: ${n.message}`),
    // nothing is remembered from one question to the next
    get statement() {
      return {}
    },
    get inBlock() {
      return transaction !== 'idle'
    },
    get transaction() {
      return transaction
    },
    signal: new AbortController().signal,
    unhurried: false,
    setTimeout() {},
    setNoticeLevel() {},
    async oneSnapshot() {},
    notices,
    run: async sql => void (await send([serialize.query(sql)], () => {})),
    close: () => socket.destroy(),
  }
}

export function fieldsOf(payload: Buffer): (Buffer | null)[] {
  const out: (Buffer | null)[] = []
  let at = 2
  for (let i = 0; i < payload.readUInt16BE(0); i++) {
    const length = payload.readInt32BE(at)
    at += 4
    out.push(length < 0 ? null : payload.subarray(at, at + length))
    at += Math.max(0, length)
  }
  return out
}

function bind(params: readonly TypedParam[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0, 0])]
  const int16 = (n: number) => Buffer.from([n >> 8, n & 255])
  const int32 = (n: number) => {
    const b = Buffer.alloc(4)
    b.writeInt32BE(n)
    return b
  }
  parts.push(int16(params.length), ...params.map(p => int16(p.format)), int16(params.length))
  for (const p of params) parts.push(int32(p.value?.length ?? -1), ...(p.value ? [p.value] : []))
  parts.push(int16(1), int16(1))
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from('B'), int32(body.length + 4), body])
}

/** Splits a stream of messages and hands on the type and payload of each; a long message is put together once. */
function rawMessages(onMessage: (type: number, payload: Buffer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let held = 0
  let needed = 5
  return chunk => {
    chunks.push(chunk)
    held += chunk.length
    if (held < needed) return
    const bytes = Buffer.concat(chunks)
    let at = 0
    needed = 5
    while (bytes.length - at >= 5) {
      const end = at + 1 + bytes.readInt32BE(at + 1)
      needed = end - at
      if (end > bytes.length) break
      onMessage(bytes[at], bytes.subarray(at + 5, end))
      at = end
      needed = 5
    }
    chunks = [bytes.subarray(at)]
    held = bytes.length - at
  }
}
