// The two connections of a session. Each is read only as fast as the other takes what comes.

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { serialize } from 'pg-protocol'
import { hangUp } from './fatal.js'
import type { Log } from './options.js'
import { CONSUMER, HELD, pour, Valve } from './valve.js'

/** What happens at one end. */
export interface End {
  said(chunk: Buffer): void
  /** Nothing more will be said. */
  ended(): void
  gone(): void
}

export class Legs {
  readonly #client: Duplex
  readonly #server: Socket
  readonly #clientValve: Valve
  readonly #serverValve: Valve

  constructor(client: Duplex, server: Socket) {
    this.#client = client
    this.#server = server
    this.#clientValve = new Valve(client)
    this.#serverValve = new Valve(server)
  }

  /** Bytes from the server so far. */
  get said(): number {
    return this.#server.bytesRead
  }

  toServer(bytes: Buffer): void {
    pour(bytes, this.#server, this.#clientValve)
  }

  toClient(bytes: Buffer): void {
    pour(bytes, this.#client, this.#serverValve)
  }

  /** All that is sent to the server meanwhile, and by those whose turn comes at once, leaves in one packet: each one wakes the server. */
  together(send: () => void): void {
    this.#server.cork()
    process.nextTick(() => this.#server.uncork())
    send()
  }

  /** Too many bytes of the client's wait, or no longer. */
  holdClient(held: boolean): void {
    this.#clientValve.set(HELD, held)
  }

  /** A consumer of rows has not caught up, or has. */
  holdServer(held: boolean): void {
    this.#serverValve.set(CONSUMER, held)
  }

  /** Begins to read both. */
  start(client: End, server: End, log: Log): void {
    for (const [socket, end, who] of [
      [this.#client, client, 'client'],
      [this.#server, server, 'upstream'],
    ] as const) {
      socket
        .on('data', end.said)
        .on('end', end.ended)
        .on('close', end.gone)
        .on('error', error => log.debug({ err: error }, `${who} connection failed`))
        .resume()
    }
  }

  /** Tells the server that its client has nothing more to say. */
  endServer(): void {
    this.#server.end()
  }

  /** Closes both. A server that waits for its next message is taken leave of; one amid a query learns of it best by a closed connection. */
  close(serverWaits: boolean): void {
    hangUp(this.#client)
    if (serverWaits && this.#server.writable) {
      this.#server.end(serialize.end())
      this.#server.resume()
    } else this.#server.destroy()
  }
}
