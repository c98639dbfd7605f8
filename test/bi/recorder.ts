// A relay that writes down what clients say on their way to a server.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { decode, type Said, type Session, withText } from './traffic.js'

export interface Recorder {
  readonly port: number
  /** What sessions that begin from now on are about. */
  phase(what: string): void
  /** So far, in the order in which they began; a session that said what another has said is left out. */
  sessions(): Session[]
  stop(): Promise<void>
}

interface Recorded {
  readonly phase: string
  startup: Record<string, string>
  readonly said: Said[]
}

const SSL_REQUEST = 80877103
const GSS_REQUEST = 80877104
const CANCEL_REQUEST = 80877102
/** Passwords, the end of a session: no part of what is asked. */
const UNTOLD = ['p', 'X']

/** Listens on a free port of loopback; the server is asked without TLS, whatever the client would like. */
export async function startRecorder(port: number): Promise<Recorder> {
  const recorded: Recorded[] = []
  let phase = ''
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, client => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const hear = listen({ phase, startup: {}, said: [] }, session => recorded.push(session))
    client.on('data', hear)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => sockets.delete(from))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    phase(what) {
      phase = what
    },
    sessions() {
      const seen = new Set<string>()
      let last = ''
      return recorded.flatMap(({ phase, startup, said }) => {
        const key = JSON.stringify([startup, said])
        if (said.length === 0 || seen.has(key)) return []
        seen.add(key)
        const session = phase === last ? { startup, said } : { phase, startup, said }
        last = phase
        return [session]
      })
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Takes a client's bytes as they come; `begun` is told when the session has. */
function listen(session: Recorded, begun: (session: Recorded) => void): (chunk: Buffer) => void {
  let bytes = Buffer.alloc(0)
  let started = false
  return chunk => {
    bytes = Buffer.concat([bytes, chunk])
    for (;;) {
      const header = started ? 1 : 0
      if (bytes.length < header + 4) return
      const end = header + bytes.readInt32BE(header)
      if (bytes.length < end) return
      const message = bytes.subarray(0, end)
      bytes = bytes.subarray(end)
      if (started) {
        if (!UNTOLD.includes(String.fromCharCode(message[0]))) session.said.push(decode(message))
        continue
      }
      const code = message.readInt32BE(4)
      if ([SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST].includes(code)) continue
      started = true
      session.startup = startupOf(message)
      begun(session)
    }
  }
}

/** Parameters of a StartupMessage, less who connects to what. */
function startupOf(message: Buffer): Record<string, string> {
  const words = message.toString('utf8', 8).split('\0')
  const pairs = Array.from({ length: Math.floor(words.length / 2) }, (_, i) => [words[2 * i], words[2 * i + 1]])
  return Object.fromEntries(pairs.filter(([name]) => name !== '' && name !== 'user' && name !== 'database'))
}

/** `{{oid of NAME}}` for each number that is the oid of a relation or type of the database's own: another database has others. */
export function withoutOids(sessions: readonly Session[], names: ReadonlyMap<string, string>): Session[] {
  const change = (sql: string) =>
    sql.replace(/(?<![\w.$])\d{4,}(?![\w.])/g, number =>
      names.has(number) ? `{{oid of ${names.get(number)}}}` : number,
    )
  return sessions.map(session => ({ ...session, said: session.said.map(said => withText(said, change)) }))
}

/** The other way about. */
export function withOids(sessions: readonly Session[], oids: ReadonlyMap<string, string>): Session[] {
  const change = (sql: string) =>
    sql.replace(/\{\{oid of (.*?)\}\}/g, (_, name) => {
      const oid = oids.get(name)
      if (oid === undefined) throw new Error(`there is no ${name} here`)
      return oid
    })
  return sessions.map(session => ({ ...session, said: session.said.map(said => withText(said, change)) }))
}
