// Records what clients and a server say to each other, to the byte, and says the clients' part again to another server: each chunk as
// soon as as many messages have come as had come before it.

import { type AddressInfo, connect, createServer } from 'node:net'
import type { Test } from 'tap'

export interface Said {
  readonly bytes: Buffer
  /** Messages of the server's that had come before. */
  readonly after: number
}

/** One connection, from its StartupMessage on. */
export type Tape = readonly Said[]

export interface TapeRecorder {
  readonly port: number
  /** Connections that have been made since the last call, those that ask for a session. */
  take(): Tape[]
}

const SSL_REQUEST = 80877103
const GSS_REQUEST = 80877104
const CANCEL_REQUEST = 80877102

/** A relay to `port`; ended by the teardown of `t`. */
export async function startTapeRecorder(t: Pick<Test, 'teardown'>, port: number): Promise<TapeRecorder> {
  let tapes: Said[][] = []
  const server = createServer({ noDelay: true, allowHalfOpen: true }, client => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    const tape: Said[] = []
    tapes.push(tape)
    const counter = countMessages()
    // a request for encryption is answered with one byte, no message
    let negotiating = false
    client.on('data', (bytes: Buffer) => {
      const code = tape.length === 0 && bytes.length === 8 ? bytes.readInt32BE(4) : 0
      negotiating = code === SSL_REQUEST || code === GSS_REQUEST
      if (!negotiating) tape.push({ bytes, after: counter.messages })
      upstream.write(bytes)
    })
    upstream.on('data', (bytes: Buffer) => {
      if (!negotiating) counter.feed(bytes)
      client.write(bytes)
    })
    client.on('end', () => upstream.end()).on('error', () => upstream.destroy())
    upstream.on('end', () => client.end()).on('error', () => client.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return {
    port: (server.address() as AddressInfo).port,
    take() {
      const taken = tapes.filter(([first]) => {
        if (first === undefined || first.bytes.length < 8) return false
        return first.bytes.readInt32BE(4) !== CANCEL_REQUEST
      })
      tapes = []
      return taken
    },
  }
}

const BACKEND_KEY_DATA = 0x4b
const PATIENCE = 20_000

/** All that the server says to this tape, message for message; the session's key, which no two have alike, is blanked. */
export async function replay(tape: Tape, port: number): Promise<Buffer[]> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const counter = countMessages()
  let wake = () => {}
  let closed = false
  socket.on('data', (bytes: Buffer) => {
    counter.feed(bytes)
    wake()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    closed = true
    wake()
  })
  const until = async (done: () => boolean, what: string) => {
    const late = Date.now() + PATIENCE
    while (!done() && !closed) {
      if (Date.now() > late) throw new Error(`${what}: ${counter.messages} messages have come`)
      await new Promise<void>(resolve => {
        wake = resolve
        setTimeout(resolve, 1000)
      })
    }
  }
  try {
    for (const { bytes, after } of tape) {
      await until(() => counter.messages >= after, `waiting for message ${after}`)
      socket.write(bytes)
    }
    socket.end()
    await until(() => false, 'waiting for the end')
    return counter.whole.map(message => (message[0] === BACKEND_KEY_DATA ? message.fill(0, 5) : message))
  } finally {
    socket.destroy()
  }
}

function countMessages() {
  const whole: Buffer[] = []
  let bytes = Buffer.alloc(0)
  return {
    whole,
    get messages() {
      return whole.length
    },
    feed(chunk: Buffer) {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 5) {
        const end = 1 + bytes.readInt32BE(1)
        if (bytes.length < end) return
        whole.push(Buffer.from(bytes.subarray(0, end)))
        bytes = bytes.subarray(end)
      }
    },
  }
}
