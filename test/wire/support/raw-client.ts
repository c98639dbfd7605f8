// A client that speaks in messages: sends bytes, reads whole messages, knows nothing of SQL.

import { connect, type Socket } from 'node:net'
import { serialize } from 'pg-protocol'
import { decodeFields } from '../../../src/wire/messages/error-response.js'

export interface Message {
  /** Its type byte as a character. */
  readonly type: string
  readonly body: Buffer
}

export class RawClient {
  readonly #messages: Message[] = []
  #bytes: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}
  closed = false
  /** Process id and secret key. */
  key: Buffer = Buffer.alloc(0)

  constructor(readonly socket: Socket) {
    socket.on('data', chunk => {
      this.#bytes = Buffer.concat([this.#bytes, chunk])
      this.#split()
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.#wake()
    })
  }

  static async connect(port: number, database = 'postgres', user = 'postgres'): Promise<RawClient> {
    const client = await RawClient.open(port)
    client.send(serialize.startup({ user, database }))
    for (const message of await client.ready()) if (message.type === 'K') client.key = message.body
    return client
  }

  /** Connected, nothing sent. */
  static open(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(new RawClient(socket)))
      socket.once('error', reject)
    })
  }

  send(...messages: Buffer[]): void {
    this.socket.write(Buffer.concat(messages))
  }

  /** The next message; null when the connection has been closed. */
  async next(): Promise<Message | null> {
    while (this.#messages.length === 0) {
      if (this.closed) return null
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#messages.shift()!
  }

  /** All messages up to one of this type, or to the end of the connection. */
  async until(type: string): Promise<Message[]> {
    const out: Message[] = []
    for (let message = await this.next(); message !== null; message = await this.next()) {
      out.push(message)
      if (message.type === type) break
    }
    return out
  }

  ready(): Promise<Message[]> {
    return this.until('Z')
  }

  /** A simple query's answer. */
  async query(sql: string): Promise<Message[]> {
    this.send(serialize.query(sql))
    return this.ready()
  }

  end(): void {
    this.socket.destroy()
  }

  #split(): void {
    let at = 0
    while (this.#bytes.length - at >= 5) {
      const end = at + 1 + this.#bytes.readInt32BE(at + 1)
      if (end > this.#bytes.length) break
      this.#messages.push({ type: String.fromCharCode(this.#bytes[at]), body: this.#bytes.subarray(at + 5, end) })
      at = end
    }
    this.#bytes = this.#bytes.subarray(at)
  }
}

/** Messages in one line: types, rows as their text, tags, error fields, transaction status. ParameterStatus is left out. */
export function transcript(messages: readonly Message[]): string {
  return messages
    .filter(({ type }) => type !== 'S')
    .map(({ type, body }) => {
      if (type === 'D') return `D(${fields(body).join()})`
      if (type === 'C') return `C(${body.toString('latin1', 0, body.length - 1)})`
      if (type === 'Z') return `Z(${body.toString('latin1')})`
      if (type === 'E' || type === 'N') return `${type}(${error({ type, body }).C})`
      return type
    })
    .join(' ')
}

/** Fields of a DataRow as text. */
export function fields(body: Buffer): (string | null)[] {
  const out: (string | null)[] = []
  for (let i = 0, at = 2; i < body.readUInt16BE(0); i++) {
    const length = body.readInt32BE(at)
    at += 4
    out.push(length < 0 ? null : body.toString('utf8', at, at + length))
    if (length > 0) at += length
  }
  return out
}

/** Fields of an ErrorResponse or NoticeResponse. */
export function error({ body }: Message): Record<string, string> {
  const whole = Buffer.concat([Buffer.alloc(5), body])
  return Object.fromEntries([...decodeFields(whole)].map(([code, value]) => [code, value.toString('utf8')]))
}
